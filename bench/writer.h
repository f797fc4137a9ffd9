#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/latencies.h"
#include "bench/workload.h"

// The writer of workloads 1 and 2.
namespace strata::bench {

struct WriterResult {
  Latencies latencies;      // of the commits that are measured
  int64_t all_commits = 0;  // with those of the warm-up
  double seconds = 0;
};

void CreateEventTable(const Setup& setup, Connection* connection);

// Throws unless the table holds as many rows as commits were acknowledged.
void CheckRows(Connection* connection, int64_t commits);

// commits_per_s, all_commits and latencies over all writers.
nlohmann::json Summary(const std::vector<WriterResult>& results);

class Writer {
 public:
  Writer(const Setup& setup, Connection* connection, int64_t number);

  // Inserts for `warm_up_ms`, then for `milliseconds`, measured; or exactly `commits` times.
  WriterResult Run();

 private:
  void Insert(int64_t sequence);

  const Setup setup_;
  const int64_t number_;
  Statement insert_;
  std::string data_;
};

}  // namespace strata::bench

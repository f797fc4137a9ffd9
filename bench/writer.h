#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/latencies.h"
#include "bench/workload.h"

// The writer of workloads 1 and 2.
namespace strata::bench {

struct WriterResult {
  Latencies latencies;      // of the commits that ended after the warm-up
  int64_t all_commits = 0;  // with those of the warm-up
  int64_t in_time = 0;      // that ended in the measured time
  double seconds = 0;       // measured
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
  // Writers that start together measure the same stretch of time: one that has to wait gets no
  // other one.
  WriterResult Run();

 private:
  void Insert(int64_t sequence);

  const Setup setup_;
  const int64_t number_;
  Statement insert_;
  std::string data_;
};

}  // namespace strata::bench

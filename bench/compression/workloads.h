#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/compression/sql.h"

// Databases and what is done to them, the same for the same seed.
namespace strata::bench {

struct Workload {
  const char* name;
  const char* what;
  void (*prepare)(Sql& sql, uint64_t seed);  // the database before: the base image
  void (*run)(Sql& sql, uint64_t seed);
};

// 20,000 heartbeats, 6,000 mixed transactions, 500 batches of 100 inserts, 2,000 times 10 random
// updates, 5,000 text edits.
const std::vector<Workload>& Workloads();

// A database of `rows` events of an activity tracker, and one of `rows` texts.
void MakeEvents(Sql& sql, uint64_t seed, int64_t rows);
void MakeTexts(Sql& sql, uint64_t seed, int64_t rows);

}  // namespace strata::bench

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "bench/sqlite_api.h"

// One workload of docs/benchmarks/README.md, run in a process of its own for each library.
namespace strata::bench {

// What a worker was told on its command line.
struct Setup {
  std::string arm;        // "stock", "strata", or "builtin": the injected library's built-in log
  std::string library;    // path of the shared library
  std::string directory;  // where its databases go; exists, and belongs to it alone
  std::map<std::string, std::string> parameters;

  int64_t Number(const std::string& key, int64_t otherwise) const;
  std::string Text(const std::string& key, const std::string& otherwise) const;
  bool strata() const { return arm == "strata"; }

  std::string Database() const { return directory + "/bench.db"; }
  // URI that chooses this arm's log; `strata_settings` ("a=1&b=2") count for Strata only.
  std::string Uri(const std::string& strata_settings = "") const;
};

class Workload {
 public:
  virtual ~Workload() = default;
  // Once, before the first round.
  virtual void Prepare() {}
  // One measurement: numbers by name. Throws when anything was not as it should be: a wrong result
  // has no speed.
  virtual nlohmann::json Round() = 0;
};

using MakeWorkload = std::function<std::unique_ptr<Workload>(const Setup&, const Library&)>;

// By name. The files of the workloads define these.
std::unique_ptr<Workload> MakeCommits(const Setup& setup, const Library& library);
std::unique_ptr<Workload> MakeCommitProcesses(const Setup& setup, const Library& library);
std::unique_ptr<Workload> MakeCommitProcess(const Setup& setup, const Library& library);
std::unique_ptr<Workload> MakeHeartbeat(const Setup& setup, const Library& library);
std::unique_ptr<Workload> MakeReads(const Setup& setup, const Library& library);
std::unique_ptr<Workload> MakeLargeTransaction(const Setup& setup, const Library& library);
std::unique_ptr<Workload> MakeReaders(const Setup& setup, const Library& library);
std::unique_ptr<Workload> MakeCheckpoint(const Setup& setup, const Library& library);
std::unique_ptr<Workload> MakeRecovery(const Setup& setup, const Library& library);
std::unique_ptr<Workload> MakeLeftLog(const Setup& setup, const Library& library);
std::unique_ptr<Workload> MakeUpgrades(const Setup& setup, const Library& library);
std::unique_ptr<Workload> MakeMemory(const Setup& setup, const Library& library);

// Removes the database of `setup` with all that lies beside it.
void RemoveDatabase(const Setup& setup);

// Bytes of the log beside the database: of the file, or of the files in the directory.
uint64_t LogBytes(const Setup& setup);

}  // namespace strata::bench

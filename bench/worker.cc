#include <cstdio>
#include <exception>
#include <iostream>
#include <map>
#include <string>

#include "bench/workload.h"

// strata_bench_worker WORKLOAD ARM LIBRARY DIRECTORY [key=value…]
//
// Prepares the workload, says {"ready":…}, and then runs one round for each line "round" that it
// reads, answering with a line of JSON. Ends with its input, or at another line.
namespace strata::bench {
namespace {

const std::map<std::string, MakeWorkload> kWorkloads = {
    {"commits", MakeCommits},
    {"commit_processes", MakeCommitProcesses},
    {"commit_process", MakeCommitProcess},
    {"heartbeat", MakeHeartbeat},
    {"reads", MakeReads},
    {"large_transaction", MakeLargeTransaction},
    {"readers", MakeReaders},
    {"checkpoint", MakeCheckpoint},
    {"recovery", MakeRecovery},
    {"left_log", MakeLeftLog},
    {"upgrades", MakeUpgrades},
    {"memory", MakeMemory},
};

nlohmann::json Options(const Library& library) {
  nlohmann::json options = nlohmann::json::array();
  for (int i = 0; library.compileoption_get(i) != nullptr; ++i)
    options.push_back(library.compileoption_get(i));
  return options;
}

void Say(const nlohmann::json& what) { std::cout << what.dump() << std::endl; }

int Serve(const std::string& name, const Setup& setup) {
  const auto make = kWorkloads.find(name);
  if (make == kWorkloads.end()) throw BenchError(name + ": no such workload");
  const Library library(setup.library);
  const std::unique_ptr<Workload> workload = make->second(setup, library);
  workload->Prepare();
  Say({{"ready", library.libversion()},
       {"source", library.sourceid()},
       {"options", Options(library)}});
  std::string line;
  while (std::getline(std::cin, line) && line == "round") Say(workload->Round());
  return 0;
}

}  // namespace
}  // namespace strata::bench

int main(int count, char** arguments) {
  if (count < 5) {
    std::fprintf(stderr,
                 "usage: strata_bench_worker WORKLOAD ARM LIBRARY DIRECTORY [key=value…]\n");
    return 2;
  }
  try {
    strata::bench::Setup setup{arguments[2], arguments[3], arguments[4], {}};
    for (int i = 5; i < count; ++i) {
      const std::string argument = arguments[i];
      const size_t equals = argument.find('=');
      setup.parameters[argument.substr(0, equals)] =
          equals == std::string::npos ? "" : argument.substr(equals + 1);
    }
    return strata::bench::Serve(arguments[1], setup);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "strata_bench_worker %s: %s\n", arguments[1], error.what());
    return 1;
  }
}

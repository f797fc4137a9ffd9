#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/strings/numbers.h"
#include "tests/crash/campaign.h"
#include "tests/crash/workloads.h"

// The long run of tests/crash: see docs/crash_tests.md.
namespace strata::crash {
namespace {

struct Arguments {
  uint64_t images = 1'000'000;
  uint64_t seed = 1;
  std::string workload = "all";
  std::string swallow;
  int steps = 40;
};

constexpr char kHelp[] =
    "usage: crash_campaign [--images N] [--seed S] [--workload NAME|all] [--steps N] [--without "
    "SYNC]\n"
    "  --images   stop after this many images (1000000)\n"
    "  --seed     of the first round; each further round takes the next one (1)\n"
    "  --workload one of those that --list prints (all)\n"
    "  --steps    transactions and other steps between two power cuts (40)\n"
    "  --without  a sync, by its name, that the product forgets: the campaign must find it\n"
    "exit code: 0 nothing found, 1 a violation, 2 bad arguments\n";

bool Parse(int count, char** words, Arguments* arguments) {
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (word == "--list") {
      for (const Workload& workload : AllWorkloads()) std::printf("%s\n", workload.name.c_str());
      std::exit(0);
    }
    if (i + 1 == count) return false;
    const std::string value = words[++i];
    bool good = true;
    if (word == "--images")
      good = absl::SimpleAtoi(value, &arguments->images);
    else if (word == "--seed")
      good = absl::SimpleAtoi(value, &arguments->seed);
    else if (word == "--steps")
      good = absl::SimpleAtoi(value, &arguments->steps);
    else if (word == "--workload")
      arguments->workload = value;
    else if (word == "--without")
      arguments->swallow = value;
    else
      good = false;
    if (!good) return false;
  }
  return true;
}

void Print(const CampaignResult& total, uint64_t rounds, double seconds) {
  std::printf(
      "%llu rounds, %llu commits, %llu crash points, %.1f s, %.0f images a second\n%s\n%s\nfailed "
      "syncs %llu, logs revived %llu\n",
      static_cast<unsigned long long>(rounds), static_cast<unsigned long long>(total.commits),
      static_cast<unsigned long long>(total.cuts), seconds,
      static_cast<double>(total.checks.images) / seconds, total.checks.ToString().c_str(),
      total.faults.ToString().c_str(), static_cast<unsigned long long>(total.failed_syncs),
      static_cast<unsigned long long>(total.revivals));
  for (int i = 0; i < kStepKinds; ++i) {
    std::printf("%s %llu, ", NameOf(static_cast<Step>(i)),
                static_cast<unsigned long long>(total.steps[i]));
  }
  std::printf("\nsyncs:\n");
  for (const auto& [site, times] : total.sync_sites) {
    std::printf("  %-50s %llu\n", site.c_str(), static_cast<unsigned long long>(times));
  }
}

int Main(int count, char** words) {
  Arguments arguments;
  if (!Parse(count, words, &arguments)) {
    std::fputs(kHelp, stderr);
    return 2;
  }
  const auto start = std::chrono::steady_clock::now();
  CampaignResult total;
  uint64_t rounds = 0;
  bool any = true;
  while (any && total.violation.empty() && total.checks.images < arguments.images) {
    any = false;
    for (const Workload& workload : AllWorkloads()) {
      if (arguments.workload != "all" && arguments.workload != workload.name) continue;
      any = true;
      CampaignOptions options;
      options.seed = arguments.seed + rounds;
      options.steps = arguments.steps;
      options.swallow = arguments.swallow;
      total.Add(RunCampaign(workload, options));
      if (!total.violation.empty() || total.checks.images >= arguments.images) break;
    }
    ++rounds;
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  Print(total, rounds, seconds.count());
  if (!any) std::printf("no workload %s\n", arguments.workload.c_str());
  if (total.violation.empty()) return any ? 0 : 2;
  std::printf("VIOLATION: %s\n", total.violation.c_str());
  return 1;
}

}  // namespace
}  // namespace strata::crash

int main(int count, char** words) { return strata::crash::Main(count, words); }

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "tests/crash/campaign.h"
#include "tests/crash/workloads.h"

namespace strata::crash {
namespace {

constexpr Step kAlphabet[] = {Step::kCommit,    Step::kSpilledCommit, Step::kRollback,
                              Step::kSavepoint, Step::kCheckpoint,    Step::kTruncate,
                              Step::kSeal,      Step::kClose,         Step::kKill};

Workload Named(const std::string& name) {
  const std::vector<Workload> all = AllWorkloads();
  return *std::find_if(all.begin(), all.end(),
                       [&](const Workload& each) { return each.name == name; });
}

// Runs all sequences of up to `length` steps.
CampaignResult RunAll(const Workload& workload, size_t length) {
  CampaignResult total;
  std::vector<std::vector<Step>> sequences = {{}};
  for (size_t i = 0; i < sequences.size() && total.violation.empty(); ++i) {
    if (sequences[i].size() < length) {
      for (const Step step : kAlphabet) {
        sequences.push_back(sequences[i]);
        sequences.back().push_back(step);
      }
    }
    CampaignOptions options;
    options.seed = i + 1;
    options.images_per_cut = 1;
    total.Add(RunSteps(workload, sequences[i], options));
  }
  std::printf("%s: %zu sequences, %s\n", workload.name.c_str(), sequences.size(),
              total.checks.ToString().c_str());
  return total;
}

class CrashExhaustive : public testing::TestWithParam<const char*> {};

TEST_P(CrashExhaustive, EverySequenceOfThreeStepsSurvivesEveryPowerCut) {
  const CampaignResult total = RunAll(Named(GetParam()), 3);
  EXPECT_EQ(total.violation, "");
  EXPECT_GT(total.checks.images, 10'000u);
}

INSTANTIATE_TEST_SUITE_P(, CrashExhaustive,
                         testing::Values("mixed", "adopted", "padded", "store-adopted"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace strata::crash

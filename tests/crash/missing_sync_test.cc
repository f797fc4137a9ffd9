#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <set>
#include <string>

#include "tests/crash/campaign.h"
#include "tests/crash/workloads.h"

// The product without one of its syncs: the campaign must notice.
namespace strata::crash {
namespace {

constexpr uint64_t kMostImages = 1'000'000;

struct Site {
  const char* name;
  const char* workload;  // one that needs it
};

constexpr Site kNecessary[] = {
    {"identity", "mixed"},
    {"directory: identity: name", "mixed"},
    {"directory: parent: new log directory", "mixed"},
    {"log: new file", "mixed"},
    {"directory: new log file: name", "mixed"},
    {"directory: log file set aside: name", "full"},
    {"log: used file, new header", "full"},
    {"log: frames", "mixed"},
    {"log: mark", "mixed"},
    {"log: mark at close", "mixed"},
    {"database file", "mixed"},
    {"directory: old log files removed", "store-padded"},
    {"directory: last log file removed", "mixed"},
    {"directory: parent: log directory removed", "mixed"},
    {"log: recovered", "mixed"},
    {"directory: recovered file: name", "mixed"},
    {"directory: leftovers removed", "failing-syncs"},
    {"log: replacement", "failing-syncs"},
    {"directory: replacement: name", "failing-syncs"},
    {"app.db-strata", "store"},
    {"directory: app.db-strata: name", "store-adopted"},
    {"store: object", "store"},
    {"directory: store: new directory", "store"},
    {"directory: store: object: name", "store"},
};

// Syncs of directories in which nothing was waiting, as far as this machine knows: another process
// may have died between a change and its sync, so that the product cannot know. And of removed
// files that nobody would miss.
constexpr const char* kPrecautions[] = {
    "directory: unchanged", "directory: store, unchanged",
    "directory: lock file", "directory: other file removed",
    "log: zeros",  // in pieces for the sake of others; the sync of the header covers them
};

CampaignResult RunWithout(const std::string& site, const std::string& workload_name,
                          uint64_t images) {
  CampaignResult total;
  for (uint64_t seed = 1; total.violation.empty() && total.checks.images < images; ++seed) {
    for (const Workload& workload : AllWorkloads()) {
      if (workload.name != workload_name) continue;
      CampaignOptions options;
      options.seed = seed;
      options.swallow = site;
      total.Add(RunCampaign(workload, options));
    }
    if (total.checks.images == 0) break;
  }
  return total;
}

class MissingSync : public testing::TestWithParam<Site> {};

TEST_P(MissingSync, IsFound) {
  const CampaignResult total = RunWithout(GetParam().name, GetParam().workload, kMostImages);
  std::printf("after %llu images: %s\n", static_cast<unsigned long long>(total.checks.images),
              total.violation.c_str());
  EXPECT_NE(total.violation, "");
}

std::string TestName(const testing::TestParamInfo<Site>& info) {
  std::string name;
  for (const char* at = info.param.name; *at != '\0'; ++at) {
    if (std::isalnum(static_cast<unsigned char>(*at)) != 0)
      name += *at;
    else if (!name.empty() && name.back() != '_')
      name += '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(, MissingSync, testing::ValuesIn(kNecessary), TestName);

// A sync that is added to the product must be added to the table too.
TEST(MissingSyncs, EverySyncOfTheProductIsInTheTable) {
  std::set<std::string> known;
  for (const Site& site : kNecessary) known.insert(site.name);
  for (const char* site : kPrecautions) known.insert(site);
  std::set<std::string> seen;
  for (const Workload& workload : AllWorkloads()) {
    for (uint64_t seed = 1; seed <= 5; ++seed) {
      CampaignOptions options;
      options.seed = seed;
      options.stop_after_images = 1;
      for (const auto& [site, times] : RunCampaign(workload, options).sync_sites) seen.insert(site);
    }
  }
  for (const std::string& site : seen) EXPECT_TRUE(known.contains(site)) << site;
  for (const Site& site : kNecessary) EXPECT_TRUE(seen.contains(site.name)) << site.name;
}

}  // namespace
}  // namespace strata::crash

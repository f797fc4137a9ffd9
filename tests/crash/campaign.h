#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/crash/driver.h"
#include "tests/crash/image_check.h"

// Workloads on a simulated disk, the power cut at every operation, and every image recovered and
// judged.
namespace strata::crash {

struct CampaignOptions {
  uint64_t seed = 1;
  int steps = 40;  // of a workload between two power cuts
  int generations =
      3;  // the machine starts again on one of the images and goes on, this many times
  int images_per_cut = 3;        // random ones, besides the two extremes
  uint64_t thorough_every = 48;  // images
  std::string swallow;           // a sync that the product forgets; see SyncSites
  uint64_t stop_after_images = Trace::kNever;
};

struct CampaignResult {
  std::string violation;  // with everything that is needed to see it again; empty: none
  support::FaultCounts faults;
  CheckCounts checks;
  uint64_t cuts = 0;  // crash points
  uint64_t commits = 0;
  uint64_t failed_syncs = 0;
  uint64_t revivals = 0;
  uint64_t steps[kStepKinds] = {};
  std::map<std::string, uint64_t> sync_sites;

  void Add(const CampaignResult& other);
};

// One workload with one seed, over all its generations.
CampaignResult RunCampaign(const Workload& workload, const CampaignOptions& options);

// The same for given steps on a new database, without further generations.
CampaignResult RunSteps(const Workload& workload, const std::vector<Step>& steps,
                        const CampaignOptions& options);

}  // namespace strata::crash

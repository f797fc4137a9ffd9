#pragma once

#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "compactor/compaction.h"
#include "compactor/restore.h"
#include "compactor/restore_target.h"
#include "compactor/verify.h"
#include "io/clock.h"
#include "tests/compactor/model_log.h"
#include "tests/compactor/scratch_store.h"

namespace strata::compactor {

inline std::vector<uint8_t> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// A store with one namespace "app", and the operations under test in short form.
class StoreFixture : public ScratchStore {
 protected:
  std::string OutputPath() const { return directory() + "/out.db"; }

  absl::StatusOr<RestoreResult> RestoreTo(const RestoreTarget& wanted, const std::string& output,
                                          bool force = true) {
    BlockCache cache;
    auto history = LoadHistory(store(), "app");
    if (!history.ok()) return history.status();
    auto target = ResolveTarget(&store(), &cache, *history, wanted);
    if (!target.ok()) return target.status();
    auto plan = PlanRestore(*history, *target);
    if (!plan.ok()) return plan.status();
    RestoreOptions options;
    options.force = force;
    return Restore(&store(), &cache, &io::PosixFileSystem(), &io::SystemRandom(), *history, *target,
                   *plan, output, options);
  }

  absl::StatusOr<std::vector<uint8_t>> RestoredAt(std::optional<uint64_t> frame = std::nullopt) {
    RestoreTarget wanted;
    if (frame) wanted.frame = segment::FrameNo(*frame);
    auto result = RestoreTo(wanted, OutputPath());
    if (!result.ok()) return result.status();
    return ReadFile(OutputPath());
  }

  void DeleteAllObjects() {
    auto objects = store().List("", "", 100000);
    ASSERT_TRUE(objects.ok()) << objects.status();
    for (const io::ObjectInfo& object : *objects) ASSERT_TRUE(store().Delete(object.key).ok());
  }

  // One round of a strategy; the number of merges done.
  absl::StatusOr<size_t> CompactOnce(Strategy strategy) {
    auto history = LoadHistory(store(), "app");
    if (!history.ok()) return history.status();
    const LogHistory* log = history->live();
    auto plans = PlanCompactions(*history, *log, strategy);
    if (!plans.ok()) return plans.status();
    for (const PlannedCompaction& plan : *plans) {
      BlockCache cache;
      auto result = Compact(&store(), &cache, &io::SystemClock(), &io::SystemRandom(), *history,
                            *log, plan, {});
      if (!result.ok()) return result.status();
    }
    return plans->size();
  }

  VerifyReport VerifyNow(VerifyDepth depth) {
    VerifyOptions options;
    options.depth = depth;
    options.scratch_directory = directory();
    auto report = Verify(&store(), &io::PosixFileSystem(), &io::SystemRandom(), "app", options);
    EXPECT_TRUE(report.ok()) << report.status();
    return report.value_or(VerifyReport());
  }

  // A random history with growth, shrinks and untouched new pages; sealed in pieces.
  void FillRandomly(ModelLog* log, std::mt19937* random, int commits) {
    for (int i = 0; i < commits; ++i) {
      const uint32_t now = log->states().empty() ? 0 : log->states().back().commit.database_pages;
      uint32_t size = now;
      if (now == 0 || (*random)() % 3 == 0) size = now + 1 + (*random)() % 6;
      if (now > 3 && (*random)() % 5 == 0) size = 1 + (*random)() % now;
      std::map<uint32_t, PageBytes> pages;
      const size_t writes = 1 + (*random)() % 4;
      for (size_t w = 0; w < writes; ++w) pages[1 + (*random)() % size] = log->Page((*random)());
      log->Commit(pages, size);
      if ((*random)() % 3 == 0 || i + 1 == commits) log->ShipSealed();
    }
  }
};

}  // namespace strata::compactor

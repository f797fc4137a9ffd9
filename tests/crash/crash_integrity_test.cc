#include <gtest/gtest.h>

#include <cstdio>

#include "segment/digest.h"
#include "tests/crash/host.h"
#include "tests/crash/sql_session.h"
#include "tests/crash/trace.h"

// Databases that SQLite made, not patterns: whatever a power cut leaves passes PRAGMA
// integrity_check.
namespace strata::crash {
namespace {

using support::CrashPolicy;
using support::SimulatedDisk;
using wal::Durability;

constexpr uint64_t kSeed = 7;

class CrashIntegrity : public testing::TestWithParam<uint32_t> {
 protected:
  CrashIntegrity() : sites_(&disk_), random_(kSeed) {
    workload_.page_size = GetParam();
    workload_.options.background = false;
    workload_.options.segment_bytes = 40 * workload_.page_size;
    workload_.options.checkpoint_bytes = 60 * workload_.page_size;
  }

  uint64_t DigestOf(const std::vector<uint8_t>& bytes) const {
    segment::Digest digest;
    for (size_t at = 0; at < bytes.size(); at += workload_.page_size) {
      const segment::PageNo page(static_cast<uint32_t>(at / workload_.page_size) + 1);
      digest.Toggle(segment::PageHash(page, {bytes.data() + at, workload_.page_size}));
    }
    return digest.value();
  }

  // The pages in which two states differ.
  std::vector<wal::PageRef> Changed(const std::vector<uint8_t>& from,
                                    const std::vector<uint8_t>& to) const {
    std::vector<wal::PageRef> pages;
    const size_t size = workload_.page_size;
    for (size_t at = 0; at < to.size(); at += size) {
      const bool same = at + size <= from.size() && std::equal(&to[at], &to[at] + size, &from[at]);
      if (!same) pages.push_back({segment::PageNo(static_cast<uint32_t>(at / size) + 1), &to[at]});
    }
    return pages;
  }

  // Every third transaction spills half its pages first; every fourth is NORMAL.
  void Commit(const std::shared_ptr<wal::Log>& log, const std::vector<uint8_t>& from,
              const std::vector<uint8_t>& to, size_t number) {
    const std::vector<wal::PageRef> pages = Changed(from, to);
    ASSERT_FALSE(pages.empty());
    const Durability level = number % 4 == 3 ? Durability::kNormal : Durability::kFull;
    const auto database_pages = static_cast<uint32_t>(to.size() / workload_.page_size);
    wal::Connection connection(log);
    ASSERT_TRUE(connection.BeginRead().ok());
    ASSERT_TRUE(connection.BeginWrite().ok());
    const auto half = absl::MakeSpan(pages).first(pages.size() / 2);
    if (number % 3 == 2 && !half.empty()) {
      ASSERT_TRUE(connection.Write(workload_.page_size, half, false, 0, level).ok());
    }
    Trace::Commit commit{DatabaseState::WithDigest(workload_.page_size, DigestOf(to)), number,
                         disk_.operation_count()};
    ASSERT_TRUE(connection.Write(workload_.page_size, pages, true, database_pages, level).ok());
    ASSERT_TRUE(connection.EndWrite().ok());
    const size_t place = trace_.Append(commit);
    const bool full = level == Durability::kFull;
    trace_.Promised(full ? Trace::Promise::kPower : Trace::Promise::kProcess, place,
                    disk_.operation_count());
  }

  void RunSession(const std::vector<std::vector<uint8_t>>& states) {
    ASSERT_TRUE(disk_.CreateDirectory("/db").ok());
    ASSERT_TRUE(disk_.SyncDirectory("/").ok());
    first_cut_ = disk_.operation_count();
    Host host(&sites_, workload_, kSeed);
    const absl::StatusOr<std::shared_ptr<wal::Log>> log = host.Open();
    ASSERT_TRUE(log.ok()) << log.status();
    std::vector<uint8_t> before;
    for (size_t i = 0; i < states.size(); ++i) {
      ASSERT_NO_FATAL_FAILURE(Commit(*log, before, states[i], i + 1));
      before = states[i];
      host.clock().Advance(60'000);
      (*log)->RunMaintenance();
      if (i % 10 != 9) continue;
      ASSERT_TRUE((*log)->Checkpoint(segment::FrameNo(Trace::kNever), true, false).ok());
    }
  }

  void CheckImage(support::ImageBuilder& builder, const support::CrashOptions& crash,
                  Trace::Promise promise) {
    const auto image = builder.Build(crash, &faults_);
    SyncSites files(image.get());
    Host host(&files, workload_, random_.Next64());
    const absl::StatusOr<std::shared_ptr<wal::Log>> log = host.Open();
    ASSERT_TRUE(log.ok()) << log.status() << " after " << builder.Where();
    const absl::StatusOr<Content> content = ReadContent(files, *log, workload_.page_size);
    ASSERT_TRUE(content.ok()) << content.status() << " after " << builder.Where();
    ASSERT_EQ(trace_.Judge(content->digest, content->frame, promise, builder.position()).violation,
              "")
        << builder.Where();
    ASSERT_EQ(IntegrityCheck(content->bytes), "ok") << builder.Where();
    ++checked_;
  }

  SimulatedDisk disk_;
  SyncSites sites_;
  Workload workload_;
  io::SeededRandom random_;
  Trace trace_{DatabaseState(512), 0};
  support::FaultCounts faults_;
  uint64_t first_cut_ = 0;
  uint64_t checked_ = 0;
};

TEST_P(CrashIntegrity, WhateverAPowerCutLeavesPassesIntegrityCheck) {
  ASSERT_NO_FATAL_FAILURE(RunSession(RecordSqlSession(workload_.page_size, 120, kSeed)));
  support::ImageBuilder builder(disk_);
  for (uint64_t k = first_cut_; k <= builder.operation_count(); ++k) {
    builder.AdvanceTo(k);
    ASSERT_NO_FATAL_FAILURE(
        CheckImage(builder, {0, CrashPolicy::kKeepAll}, Trace::Promise::kProcess));
    ASSERT_NO_FATAL_FAILURE(
        CheckImage(builder, {0, CrashPolicy::kDropUnsynced}, Trace::Promise::kPower));
    for (int i = 0; i < 4; ++i) {
      ASSERT_NO_FATAL_FAILURE(
          CheckImage(builder, {random_.Next64(), CrashPolicy::kRandom}, Trace::Promise::kPower));
    }
  }
  std::printf("seed %llu: %llu images passed integrity_check; %s\n",
              static_cast<unsigned long long>(kSeed), static_cast<unsigned long long>(checked_),
              faults_.ToString().c_str());
  EXPECT_GT(checked_, 2000u);
}

INSTANTIATE_TEST_SUITE_P(PageSizes, CrashIntegrity, testing::Values(512, 1024, 4096));

}  // namespace
}  // namespace strata::crash

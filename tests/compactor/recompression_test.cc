#include "compactor/recompression.h"

#include <algorithm>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "io/local_object_store.h"
#include "segment/dictionary_store.h"
#include "tests/compactor/store_fixture.h"
#include "tests/support/crash_image.h"
#include "tests/support/disk_helpers.h"

// Encoding anew what is stored: smaller, the same, and never in between.
namespace strata::compactor {
namespace {

using segment::Codec;
using segment::DictionaryKind;
using ::testing::HasSubstr;

constexpr uint32_t kPageBytes = 1024;

class RecompressionTest : public testing::Test {
 protected:
  RecompressionTest() : disk_(std::make_unique<support::SimulatedDisk>()), log_(nullptr, "", 512) {
    EXPECT_TRUE(disk_->CreateDirectory("/out").ok());
    EXPECT_TRUE(disk_->SyncDirectory("/").ok());
    store_ = std::make_unique<io::LocalObjectStore>(disk_.get(), &random_, "/store");
    log_ = ModelLog(store_.get(), "app", kPageBytes);
  }

  PageBytes Page(uint32_t words) {
    PageBytes page(kPageBytes);
    for (uint32_t i = 0; i < words; ++i) {
      io::SeededRandom word(generator_() % 300);
      for (uint32_t b = 0; b < 4; ++b)
        io::StoreLittleEndian<uint64_t>(page.data() + 32 * i + 8 * b, word.Next64());
    }
    return page;
  }

  // A base image, sealed segments behind it, all raw, and a merge of the first ones.
  void Fill() {
    std::vector<PageBytes> base;
    for (int i = 0; i < 150; ++i) base.push_back(Page(30));
    log_.Claim(1, 1);
    log_.ShipBase(base);
    for (int segment = 0; segment < 3; ++segment) {
      for (int commit = 0; commit < 10; ++commit) {
        std::map<uint32_t, PageBytes> pages;
        for (int i = 0; i < 3; ++i) {
          const uint32_t number = 1 + static_cast<uint32_t>(generator_() % 8);
          pages[number] = log_.states().back().pages[number - 1];
          pages[number][generator_() % kPageBytes] ^= 0x55;
        }
        log_.Commit(pages, 150);
      }
      log_.ShipSealed();
    }
  }

  absl::StatusOr<std::vector<RecompressedSegment>> Run(io::ObjectStore* store, bool train = true) {
    const NamespaceHistory history = LoadHistory(*store, "app").value();
    RecompressionOptions options;
    options.dictionary.train = train;
    options.threads = 1;
    BlockCache cache;
    return Recompress(store, &cache, &io::SystemClock(), &random_, history, *history.live(),
                      options, nullptr);
  }

  absl::StatusOr<std::vector<uint8_t>> RestoredAt(support::SimulatedDisk* disk, uint64_t frame) {
    io::LocalObjectStore store(disk, &random_, "/store");
    BlockCache cache;
    auto history = LoadHistory(store, "app");
    if (!history.ok()) return history.status();
    RestoreTarget wanted;
    wanted.frame = segment::FrameNo(frame);
    auto target = ResolveTarget(&store, &cache, *history, wanted);
    if (!target.ok()) return target.status();
    auto plan = PlanRestore(*history, *target);
    if (!plan.ok()) return plan.status();
    RestoreOptions options;
    options.force = true;
    options.threads = 1;
    auto result =
        Restore(&store, &cache, disk, &random_, *history, *target, *plan, "/out/db", options);
    if (!result.ok()) return result.status();
    return support::ReadAll(*disk, "/out/db");
  }

  void ExpectCommits(support::SimulatedDisk* disk, size_t step) {
    for (size_t i = 0; i < log_.states().size(); i += step) {
      const ModelLog::State& state = log_.states()[i];
      auto restored = RestoredAt(disk, state.commit.frame.value());
      ASSERT_TRUE(restored.ok()) << restored.status();
      ASSERT_EQ(*restored, state.Bytes()) << "frame " << state.commit.frame.value();
    }
  }

  std::mt19937 generator_{5};
  io::SeededRandom random_{1};
  std::unique_ptr<support::SimulatedDisk> disk_;
  std::unique_ptr<io::LocalObjectStore> store_;
  ModelLog log_;
};

TEST_F(RecompressionTest, EverythingIsSmallerAndTheSame) {
  Fill();
  const auto done = Run(store_.get());
  ASSERT_TRUE(done.ok()) << done.status();
  ASSERT_EQ(done->size(), 4u);
  for (const RecompressedSegment& segment : *done)
    EXPECT_LT(segment.after.size, segment.before.size / 2);
  EXPECT_NE(segment::FindNewestDictionary(*store_, "app", DictionaryKind::kPages).value(), nullptr);
  ExpectCommits(disk_.get(), 1);
}

TEST_F(RecompressionTest, ASecondRunChangesNothing) {
  Fill();
  ASSERT_TRUE(Run(store_.get()).ok());
  const auto again = Run(store_.get(), false);
  ASSERT_TRUE(again.ok()) << again.status();
  for (const RecompressedSegment& segment : *again) {
    EXPECT_EQ(segment.after.size, segment.before.size);
    EXPECT_EQ(segment.after.key, segment.before.key);
  }
  ExpectCommits(disk_.get(), 7);
}

TEST_F(RecompressionTest, KilledOrWithoutPowerAtAnyPointNothingIsLost) {
  Fill();
  const uint64_t first = disk_->operation_count();
  ASSERT_TRUE(Run(store_.get()).ok());
  support::ImageBuilder builder(*disk_);
  ASSERT_GT(builder.operation_count(), first + 20);
  for (uint64_t k = first; k <= builder.operation_count(); ++k) {
    builder.AdvanceTo(k);
    for (uint64_t seed = 0; seed < 3; ++seed) {
      SCOPED_TRACE(builder.Where() + ", seed " + std::to_string(seed));
      auto image = builder.Build({.seed = seed});
      ExpectCommits(image.get(), 10);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_F(RecompressionTest, CutShortItIsFinishedByTheNextRun) {
  Fill();
  const uint64_t first = disk_->operation_count();
  ASSERT_TRUE(Run(store_.get()).ok());
  support::ImageBuilder builder(*disk_);
  for (uint64_t k = first; k <= builder.operation_count(); k += 9) {
    builder.AdvanceTo(k);
    auto image = builder.Build({.seed = k});
    io::LocalObjectStore store(image.get(), &random_, "/store");
    const auto done = Run(&store, false);
    ASSERT_TRUE(done.ok()) << builder.Where() << ": " << done.status();
    ExpectCommits(image.get(), 15);
    if (HasFatalFailure()) return;
  }
}

TEST_F(RecompressionTest, ADamagedSegmentIsNamedAndLeftAsItIs) {
  Fill();
  const NamespaceHistory history = LoadHistory(*store_, "app").value();
  const CountedSegment& damaged = history.live()->segments.back();
  const std::string key = segment::BuildSegmentKey("app", damaged.key);
  std::vector<uint8_t> bytes = store_->GetRange(key, 0, damaged.size).value();
  bytes[bytes.size() / 3] ^= 1;
  ASSERT_TRUE(io::PutObject(*store_, key, io::IfPresent::kReplace, bytes).ok());
  const auto done = Run(store_.get());
  EXPECT_EQ(done.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(done.status().message()), HasSubstr(key));
  EXPECT_EQ(store_->GetRange(key, 0, damaged.size + 1).value(), bytes);
}

}  // namespace
}  // namespace strata::compactor

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/store_url.h"
#include "segment/manifest_log.h"
#include "tests/wal/log_world.h"

namespace strata::wal {
namespace {

using segment::FrameNo;
using testing::HasSubstr;

constexpr int64_t kUntilShipped = 3'000'000;
constexpr uint32_t kPages = 4;

// Frames 1 to 4 and 5 to 8 are the pages' first and second versions, held by a reader.
class FrameRepairTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(world_.disk->CreateDirectory("/store").ok());
    world_.store = {io::LocalStoreUrl("/store"), "app"};
    world_.options.seal_after_us = 1'000'000;
    ASSERT_TRUE(world_.Open().ok());
    reader_ = std::make_unique<Connection>(world_.log);
    ASSERT_TRUE(reader_->BeginRead().ok());
    CommitAll(1);
    CommitAll(2);
  }
  void TearDown() override { reader_.reset(); }

  void CommitAll(uint64_t version) {
    std::vector<PageVersion> all;
    for (uint32_t page = 1; page <= kPages; ++page) all.push_back({page, version});
    ASSERT_TRUE(world_.CommitPages(all, kPages).ok());
  }

  // Turns a bit of the record of `frame` around.
  void Damage(FrameNo frame) {
    const auto list = world_.log->state().files.list();
    const CurrentSegment* segment = LogFiles::Find(*list, frame);
    ASSERT_NE(segment, nullptr);
    const uint64_t at = segment->OffsetOf(frame) + segment::kRecordHeaderSize + 100;
    const std::string path =
        std::string(LogWorld::kDirectory) + "/" + world_.LogFileNames().front();
    auto file = world_.disk->Open(path, io::OpenMode::kReadWrite);
    ASSERT_TRUE(file.ok()) << file.status();
    std::vector<uint8_t> byte(1);
    ASSERT_TRUE((*file)->ReadAt(at, absl::MakeSpan(byte)).ok());
    byte[0] ^= 0x10;
    ASSERT_TRUE((*file)->Write(at, byte).ok());
  }

  LogWorld world_;
  std::unique_ptr<Connection> reader_;
};

TEST_F(FrameRepairTest, ADamagedFrameIsReadFromTheStore) {
  world_.Pass(kUntilShipped);
  Damage(FrameNo(6));
  const auto versions = world_.Read();
  ASSERT_TRUE(versions.ok()) << versions.status();
  EXPECT_EQ(*versions, Versions({2, 2, 2, 2}));
  EXPECT_THAT(world_.logger.text(), HasSubstr("taken from the store"));
}

// What another writer took over counts no more, wherever it still lies.
TEST_F(FrameRepairTest, AFrameIsTakenFromASegmentOnlyAsFarAsThatCounts) {
  world_.Pass(kUntilShipped);
  auto store = io::OpenStore(world_.disk.get(), &world_.random, world_.store.url);
  ASSERT_TRUE(store.ok()) << store.status();
  segment::ManifestLog manifests(store->get(), "app", &world_.clock, &world_.random);
  const absl::Status claimed = manifests.Publish([](const segment::ManifestEdits& state) {
    segment::EpochClaim claim = *state.newest_claim();
    claim.epoch = claim.epoch.next();
    claim.first_frame = FrameNo(6);
    segment::ManifestEdits edits;
    edits.claims[claim.epoch] = claim;
    return edits;
  });
  ASSERT_TRUE(claimed.ok()) << claimed;
  Damage(FrameNo(5));
  EXPECT_TRUE(world_.Read().ok());
  Damage(FrameNo(6));
  EXPECT_TRUE(absl::IsDataLoss(world_.Read().status()));
  EXPECT_THAT(world_.logger.text(), HasSubstr("no sealed segment that counts has frame 6"));
}

TEST_F(FrameRepairTest, ACheckpointTakesADamagedFrameFromTheStore) {
  world_.Pass(kUntilShipped);
  Damage(FrameNo(7));
  reader_->EndRead();
  const absl::Status done = world_.log->Checkpoint(FrameNo(8), true, false);
  ASSERT_TRUE(done.ok()) << done;
  const auto database = world_.disk->Files()[LogWorld::kDatabase];
  ASSERT_GE(database.size(), 3u * kPageSize);
  const std::vector<uint8_t> page(database.begin() + 2 * kPageSize,
                                  database.begin() + 3 * kPageSize);
  EXPECT_EQ(page, PageBytes(3, 2));
}

TEST_F(FrameRepairTest, WhatTheStoreDoesNotHaveIsAnErrorThatNamesThePlace) {
  Damage(FrameNo(6));
  const auto versions = world_.Read();
  EXPECT_TRUE(absl::IsDataLoss(versions.status())) << versions.status();
  EXPECT_THAT(std::string(versions.status().message()), HasSubstr(LogWorld::kDirectory));
}

TEST_F(FrameRepairTest, ADamagedSegmentIsNotServedEither) {
  world_.Pass(kUntilShipped);
  for (const auto& [path, bytes] : world_.disk->Files()) {
    if (path.find("/store/") != 0 || path.find("segments") == std::string::npos) continue;
    auto file = world_.disk->Open(path, io::OpenMode::kReadWrite);
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_TRUE((*file)->Write(bytes.size() / 3, std::vector<uint8_t>(64, 0xEE)).ok());
  }
  Damage(FrameNo(6));
  EXPECT_TRUE(absl::IsDataLoss(world_.Read().status()));
}

}  // namespace
}  // namespace strata::wal

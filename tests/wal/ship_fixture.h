#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "io/object_stream.h"
#include "io/store_url.h"
#include "segment/dictionary_store.h"
#include "segment/digest.h"
#include "segment/segment_reader.h"
#include "segment/store_layout.h"
#include "segment/store_listing.h"
#include "tests/wal/log_world.h"

namespace strata::wal {

inline constexpr char kNamespace[] = "app";
inline constexpr int64_t kLong = 3'000'000;

// A log with a store on the same simulated disk.
class ShipTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(world_.disk->CreateDirectory("/store").ok());
    Attach(world_);
  }
  static void Attach(LogWorld& world) {
    world.store = {io::LocalStoreUrl("/store"), kNamespace};
    world.options.seal_after_us = 1'000'000;
  }

  std::vector<segment::StoredSegment> Stored() {
    auto store = io::OpenStore(world_.disk.get(), &world_.random, world_.store.url);
    EXPECT_TRUE(store.ok()) << store.status();
    auto stored = segment::ListSegments(**store, kNamespace, world_.log->state().identity.log_id);
    EXPECT_TRUE(stored.ok()) << stored.status();
    return stored.value_or(std::vector<segment::StoredSegment>{});
  }

  // Opened, and every byte of it verified.
  std::unique_ptr<segment::SegmentReader> OpenStored(const segment::StoredSegment& stored) {
    store_ = *io::OpenStore(world_.disk.get(), &world_.random, world_.store.url);
    auto source =
        io::ObjectSource::Open(store_.get(), segment::BuildSegmentKey(kNamespace, stored.key));
    EXPECT_TRUE(source.ok()) << source.status();
    auto reader = segment::SegmentReader::Open(
        *std::move(source),
        std::make_shared<segment::StoredDictionaries>(store_.get(), &dictionaries_, kNamespace));
    EXPECT_TRUE(reader.ok()) << reader.status();
    const absl::Status verified = (*reader)->VerifyAll();
    EXPECT_TRUE(verified.ok()) << verified;
    return *std::move(reader);
  }

  uint64_t StoredDigest(const segment::StoredSegment& stored) {
    return OpenStored(stored)->commits().back().digest;
  }

  // Frames of a stored segment with a codec.
  size_t CountCodec(const segment::StoredSegment& stored, segment::Codec codec) {
    const auto reader = OpenStored(stored);
    const auto entries = reader->ReadDirectory(0, reader->footer().frames);
    EXPECT_TRUE(entries.ok()) << entries.status();
    return static_cast<size_t>(std::count_if(entries->begin(), entries->end(),
                                             [&](auto& entry) { return entry.codec == codec; }));
  }

  uint64_t DigestNow() {
    const auto versions = world_.Read();
    EXPECT_TRUE(versions.ok()) << versions.status();
    return DigestOf(versions.value_or(Versions()));
  }

  static uint64_t DigestOf(const Versions& versions) {
    segment::Digest digest;
    for (uint32_t i = 0; i < versions.size(); ++i) {
      digest.Toggle(segment::PageHash(segment::PageNo(i + 1), PageBytes(i + 1, versions[i])));
    }
    return digest.value();
  }

  static segment::FrameNo ShippedOf(LogWorld& world) {
    io::MutexLock lock(&world.log->state().append_mutex);
    return world.log->state().progress.shipped;
  }
  segment::FrameNo Shipped() { return ShippedOf(world_); }

  uint64_t SealedDigest() {
    io::MutexLock lock(&world_.log->state().append_mutex);
    return world_.log->state().progress.sealed_digest;
  }

  LogWorld world_;
  std::unique_ptr<io::ObjectStore> store_;
  segment::DictionaryCache dictionaries_;
};

}  // namespace strata::wal

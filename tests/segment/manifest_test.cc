#include "segment/manifest.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "io/checksum.h"
#include "io/random.h"
#include "segment/manifest_codec.h"
#include "tests/segment/manifest_samples.h"

namespace strata::segment {
namespace {

using testing::HasSubstr;

TEST(Manifest, ReadsBackAsItself) {
  const Manifest manifest = SampleManifest();
  auto read = DecodeManifest("m", EncodeManifest(manifest));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, manifest);
}

TEST(Manifest, BytesAreThoseOfTheFile) {
  const std::string path = std::string(STRATA_GOLDEN_DIR) + "/hint_v1.manifest";
  const std::vector<uint8_t> generated = EncodeManifest(SampleManifest());
  if (std::getenv("STRATA_UPDATE_GOLDEN") != nullptr) {
    std::ofstream out(path, std::ios::binary);
    out.write(reinterpret_cast<const char*>(generated.data()),
              static_cast<std::streamsize>(generated.size()));
  }
  std::ifstream file(path, std::ios::binary);
  const std::vector<uint8_t> stored{std::istreambuf_iterator<char>(file),
                                    std::istreambuf_iterator<char>()};
  EXPECT_EQ(stored, generated) << path;
}

TEST(Manifest, EveryFlippedByteAndEveryTruncationIsAnErrorThatNamesTheObject) {
  const std::vector<uint8_t> good = EncodeManifest(SampleManifest());
  for (size_t i = 0; i < good.size(); ++i) {
    std::vector<uint8_t> bad = good;
    bad[i] ^= 0x41;
    const auto read = DecodeManifest("the/object", bad);
    ASSERT_FALSE(read.ok()) << i;
    EXPECT_THAT(std::string(read.status().message()), HasSubstr("the/object"));
    bad.assign(good.begin(), good.begin() + static_cast<ptrdiff_t>(i));
    EXPECT_FALSE(DecodeManifest("the/object", bad).ok()) << i;
  }
}

// Behind a checksum that fits, whatever is accepted must be something that can be written.
TEST(Manifest, WhatIsAcceptedCanBeWrittenAgain) {
  io::SeededRandom random(1);
  const std::vector<uint8_t> good = EncodeManifest(SampleManifest());
  int accepted = 0;
  for (int i = 0; i < 20000; ++i) {
    std::vector<uint8_t> bytes = good;
    for (uint64_t n = 1 + random.Next64() % 3; n > 0; --n) {
      bytes[8 + random.Next64() % (bytes.size() - 12)] = static_cast<uint8_t>(random.Next64());
    }
    io::StoreLittleEndian<uint32_t>(bytes.data() + bytes.size() - 4,
                                    io::Crc32c(0, io::ByteView(bytes).first(bytes.size() - 4)));
    const auto read = DecodeManifest("m", bytes);
    if (!read.ok()) continue;
    ++accepted;
    const auto again = DecodeManifest("m", EncodeManifest(*read));
    ASSERT_TRUE(again.ok()) << "round " << i << ": " << again.status();
    ASSERT_EQ(*again, *read) << "round " << i;
  }
  EXPECT_GT(accepted, 0);
}

TEST(Manifest, ALaterVersionIsSaidToBeOne) {
  std::vector<uint8_t> bytes = EncodeManifest(SampleManifest());
  bytes[8] = 2;
  io::StoreLittleEndian<uint32_t>(bytes.data() + bytes.size() - 4,
                                  io::Crc32c(0, io::ByteView(bytes).first(bytes.size() - 4)));
  EXPECT_TRUE(absl::IsUnimplemented(DecodeManifest("m", bytes).status()));
}

TEST(ManifestFold, AClaimCutsWhatCameBefore) {
  ManifestEdits fold;
  ManifestEdits one;
  one.claims[Epoch(1)] = SampleClaim(1, 1);
  one.adds[SampleKey(1, 20)] = {};
  Fold(one, FoldKind::kComplete, &fold);
  EXPECT_EQ(fold.end_of(SampleLog(1)), FrameNo(20));
  ManifestEdits two;
  two.claims[Epoch(2)] = SampleClaim(2, 11);
  Fold(two, FoldKind::kComplete, &fold);
  EXPECT_EQ(fold.end_of(SampleLog(1)), FrameNo(10));
}

TEST(ManifestFold, WhatWasRemovedStaysBelowTheEnd) {
  ManifestEdits fold;
  ManifestEdits edits;
  edits.adds[SampleKey(1, 20)] = {};
  Fold(edits, FoldKind::kComplete, &fold);
  ManifestEdits gone;
  gone.forgets.insert(SampleKey(1, 20));
  Fold(gone, FoldKind::kComplete, &fold);
  EXPECT_TRUE(fold.adds.empty());
  EXPECT_TRUE(fold.forgets.empty());
  EXPECT_EQ(fold.end_of(SampleLog(1)), FrameNo(20));
}

// Folding folds is folding one by one, wherever the cuts are.
TEST(ManifestFold, IsAssociative) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    io::SeededRandom random(seed);
    std::vector<ManifestEdits> changes;
    for (int i = 0; i < 12; ++i) {
      ManifestEdits edits;
      const SegmentKey key = SampleKey(1 + random.Next64() % 4, 9);
      switch (random.Next64() % 4) {
        case 0:
          edits.adds[key] = {random.Next64() % 100, 0, 0, 0, 0};
          break;
        case 1:
          edits.marks[key] = {1, static_cast<int64_t>(i)};
          break;
        case 2:
          edits.forgets.insert(key);
          break;
        default:
          edits.pins["p"] = i % 2 ? std::optional<Pin>(Pin{}) : std::nullopt;
      }
      changes.push_back(edits);
    }
    ManifestEdits one_by_one;
    for (const ManifestEdits& edits : changes) Fold(edits, FoldKind::kComplete, &one_by_one);
    const size_t cut = random.Next64() % changes.size();
    ManifestEdits head;
    ManifestEdits tail;
    for (size_t i = 0; i < changes.size(); ++i) {
      Fold(changes[i], i < cut ? FoldKind::kComplete : FoldKind::kPartial, i < cut ? &head : &tail);
    }
    Fold(tail, FoldKind::kComplete, &head);
    EXPECT_EQ(head, one_by_one) << "seed " << seed << ", cut " << cut;
  }
}

}  // namespace
}  // namespace strata::segment

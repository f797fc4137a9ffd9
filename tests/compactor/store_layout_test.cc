#include "segment/store_layout.h"

#include <algorithm>
#include <filesystem>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "io/object_store.h"
#include "segment/store_listing.h"
#include "tests/compactor/scratch_store.h"

namespace strata::segment {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

LogId Id(uint8_t fill) {
  LogId id;
  id.bytes.fill(fill);
  return id;
}

SegmentKey Key(uint64_t first, uint64_t last, uint64_t epoch, uint8_t level) {
  return {Id(0xab), FrameNo(first), FrameNo(last), Epoch(epoch), level};
}

EpochClaim Claim(uint64_t epoch) {
  EpochClaim claim;
  claim.log_id = Id(0xab);
  claim.parent_log_id = Id(0x01);
  claim.parent_frame = FrameNo(77);
  claim.epoch = Epoch(epoch);
  claim.first_frame = FrameNo(1234567890123);
  claim.page_size = 4096;
  claim.writer_nonce = 0xdeadbeefcafe;
  claim.created_us = 1700000000000000;
  return claim;
}

TEST(StoreLayout, NamespaceIsOneHarmlessComponent) {
  for (const char* good : {"a", "A0", "9.x_y-z", "app.db"})
    EXPECT_TRUE(CheckNamespaceName(good).ok()) << good;
  EXPECT_TRUE(CheckNamespaceName(std::string(128, 'x')).ok());
  const std::string with_zero("a\0b", 3);
  for (const std::string& bad :
       {std::string(), std::string("."), std::string(".."), std::string("../x"), std::string("a/b"),
        std::string("-a"), std::string("_a"), std::string("a b"), std::string("\xc3\xa4"),
        with_zero, std::string(129, 'x')}) {
    EXPECT_EQ(CheckNamespaceName(bad).code(), absl::StatusCode::kInvalidArgument) << bad;
  }
}

TEST(StoreLayout, SegmentKeysReadBack) {
  for (const SegmentKey& key :
       {Key(1, 1, 1, 0), Key(1, 2048, 3, 1), Key(7, UINT64_MAX - 1, 9999999999, 99)}) {
    std::string object = BuildSegmentKey("app", key);
    auto parsed = ParseSegmentKey("app", object);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(*parsed, key);
  }
  EXPECT_EQ(BuildSegmentKey("app", Key(1, 42, 3, 1)),
            "app/segments/abababababababababababababababab/"
            "00000000000000000001-00000000000000000042-0000000003-01.seg");
}

TEST(StoreLayout, SegmentKeysSortByFrames) {
  std::vector<SegmentKey> keys = {Key(1, 9, 1, 0), Key(1, 10, 1, 0), Key(2, 3, 1, 0),
                                  Key(2, 3, 1, 1), Key(2, 3, 2, 0),  Key(100, 200, 1, 0)};
  for (size_t i = 1; i < keys.size(); ++i) {
    EXPECT_LT(keys[i - 1], keys[i]);
    EXPECT_LT(BuildSegmentKey("app", keys[i - 1]), BuildSegmentKey("app", keys[i]));
  }
}

TEST(StoreLayout, AnyOtherSpellingOfASegmentKeyIsRefused) {
  const std::string good = BuildSegmentKey("app", Key(5, 9, 3, 1));
  std::vector<std::string> bad = {"", "app/segments/", good + "x", good.substr(0, good.size() - 1),
                                  "x" + good};
  for (size_t at = 0; at < good.size(); ++at) {
    for (char c : {'x', 'A', '/', '-', '+', ' ', '.'}) {
      std::string changed = good;
      changed[at] = c;
      if (changed != good) bad.push_back(changed);
    }
  }
  for (const std::string& object : bad) {
    auto parsed = ParseSegmentKey("app", object);
    if (!parsed.ok()) {
      EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument);
      continue;
    }
    EXPECT_EQ(BuildSegmentKey("app", *parsed), object);
  }
  const std::string prefix = SegmentPrefix("app", Id(0xab));
  for (const char* name : {"00000000000000000000-00000000000000000042-0000000003-01.seg",
                           "00000000000000000043-00000000000000000042-0000000003-01.seg",
                           "00000000000000000001-00000000000000000042-0000000000-01.seg",
                           "00000000000000000001-18446744073709551615-0000000001-01.seg",
                           "00000000000000000001-18446744073709551616-0000000001-01.seg",
                           "00000000000000000001-99999999999999999999-0000000001-01.seg"}) {
    EXPECT_FALSE(ParseSegmentKey("app", prefix + name).ok()) << name;
  }
}

TEST(StoreLayout, EpochKeysReadBack) {
  EXPECT_EQ(BuildEpochKey("app", Epoch(12)), "app/epochs/00000000000000000012");
  EXPECT_EQ(*ParseEpochKey("app", BuildEpochKey("app", Epoch(12))), Epoch(12));
  for (const char* bad : {"app/epochs/", "app/epochs/12", "app/epochs/00000000000000000000",
                          "app/epochs/000000000000000000012", "apq/epochs/00000000000000000012",
                          "app/epochs/00000000010000000000"}) {
    EXPECT_FALSE(ParseEpochKey("app", bad).ok()) << bad;
  }
}

TEST(StoreLayout, EpochClaimReadsBack) {
  std::vector<uint8_t> bytes = EncodeEpochClaim(Claim(5));
  EXPECT_EQ(bytes.size(), kEpochClaimSize);
  auto decoded = DecodeEpochClaim("object", bytes);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, Claim(5));
}

TEST(StoreLayout, EveryFlippedBitAndEveryLengthOfAClaimIsRefused) {
  const std::vector<uint8_t> good = EncodeEpochClaim(Claim(5));
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::vector<uint8_t> bytes = good;
    bytes[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
    auto decoded = DecodeEpochClaim("the-object", bytes);
    ASSERT_FALSE(decoded.ok()) << "bit " << bit;
    EXPECT_THAT(decoded.status().message(), HasSubstr("the-object"));
  }
  for (size_t length = 0; length < good.size(); ++length) {
    EXPECT_FALSE(DecodeEpochClaim("o", io::ByteView(good.data(), length)).ok());
  }
}

TEST(StoreLayout, AnIntactButImpossibleClaimIsRefused) {
  EpochClaim claim = Claim(5);
  claim.page_size = 4097;
  EXPECT_EQ(DecodeEpochClaim("o", EncodeEpochClaim(claim)).status().code(),
            absl::StatusCode::kInvalidArgument);
  claim = Claim(0);
  EXPECT_FALSE(DecodeEpochClaim("o", EncodeEpochClaim(claim)).ok());
}

class StoreListing : public compactor::ScratchStore {};

TEST_F(StoreListing, ListsSegmentsInKeyOrderAndGoesOnBehindAKey) {
  std::vector<SegmentKey> keys = {Key(1, 9, 1, 1), Key(1, 12, 1, 1), Key(10, 12, 1, 0)};
  for (const SegmentKey& key : {keys[2], keys[0], keys[1]})
    PutBytes(BuildSegmentKey("app", key), "bytes");
  PutBytes(BuildSegmentKey("app2", Key(1, 3, 1, 0)), "other");
  auto all = ListSegments(store(), "app", Id(0xab));
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_THAT(*all, ElementsAre(StoredSegment{keys[0], 5}, StoredSegment{keys[1], 5},
                                StoredSegment{keys[2], 5}));
  auto rest = ListSegments(store(), "app", Id(0xab), BuildSegmentKey("app", keys[1]));
  ASSERT_TRUE(rest.ok()) << rest.status();
  EXPECT_THAT(*rest, ElementsAre(StoredSegment{keys[2], 5}));
}

TEST_F(StoreListing, AGarbageNameIsAnErrorThatNamesTheObject) {
  PutBytes(BuildSegmentKey("app", Key(1, 9, 1, 1)), "bytes");
  PutBytes(SegmentPrefix("app", Id(0xab)) + "notes.txt", "bytes");
  auto all = ListSegments(store(), "app", Id(0xab));
  EXPECT_EQ(all.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(all.status().message(), HasSubstr("notes.txt"));
}

TEST_F(StoreListing, EpochsAreReadAndCheckedAgainstTheirKeys) {
  for (uint64_t epoch : {1, 2, 3}) PutClaim("app", Claim(epoch));
  auto claims = ListEpochs(store(), "app");
  ASSERT_TRUE(claims.ok()) << claims.status();
  EXPECT_THAT(*claims, ElementsAre(Claim(1), Claim(2), Claim(3)));
  auto newer = ListEpochs(store(), "app", Epoch(2));
  ASSERT_TRUE(newer.ok()) << newer.status();
  EXPECT_THAT(*newer, ElementsAre(Claim(3)));

  std::vector<uint8_t> bytes = EncodeEpochClaim(Claim(3));
  ASSERT_TRUE(
      io::PutObject(store(), BuildEpochKey("app", Epoch(4)), io::IfPresent::kFail, bytes).ok());
  auto swapped = ListEpochs(store(), "app");
  EXPECT_EQ(swapped.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(swapped.status().message(), HasSubstr(BuildEpochKey("app", Epoch(4))));
}

TEST_F(StoreListing, NamespacesAreTheFirstComponents) {
  for (const char* ns : {"app", "app-1", "app.db", "app0", "b", "Zed"}) {
    PutBytes(BuildSegmentKey(ns, Key(1, 9, 1, 1)), "x");
    PutBytes(BuildSegmentKey(ns, Key(10, 19, 1, 1)), "x");
    PutClaim(ns, Claim(1));
  }
  auto names = ListNamespaces(store());
  ASSERT_TRUE(names.ok()) << names.status();
  std::sort(names->begin(), names->end());
  EXPECT_THAT(*names, ElementsAre("Zed", "app", "app-1", "app.db", "app0", "b"));
}

TEST_F(StoreListing, LogIdsAreTheFoldersOfSegments) {
  SegmentKey other = Key(1, 3, 2, 0);
  other.log_id = Id(0x01);
  PutBytes(BuildSegmentKey("app", Key(1, 9, 1, 1)), "x");
  PutBytes(BuildSegmentKey("app", other), "x");
  auto ids = ListLogIds(store(), "app");
  ASSERT_TRUE(ids.ok()) << ids.status();
  EXPECT_THAT(*ids, ElementsAre(Id(0x01), Id(0xab)));
}

}  // namespace
}  // namespace strata::segment

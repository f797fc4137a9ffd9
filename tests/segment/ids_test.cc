#include "segment/ids.h"

#include "gtest/gtest.h"

namespace strata::segment {
namespace {

TEST(IdsTest, LogIdTextReadsBack) {
  LogId id;
  for (int i = 0; i < 16; ++i) id.bytes[i] = static_cast<uint8_t>(i * 17);
  EXPECT_EQ(ToString(id), "00112233445566778899aabbccddeeff");
  const auto parsed = ParseLogId(ToString(id));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*parsed, id);
}

TEST(IdsTest, OtherTextIsNoLogId) {
  const std::string good = "00112233445566778899aabbccddeeff";
  for (const std::string& bad :
       {std::string(), good.substr(1), good + "0", std::string("0011223344556677_899aabbccddeeff"),
        std::string("00112233445566778899AABBCCDDEEFF"), std::string(32, '\0')}) {
    EXPECT_EQ(ParseLogId(bad).status().code(), absl::StatusCode::kInvalidArgument) << bad;
  }
}

TEST(IdsTest, OnlyPowersOfTwoInRangeArePageSizes) {
  uint32_t valid = 0;
  for (uint32_t size = 0; size <= 1 << 18; ++size) valid += IsValidPageSize(size);
  EXPECT_EQ(valid, 8u);
  EXPECT_TRUE(IsValidPageSize(512));
  EXPECT_TRUE(IsValidPageSize(65536));
}

TEST(IdsTest, LockBytePageHoldsByteTwoToTheThirty) {
  for (uint32_t size = kMinPageSize; size <= kMaxPageSize; size *= 2) {
    const uint64_t start = uint64_t{LockBytePage(size).value() - 1} * size;
    EXPECT_EQ(start, uint64_t{1} << 30);
  }
}

}  // namespace
}  // namespace strata::segment

#include "segment/digest.h"

#include <xxhash.h>

#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace strata::segment {
namespace {

uint64_t SlowPageHash(uint32_t page, const std::vector<uint8_t>& bytes) {
  std::vector<uint8_t> all = {static_cast<uint8_t>(page), static_cast<uint8_t>(page >> 8),
                              static_cast<uint8_t>(page >> 16), static_cast<uint8_t>(page >> 24)};
  all.insert(all.end(), bytes.begin(), bytes.end());
  return XXH3_64bits(all.data(), all.size());
}

TEST(DigestTest, PageHashIsXxh3OfNumberAndBytes) {
  std::mt19937 random(7);
  for (uint32_t size = kMinPageSize; size <= kMaxPageSize; size *= 2) {
    std::vector<uint8_t> bytes(size);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    for (uint32_t page : {1u, 2u, 0x01020304u, UINT32_MAX}) {
      EXPECT_EQ(PageHash(PageNo(page), bytes), SlowPageHash(page, bytes));
    }
  }
}

TEST(DigestTest, PageHashIsPinned) {
  const std::vector<uint8_t> bytes(512, 0xAB);
  EXPECT_EQ(PageHash(PageNo(3), bytes), SlowPageHash(3, bytes));
  EXPECT_NE(PageHash(PageNo(3), bytes), PageHash(PageNo(4), bytes));
}

TEST(DigestTest, ZeroPageHashIsThatOfZeros) {
  for (uint32_t size = kMinPageSize; size <= kMaxPageSize; size *= 2) {
    const std::vector<uint8_t> zeros(size);
    EXPECT_EQ(ZeroPageHash(PageNo(9), size), PageHash(PageNo(9), zeros));
  }
}

TEST(DigestTest, AddingAndRemovingAPageLeavesTheDigest) {
  Digest digest(123);
  digest.Toggle(0xFEED);
  EXPECT_NE(digest.value(), 123u);
  digest.Toggle(0xFEED);
  EXPECT_EQ(digest.value(), 123u);
}

}  // namespace
}  // namespace strata::segment

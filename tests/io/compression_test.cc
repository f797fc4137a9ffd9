#include "io/compression.h"

#include <gtest/gtest.h>

#include "io/random.h"

namespace strata::io {
namespace {

std::vector<uint8_t> Page(size_t size) {
  std::vector<uint8_t> page(size);
  for (size_t i = 0; i < size; ++i) page[i] = static_cast<uint8_t>((i / 7) % 31);
  return page;
}

TEST(Compression, RoundTripsAtEveryLevelAndSize) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{512}, size_t{65536}}) {
    for (const int level : {1, 3, 19}) {
      const auto page = Page(size);
      const auto compressed = CompressZstd(page, level);
      ASSERT_TRUE(compressed.ok());
      std::vector<uint8_t> out(size);
      EXPECT_TRUE(DecompressZstd(*compressed, absl::MakeSpan(out)).ok());
      EXPECT_EQ(out, page);
    }
  }
}

TEST(Compression, ShrinksAPage) { EXPECT_LT(CompressZstd(Page(4096), 3)->size(), 1000u); }

TEST(Compression, AnotherLengthThanExpectedIsDataLoss) {
  const auto compressed = CompressZstd(Page(4096), 3).value();
  for (const size_t size : {size_t{0}, size_t{4095}, size_t{4097}}) {
    std::vector<uint8_t> out(size);
    EXPECT_TRUE(absl::IsDataLoss(DecompressZstd(compressed, absl::MakeSpan(out)))) << size;
  }
}

TEST(Compression, EveryTruncationIsDataLoss) {
  const auto compressed = CompressZstd(Page(4096), 3).value();
  std::vector<uint8_t> out(4096);
  for (size_t size = 0; size < compressed.size(); ++size) {
    EXPECT_TRUE(
        absl::IsDataLoss(DecompressZstd(ByteView(compressed).first(size), absl::MakeSpan(out))))
        << size;
  }
}

TEST(Compression, BytesAfterTheFrameAreDataLoss) {
  auto compressed = CompressZstd(Page(4096), 3).value();
  const auto empty = CompressZstd({}, 3).value();
  compressed.insert(compressed.end(), empty.begin(), empty.end());
  std::vector<uint8_t> out(4096);
  EXPECT_TRUE(absl::IsDataLoss(DecompressZstd(compressed, absl::MakeSpan(out))));
}

TEST(Compression, FlippedBitsNeverWriteBeyondTheBlock) {
  const auto compressed = CompressZstd(Page(4096), 3).value();
  for (size_t bit = 0; bit < compressed.size() * 8; ++bit) {
    auto damaged = compressed;
    damaged[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
    std::vector<uint8_t> out(4096 + 64, 0xEE);
    const absl::Status status = DecompressZstd(damaged, absl::MakeSpan(out).first(4096));
    EXPECT_TRUE(status.ok() || absl::IsDataLoss(status)) << status;
    EXPECT_EQ(std::vector<uint8_t>(out.begin() + 4096, out.end()), std::vector<uint8_t>(64, 0xEE));
  }
}

}  // namespace
}  // namespace strata::io

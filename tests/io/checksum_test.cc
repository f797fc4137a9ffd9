#include "io/checksum.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "io/random.h"

namespace strata::io {
namespace {

ByteView View(const std::string& text) {
  return ByteView(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

// The definition, bit by bit: reflected polynomial 0x1EDC6F41.
uint32_t SlowCrc32c(ByteView bytes) {
  uint32_t crc = ~uint32_t{0};
  for (const uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78 : 0);
  }
  return ~crc;
}

TEST(Crc32c, KnownValues) {
  EXPECT_EQ(Crc32c(0, View("123456789")), 0xE3069283);
  EXPECT_EQ(Crc32c(0, std::vector<uint8_t>(32, 0x00)), 0x8A9136AAu);  // RFC 3720, B.4
  EXPECT_EQ(Crc32c(0, std::vector<uint8_t>(32, 0xFF)), 0x62A8AB43u);
  EXPECT_EQ(Crc32c(0, {}), 0u);
}

TEST(Crc32c, EqualsTheDefinitionAndChainsAtEveryCut) {
  SeededRandom random(1);
  std::vector<uint8_t> bytes(700);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.Next64());
  const uint32_t expected = SlowCrc32c(bytes);
  EXPECT_EQ(Crc32c(0, bytes), expected);
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    const ByteView all(bytes);
    EXPECT_EQ(Crc32c(Crc32c(0, all.first(cut)), all.subspan(cut)), expected) << cut;
  }
}

}  // namespace
}  // namespace strata::io

#include "io/network_file_system.h"

#include <gtest/gtest.h>

namespace strata::io {
namespace {

TEST(NetworkFileSystem, SharedOnesAndFuseAreKnown) {
  for (const uint64_t magic : {0x6969u, 0xFF534D42u, 0xFE534D42u, 0x01021997u, 0x65735546u}) {
    EXPECT_TRUE(IsNetworkMagic(magic)) << magic;
  }
  EXPECT_TRUE(IsNetworkMagic(0xFFFFFFFFFF534D42u));  // a signed 32-bit f_type, widened
}

TEST(NetworkFileSystem, LocalOnesAreNot) {
  for (const uint64_t magic : {0xEF53u, 0x58465342u, 0x9123683Eu, 0x01021994u, 0x794C7630u}) {
    EXPECT_FALSE(IsNetworkMagic(magic)) << magic;
  }
}

}  // namespace
}  // namespace strata::io

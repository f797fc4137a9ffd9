#include "io/object_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace strata::io {
namespace {

TEST(ObjectKey, PlainKeysAreTaken) {
  for (const char* key : {"a", "a/b", "ns.1/segments/0001-2_x.seg", "...", ".hidden", "A-"}) {
    EXPECT_TRUE(CheckKey(key).ok()) << key;
  }
}

TEST(ObjectKey, AnythingElseIsRefused) {
  using std::string_literals::operator""s;
  for (const std::string& key :
       {""s, "/"s, "/a"s, "a/"s, "a//b"s, "."s, ".."s, "../x"s, "a/../b"s, "a/./b"s, "a b"s, "a~"s,
        "a\0b"s, "a\\b"s, "\xC3\xA4"s, "a:b"s, std::string(kMaxComponentLength + 1, 'a')}) {
    EXPECT_TRUE(absl::IsInvalidArgument(CheckKey(key))) << key;
  }
  std::string deep = "a";
  while (deep.size() <= kMaxKeyLength) deep += "/a";
  EXPECT_TRUE(absl::IsInvalidArgument(CheckKey(deep)));
}

TEST(ObjectKey, MessagesEscapeWhatTheyQuote) {
  EXPECT_THAT(std::string(CheckKey("a\nb").message()), testing::HasSubstr("a\\nb"));
}

TEST(ObjectKey, PrefixesMayEndAnywhere) {
  for (const char* prefix : {"", "a", "a/", "a/b", "a/.", "a/.."}) {
    EXPECT_TRUE(CheckKeyPrefix(prefix).ok()) << prefix;
  }
  for (const char* prefix : {"/", "../a", "a//", "a/../", "a b", "a/*"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(CheckKeyPrefix(prefix))) << prefix;
  }
}

}  // namespace
}  // namespace strata::io

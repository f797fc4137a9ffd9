#include "io/errno_status.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace strata::io {
namespace {

TEST(ErrnoStatus, CodesFollowTheTableOfTheFileInterface) {
  EXPECT_TRUE(absl::IsNotFound(ErrnoStatus(ENOENT, "open", "f")));
  EXPECT_TRUE(absl::IsAlreadyExists(ErrnoStatus(EEXIST, "open", "f")));
  EXPECT_TRUE(absl::IsResourceExhausted(ErrnoStatus(ENOSPC, "write", "f")));
  EXPECT_TRUE(absl::IsResourceExhausted(ErrnoStatus(EDQUOT, "write", "f")));
  for (const int error : {EACCES, EPERM, EROFS, ELOOP}) {
    EXPECT_TRUE(absl::IsPermissionDenied(ErrnoStatus(error, "open", "f"))) << error;
  }
  for (const int error : {EMFILE, ENFILE, ENOMEM}) {
    EXPECT_TRUE(absl::IsUnavailable(ErrnoStatus(error, "open", "f"))) << error;
  }
  EXPECT_TRUE(absl::IsInternal(ErrnoStatus(EIO, "sync", "f")));
}

TEST(ErrnoStatus, MessageNamesOperationAndPath) {
  EXPECT_EQ(ErrnoStatus(ENOSPC, "write at 5 of", "/a/b").message(),
            "write at 5 of /a/b: No space left on device");
}

}  // namespace
}  // namespace strata::io

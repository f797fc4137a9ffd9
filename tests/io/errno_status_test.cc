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
    EXPECT_TRUE(absl::IsResourceExhausted(ErrnoStatus(error, "open", "f"))) << error;
  }
  EXPECT_TRUE(absl::IsInternal(ErrnoStatus(EIO, "sync", "f")));
}

TEST(ErrnoStatus, ALackSaysOfWhat) {
  EXPECT_EQ(LackOf(ErrnoStatus(ENOSPC, "write", "f")), Lack::kSpace);
  EXPECT_EQ(LackOf(ErrnoStatus(EDQUOT, "write", "f")), Lack::kSpace);
  EXPECT_EQ(LackOf(ErrnoStatus(EMFILE, "open", "f")), Lack::kDescriptors);
  EXPECT_EQ(LackOf(ErrnoStatus(ENFILE, "open", "f")), Lack::kDescriptors);
  EXPECT_EQ(LackOf(ErrnoStatus(ENOMEM, "open", "f")), Lack::kMemory);
  EXPECT_EQ(LackOf(absl::ResourceExhaustedError("backlog")), Lack::kSpace);
  EXPECT_EQ(LackOf(absl::Status(absl::StatusCode::kResourceExhausted, "")), Lack::kMemory);
  EXPECT_EQ(LackOf(ErrnoStatus(EIO, "sync", "f")), std::nullopt);
  EXPECT_EQ(LackOf(absl::OkStatus()), std::nullopt);
}

TEST(ErrnoStatus, MessageNamesOperationAndPath) {
  EXPECT_EQ(ErrnoStatus(ENOSPC, "write at 5 of", "/a/b").message(),
            "write at 5 of /a/b: No space left on device");
}

}  // namespace
}  // namespace strata::io

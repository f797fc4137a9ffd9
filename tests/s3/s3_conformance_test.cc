// What every store does, asked of the S3 server that AWS_* and STRATA_TEST_S3_URL name.
#include <gtest/gtest.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "io/posix_file_system.h"
#include "io/store_url.h"
#include "tests/io/object_store_suite.h"

namespace strata::io {
namespace {

// A prefix of its own for each test.
class S3StoreUnderTest : public StoreUnderTest {
 public:
  S3StoreUnderTest() {
    const char* url = std::getenv("STRATA_TEST_S3_URL");
    if (url == nullptr) return;
    auto store = OpenStore(&PosixFileSystem(), &SystemRandom(),
                           absl::StrCat(url, "/", absl::Hex(SystemRandom().Next64())));
    EXPECT_TRUE(store.ok()) << store.status();
    if (store.ok()) store_ = *std::move(store);
  }
  ObjectStore& store() override { return *store_; }
  bool ok() const { return store_ != nullptr; }

 private:
  std::unique_ptr<ObjectStore> store_;
};

std::unique_ptr<StoreUnderTest> MakeS3Store() {
  auto under_test = std::make_unique<S3StoreUnderTest>();
  EXPECT_TRUE(under_test->ok()) << "STRATA_TEST_S3_URL names no store: run tests/s3/ceph.py";
  if (!under_test->ok()) return nullptr;
  return under_test;
}

INSTANTIATE_TEST_SUITE_P(S3, ObjectStoreSuite, testing::Values(StoreKind{"Ceph", MakeS3Store}),
                         StoreKindName);

}  // namespace
}  // namespace strata::io

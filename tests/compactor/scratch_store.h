#pragma once

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "io/object_store.h"
#include "io/posix_file_system.h"
#include "io/random.h"
#include "io/store_url.h"
#include "segment/store_layout.h"
#include "tests/support/temporary_directory.h"

namespace strata::compactor {

// A store in a directory of its own, removed at the end.
class ScratchStore : public testing::Test {
 protected:
  ScratchStore() {
    url_ = io::LocalStoreUrl(directory() + "/store");
    store_ = *io::OpenStore(&io::PosixFileSystem(), &io::SystemRandom(), url_);
  }

  io::ObjectStore& store() { return *store_; }
  const std::string& directory() const { return directory_.path(); }
  const std::string& url() const { return url_; }
  std::string FileOf(const std::string& key) const { return directory() + "/store/" + key; }

  void PutBytes(const std::string& key, const std::string& bytes) {
    io::ByteView view(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    absl::Status put = io::PutObject(*store_, key, io::IfPresent::kReplace, view);
    ASSERT_TRUE(put.ok()) << put;
  }

  void PutClaim(const std::string& ns, const segment::EpochClaim& claim) {
    absl::Status put = io::PutObject(*store_, segment::BuildEpochKey(ns, claim.epoch),
                                     io::IfPresent::kFail, segment::EncodeEpochClaim(claim));
    ASSERT_TRUE(put.ok()) << put;
  }

 private:
  const support::TemporaryDirectory directory_{"store"};
  std::string url_;
  std::unique_ptr<io::ObjectStore> store_;
};

}  // namespace strata::compactor

#pragma once

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "io/object_store.h"
#include "io/posix_file_system.h"
#include "io/random.h"
#include "io/store_url.h"
#include "segment/store_layout.h"

namespace strata::compactor {

// A store in a directory of its own, removed at the end.
class ScratchStore : public testing::Test {
 protected:
  ScratchStore() {
    std::string name = testing::TempDir() + "/strata-XXXXXX";
    directory_ = mkdtemp(name.data());
    url_ = io::LocalStoreUrl(directory_ + "/store");
    store_ = *io::OpenStore(&io::PosixFileSystem(), &io::SystemRandom(), url_);
  }
  ~ScratchStore() override { std::filesystem::remove_all(directory_); }

  io::ObjectStore& store() { return *store_; }
  const std::string& directory() const { return directory_; }
  const std::string& url() const { return url_; }
  std::string FileOf(const std::string& key) const { return directory_ + "/store/" + key; }

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
  std::string directory_;
  std::string url_;
  std::unique_ptr<io::ObjectStore> store_;
};

}  // namespace strata::compactor

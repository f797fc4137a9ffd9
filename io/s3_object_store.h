#pragma once

#include <memory>
#include <string>

#include "io/environment.h"
#include "io/object_store.h"
#include "io/s3_client.h"

namespace strata::io {

// A store in a bucket of Amazon S3 or of a server that speaks its protocol. Keys below a prefix of
// the bucket; several stores may share a bucket under prefixes of which none begins another.
//
// An object is sent in one request up to kS3PartBytes, and larger ones in parts of that size, of
// which one at a time is in memory. Put with IfPresent::kFail is decided by the server (If-None-
// Match: *) for objects sent in one request; for those in parts too where the server heeds that
// header when an upload is completed (Amazon does, Ceph 16 does not: there the last of two writers
// that finish within the same moment replaces the other's object).
//
// An answer that was lost is found out by reading the object back: each upload carries a random
// mark in its metadata.
class S3ObjectStore : public ObjectStore {
 public:
  // All of `machinery` must outlive the store.
  S3ObjectStore(AwsSettings settings, S3Location location, const CryptoLibrary& crypto,
                std::unique_ptr<AwsCredentialsCache> credentials, const S3Machinery& machinery);

  absl::StatusOr<std::unique_ptr<ObjectWriter>> Put(const std::string& key,
                                                    IfPresent if_present) override;
  absl::StatusOr<std::vector<uint8_t>> GetRange(const std::string& key, uint64_t offset,
                                                uint64_t length) override;
  absl::StatusOr<Tail> GetTail(const std::string& key, uint64_t length) override;
  absl::StatusOr<std::vector<ObjectInfo>> List(const std::string& prefix, const std::string& after,
                                               size_t limit) override;
  absl::Status Delete(const std::string& key) override;
  const std::string& url() const override { return url_; }
  bool is_remote() const override { return true; }
  RequestCounts request_counts() const override { return machinery_.counters->Get(); }
  void GiveUpAt(int64_t monotonic_us) override { client_.GiveUpAt(monotonic_us); }

 private:
  const AwsSettings settings_;
  const std::string url_;
  const S3Machinery machinery_;
  const std::unique_ptr<AwsCredentialsCache> credentials_;
  S3Client client_;
};

}  // namespace strata::io

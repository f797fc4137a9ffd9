#include "io/s3_object_store.h"

#include <utility>

#include "io/object_key.h"
#include "io/s3_listing.h"
#include "io/s3_object_writer.h"
#include "io/s3_range.h"
#include "io/status_macros.h"

namespace strata::io {
namespace {

constexpr uint64_t kBeyondAnyObject = uint64_t{1} << 50;  // S3 ends at 5 TiB

}  // namespace

S3ObjectStore::S3ObjectStore(AwsSettings settings, S3Location location, const CryptoLibrary& crypto,
                             std::unique_ptr<AwsCredentialsCache> credentials,
                             const S3Machinery& machinery)
    : settings_(std::move(settings)),
      url_(location.url()),
      machinery_(machinery),
      credentials_(std::move(credentials)),
      client_(settings_, std::move(location), crypto, credentials_.get(), machinery) {}

absl::StatusOr<std::unique_ptr<ObjectWriter>> S3ObjectStore::Put(const std::string& key,
                                                                 IfPresent if_present) {
  STRATA_RETURN_IF_ERROR(CheckKey(key));
  return std::make_unique<S3ObjectWriter>(&client_, machinery_.random,
                                          client_.location().ObjectName(key), if_present);
}

absl::StatusOr<std::vector<uint8_t>> S3ObjectStore::GetRange(const std::string& key,
                                                             uint64_t offset, uint64_t length) {
  STRATA_RETURN_IF_ERROR(CheckKey(key));
  if (length == 0 || offset >= kBeyondAnyObject) {  // nothing, but of an object that must be there
    STRATA_RETURN_IF_ERROR(GetTail(key, 0).status());
    return std::vector<uint8_t>();
  }
  STRATA_ASSIGN_OR_RETURN(
      S3Part part, ReadS3Range(&client_, client_.location().ObjectName(key), offset, length));
  return std::move(part.bytes);
}

absl::StatusOr<ObjectStore::Tail> S3ObjectStore::GetTail(const std::string& key, uint64_t length) {
  STRATA_RETURN_IF_ERROR(CheckKey(key));
  const uint64_t asked = length == 0 ? 1 : length;  // S3 has no answer of size and no bytes to GET
  STRATA_ASSIGN_OR_RETURN(S3Part part,
                          ReadS3Tail(&client_, client_.location().ObjectName(key), asked));
  Tail tail;
  tail.object_size = part.object_size;
  if (length != 0) tail.bytes = std::move(part.bytes);
  return tail;
}

absl::StatusOr<std::vector<ObjectInfo>> S3ObjectStore::List(const std::string& prefix,
                                                            const std::string& after,
                                                            size_t limit) {
  STRATA_RETURN_IF_ERROR(CheckKeyPrefix(prefix));
  STRATA_RETURN_IF_ERROR(CheckKeyPrefix(after));
  return ListS3Keys(&client_, prefix, after, limit);
}

absl::Status S3ObjectStore::Delete(const std::string& key) {
  STRATA_RETURN_IF_ERROR(CheckKey(key));
  S3Request request;
  request.kind = RequestKind::kDelete;
  request.method = "DELETE";
  request.object = client_.location().ObjectName(key);
  const absl::Status status = client_.SendForSuccess(request).status();
  return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

}  // namespace strata::io

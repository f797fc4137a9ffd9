#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/bytes.h"
#include "io/request_counts.h"

// The seam between Strata and the place where objects live: names (keys) and immutable bytes,
// nothing known of segments. Keys are relative, '/'-separated, of [A-Za-z0-9._-] components, none
// of them ".", ".." or empty; anything else is InvalidArgument and touches nothing.
//
// Error codes beyond those of io/file.h: FailedPrecondition (put-if-absent found the key),
// NotFound (no such key), PermissionDenied (credentials), Unavailable (try again later),
// InvalidArgument (settings that cannot work, such as a bucket that does not exist).
namespace strata::io {

struct ObjectInfo {
  std::string key;
  uint64_t size = 0;  // bytes
};

// An object being written, invisible until Commit returned. Destroying it without Commit drops it.
// One thread at a time.
class ObjectWriter {
 public:
  virtual ~ObjectWriter() = default;
  virtual absl::Status Append(ByteView bytes) = 0;

  // Makes the object durable and visible under its key in one step. `crc32c` is the caller's
  // checksum over all appended bytes: DataLoss, and no object, when what arrived differs.
  virtual absl::Status Commit(uint32_t crc32c) = 0;
};

enum class IfPresent { kReplace, kFail };

// Safe to call from any thread.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  // With kFail, Commit answers FailedPrecondition when the key exists by then; exactly one of any
  // number of concurrent writers succeeds (io/s3_object_store.h: not every server for large ones).
  virtual absl::StatusOr<std::unique_ptr<ObjectWriter>> Put(const std::string& key,
                                                            IfPresent if_present) = 0;

  // Bytes [offset, offset + length) of the object; shorter only where the object ends.
  virtual absl::StatusOr<std::vector<uint8_t>> GetRange(const std::string& key, uint64_t offset,
                                                        uint64_t length) = 0;

  // The same into `out`, from its front on; the number of bytes.
  virtual absl::StatusOr<size_t> GetInto(const std::string& key, uint64_t offset, MutableBytes out);

  // The last `length` bytes (all of a shorter object) and the object's size.
  struct Tail {
    std::vector<uint8_t> bytes;
    uint64_t object_size = 0;
  };
  virtual absl::StatusOr<Tail> GetTail(const std::string& key, uint64_t length) = 0;

  // Objects whose key starts with `prefix` and is greater than `after`, in key order, at most
  // `limit`.
  virtual absl::StatusOr<std::vector<ObjectInfo>> List(const std::string& prefix,
                                                       const std::string& after, size_t limit) = 0;

  // Deleting what is not there is success.
  virtual absl::Status Delete(const std::string& key) = 0;

  // Removes what uploads under keys that start with `prefix`, a directory ("ns/") or empty, have
  // left when their writers died; those of living writers stay. Returns their number. A store that
  // leaves nothing does nothing.
  virtual absl::StatusOr<size_t> RemoveLeftovers(const std::string& prefix) { return 0; }

  // Whether the place that the URL names is there, as far as that can be told without a request.
  // NotFound: a directory that is not, when `may_be_made` is false, or whose parent is not.
  // FailedPrecondition: it is no directory.
  virtual absl::Status CheckPlace(bool may_be_made) { return absl::OkStatus(); }

  // The URL it was opened with, for messages; carries no credentials.
  virtual const std::string& url() const = 0;

  // Whether each request waits for a network, so that many at once take no longer than one.
  virtual bool is_remote() const { return false; }

  // What was asked of this store object so far; zeros from a store that does not count.
  virtual RequestCounts request_counts() const { return {}; }

  // From this moment (io/clock.h's monotonic microseconds) on every call, also one under way, ends
  // with Unavailable as soon as it can: within about a second where a network is waited for. A
  // store on this machine never waits and ignores it: whoever writes a large object to it looks at
  // the clock between the parts.
  virtual void GiveUpAt(int64_t monotonic_us) {}
};

// One small object in one call.
absl::Status PutObject(ObjectStore& store, const std::string& key, IfPresent if_present,
                       ByteView bytes);

}  // namespace strata::io

#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "io/byte_stream.h"
#include "io/object_store.h"

namespace strata::io {

// Feeds an object being written, and keeps the checksum that its Commit wants.
class ObjectSink : public ByteSink {
 public:
  explicit ObjectSink(ObjectWriter* writer) : writer_(writer) {}

  absl::Status Append(ByteView bytes) override;

  uint64_t size() const { return size_; }  // bytes so far
  uint32_t crc32c() const { return crc32c_; }

 private:
  ObjectWriter* const writer_;
  uint64_t size_ = 0;
  uint32_t crc32c_ = 0;
};

// Serves an object by ranged reads, one request for each ReadAt. The store must outlive it.
class ObjectSource : public ByteSource {
 public:
  // When the size is known, from a listing or a manifest: costs no request.
  ObjectSource(ObjectStore* store, std::string key, uint64_t size);

  // Asks the store for the size: one request.
  static absl::StatusOr<std::unique_ptr<ObjectSource>> Open(ObjectStore* store, std::string key);

  uint64_t size() const override { return size_; }
  absl::Status ReadAt(uint64_t offset, MutableBytes out) override;
  const std::string& name() const override { return name_; }

 private:
  ObjectStore* const store_;
  const std::string key_;
  const std::string name_;  // URL of the store and key
  const uint64_t size_;
};

}  // namespace strata::io

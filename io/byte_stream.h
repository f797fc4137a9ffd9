#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "io/bytes.h"

namespace strata::io {

// Where a writer puts bytes, one after the other. One thread at a time.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual absl::Status Append(ByteView bytes) = 0;
};

// Immutable bytes of known length that can be read anywhere: a local file or an object in a store.
// Safe to call from any thread.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual uint64_t size() const = 0;

  // Fills `out` from `offset`. OutOfRange when that goes beyond size(); DataLoss when fewer bytes
  // came.
  virtual absl::Status ReadAt(uint64_t offset, MutableBytes out) = 0;

  // The file or object, for messages.
  virtual const std::string& name() const = 0;
};

}  // namespace strata::io

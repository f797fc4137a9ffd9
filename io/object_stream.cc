#include "io/object_stream.h"

#include "absl/strings/str_cat.h"
#include "io/checksum.h"
#include "io/status_macros.h"

namespace strata::io {

absl::Status ObjectSink::Append(ByteView bytes) {
  STRATA_RETURN_IF_ERROR(writer_->Append(bytes));
  size_ += bytes.size();
  crc32c_ = Crc32c(crc32c_, bytes);
  return absl::OkStatus();
}

ObjectSource::ObjectSource(ObjectStore* store, std::string key, uint64_t size)
    : store_(store),
      key_(std::move(key)),
      name_(absl::StrCat(store->url(), "/", key_)),
      size_(size) {}

absl::StatusOr<std::unique_ptr<ObjectSource>> ObjectSource::Open(ObjectStore* store,
                                                                 std::string key) {
  STRATA_ASSIGN_OR_RETURN(const ObjectStore::Tail tail, store->GetTail(key, 0));
  return std::make_unique<ObjectSource>(store, std::move(key), tail.object_size);
}

absl::Status ObjectSource::ReadAt(uint64_t offset, MutableBytes out) {
  if (offset > size_ || out.size() > size_ - offset) {
    return absl::OutOfRangeError(absl::StrCat(name_, ": read of ", out.size(), " bytes at ", offset,
                                              " beyond the size of ", size_));
  }
  if (out.empty()) return absl::OkStatus();
  STRATA_ASSIGN_OR_RETURN(const std::vector<uint8_t> bytes,
                          store_->GetRange(key_, offset, out.size()));
  if (bytes.size() != out.size()) {
    return absl::DataLossError(absl::StrCat(name_, ": read at ", offset, ": expected ", out.size(),
                                            " bytes, found ", bytes.size()));
  }
  std::memcpy(out.data(), bytes.data(), bytes.size());
  return absl::OkStatus();
}

}  // namespace strata::io

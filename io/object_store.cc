#include "io/object_store.h"

#include <algorithm>
#include <cstring>

#include "io/checksum.h"
#include "io/status_macros.h"

namespace strata::io {

absl::StatusOr<size_t> ObjectStore::GetInto(const std::string& key, uint64_t offset,
                                            MutableBytes out) {
  STRATA_ASSIGN_OR_RETURN(const std::vector<uint8_t> bytes, GetRange(key, offset, out.size()));
  std::memcpy(out.data(), bytes.data(), std::min(bytes.size(), out.size()));
  return bytes.size();
}

absl::Status PutObject(ObjectStore& store, const std::string& key, IfPresent if_present,
                       ByteView bytes) {
  STRATA_ASSIGN_OR_RETURN(std::unique_ptr<ObjectWriter> writer, store.Put(key, if_present));
  STRATA_RETURN_IF_ERROR(writer->Append(bytes));
  return writer->Commit(Crc32c(0, bytes));
}

}  // namespace strata::io

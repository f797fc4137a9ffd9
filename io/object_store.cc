#include "io/object_store.h"

#include "io/checksum.h"
#include "io/status_macros.h"

namespace strata::io {

absl::Status PutObject(ObjectStore& store, const std::string& key, IfPresent if_present,
                       ByteView bytes) {
  STRATA_ASSIGN_OR_RETURN(std::unique_ptr<ObjectWriter> writer, store.Put(key, if_present));
  STRATA_RETURN_IF_ERROR(writer->Append(bytes));
  return writer->Commit(Crc32c(0, bytes));
}

}  // namespace strata::io

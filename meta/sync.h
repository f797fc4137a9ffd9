#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "io/object_store.h"
#include "meta/meta_db.h"

namespace strata::meta {

struct SyncResult {
  uint64_t segments_read = 0;  // names listed
  uint64_t epochs_read = 0;
};

// kNew lists behind the last known key of each log id and the last known epoch; compacted segments
// that another compactor made in the middle of the history are then not seen. kFull forgets what
// was known and lists everything.
enum class SyncMode { kNew, kFull };

// Brings what the meta-db knows of a namespace in line with its store.
absl::StatusOr<SyncResult> Sync(io::ObjectStore& store, MetaDb* meta_db,
                                const MonitoredNamespace& monitored, SyncMode mode, int64_t now_us);

}  // namespace strata::meta

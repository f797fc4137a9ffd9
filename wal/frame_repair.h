#pragma once

#include "absl/status/status.h"
#include "io/bytes.h"
#include "segment/ids.h"
#include "wal/log_state.h"

namespace strata::wal {

// Reads a committed frame of the log into `page`. When its record cannot be read or is damaged, it
// is read once more, then taken from the sealed segment in the store that has it, and the logger is
// told; the log file stays as it is, and goes when it is checkpointed. The status of the log when
// the store has no such frame either. Any thread, without append_mutex: it asks the store, one LIST
// and a few GETs a frame.
absl::Status ReadOrRepairFrame(LogState& state, const LogFiles::List& files, segment::FrameNo frame,
                               io::MutableBytes page);

// The second half of it, for who has read the log already: `damage` is what came of that.
absl::Status RepairFrame(LogState& state, segment::FrameNo frame, const absl::Status& damage,
                         io::MutableBytes page);

}  // namespace strata::wal

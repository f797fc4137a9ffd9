#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "wal/appender.h"
#include "wal/checkpointer.h"
#include "wal/log_state.h"

namespace strata::wal {

// The way back for a log that stopped because a sync failed, in its file and in the new one: a full
// disk may have room again. A sync of the same bytes is not repeated; they are written anew
// (Appender::Revive). Any thread that holds the write lock, outside of a transaction.
class Revival {
 public:
  Revival(LogState* state, Appender* appender, OpenDatabase open_database)
      : state_(*state), appender_(*appender), open_database_(std::move(open_database)) {}

  // OK: the log takes writes. Else why it stopped, and why it does not yet.
  absl::Status Run();

  // For the background, which does not hold the write lock: tries once a second. Returns when next,
  // monotonic us.
  int64_t RunIfDue(int64_t now);

 private:
  absl::Status ReadVisible(segment::PageNo page, io::MutableBytes out);

  LogState& state_;
  Appender& appender_;
  const OpenDatabase open_database_;
  std::unique_ptr<io::File> database_;  // during a Run
  int64_t due_us_ = 0;                  // of the background
};

}  // namespace strata::wal

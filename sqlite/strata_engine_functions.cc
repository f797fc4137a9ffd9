#include <sqlite3.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "sqlite/engine_wal.h"

// What stands behind the SQL functions strata_frame(), … ; docs/sql_functions.md.
namespace strata::sqlite {

namespace {

using segment::FrameNo;

constexpr int64_t kMsInUs = 1000;

thread_local std::string status_text;

std::string Quoted(absl::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      absl::StrAppend(&quoted, "\\", absl::string_view(&c, 1));
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&quoted, "\\u%04x", static_cast<unsigned char>(c));
    } else {
      quoted.push_back(c);
    }
  }
  return quoted + "\"";
}

std::string StoreStatus(wal::Log& log) {
  const wal::StoreProgress at = log.store_progress();
  std::string text = absl::StrCat(
      "{\"url\":", Quoted(at.url), ",\"namespace\":", Quoted(at.name_space),
      ",\"durable_frame\":", at.stored.value(), ",\"waiting_frames\":", at.waiting_frames,
      ",\"waiting_bytes\":", at.waiting_bytes, ",\"stopped\":");
  const absl::Status stopped = log.shipping_failure();
  return absl::StrCat(text, stopped.ok() ? "null" : Quoted(stopped.message()), "}");
}

std::string StatusOf(strata_wal* wal) {
  wal::Log& log = wal->connection->log();
  const wal::LogState& state = log.state();
  const wal::Log::Counts counts = log.counts();
  const bool reading = wal->connection->reading();
  return absl::StrCat("{\"log\":", Quoted(wal->directory),
                      ",\"log_id\":", Quoted(segment::ToString(state.identity.log_id)),
                      ",\"read_only\":", log.read_only() ? "true" : "false",
                      ",\"page_size\":", state.identity.page_size, ",\"snapshot_frame\":",
                      reading ? absl::StrCat(wal->connection->snapshot().frame.value()) : "null",
                      ",\"frame\":", state.commits->visible_frame().value(),
                      ",\"synced_frame\":", state.commits->synced().value(),
                      ",\"log_frames\":", counts.frames,
                      ",\"checkpointed_frames\":", counts.checkpointed,
                      ",\"store\":", log.has_store() ? StoreStatus(log) : "null", "}");
}

}  // namespace

int CurrentFrame(strata_wal* wal, int64_t* frame) {
  return Guard([&] {
    const int rc = CheckProcess(wal);  // first: a child of fork() may find a mutex held for ever
    if (rc != SQLITE_OK) return rc;
    const wal::Connection& connection = *wal->connection;
    const FrameNo at = connection.reading()
                           ? connection.snapshot().frame
                           : wal->connection->log().state().commits->visible_frame();
    *frame = static_cast<int64_t>(at.value());
    return SQLITE_OK;
  });
}

int DurableFrame(strata_wal* wal, int* has_store, int64_t* frame) {
  return Guard([&] {
    const int rc = CheckProcess(wal);
    if (rc != SQLITE_OK) return rc;
    wal::Log& log = wal->connection->log();
    *has_store = log.has_store() ? 1 : 0;
    *frame = static_cast<int64_t>(log.stored_frame().value());
    return SQLITE_OK;
  });
}

int WaitDurable(strata_wal* wal, int64_t frame, int64_t timeout_ms, int* reached) {
  return Guard([&] {
    const int rc = CheckProcess(wal);
    if (rc != SQLITE_OK) return rc;
    constexpr int64_t kLongestMs = std::numeric_limits<int64_t>::max() / kMsInUs;
    const int64_t timeout_us = timeout_ms < 0 ? -1 : std::min(timeout_ms, kLongestMs) * kMsInUs;
    const absl::StatusOr<bool> stored = wal->connection->log().WaitStored(
        FrameNo(static_cast<uint64_t>(std::max<int64_t>(frame, 0))), timeout_us,
        [wal] { return IsInterrupted(wal); });
    if (absl::IsCancelled(stored.status())) return SQLITE_INTERRUPT;
    *reached = stored.ok() && *stored ? 1 : 0;
    return ResultOf(wal->host, stored.status(), Doing::kCall);
  });
}

int Seal(strata_wal* wal, int64_t* frame) {
  return Guard([&] {
    const int rc = CheckProcess(wal);
    if (rc != SQLITE_OK) return rc;
    const absl::StatusOr<FrameNo> sealed = wal->connection->log().RequestSeal();
    *frame = sealed.ok() ? static_cast<int64_t>(sealed->value()) : 0;
    return ResultOf(wal->host, sealed.status(), Doing::kCall);
  });
}

int Status(strata_wal* wal, const char** json) {
  return Guard([&] {
    const int rc = CheckProcess(wal);
    if (rc != SQLITE_OK) return rc;
    status_text = StatusOf(wal);
    *json = status_text.c_str();
    return SQLITE_OK;
  });
}

}  // namespace strata::sqlite

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/file.h"
#include "segment/ids.h"

// Which history a log belongs to. The document "identity" in the log directory lives as long as the
// log; with a store, "app.db-strata" beside the database outlives it after a clean close. Both are
// lines of "key=value" closed by their CRC-32C; format: docs/recovery.md, "Identity".
namespace strata::wal {

// In app.db-strata: what the database file was when the log was closed cleanly, or, with nothing in
// the fields of stat(2), what the store had when the database left it (log_leave.cc; 0 pages unless
// that was all). In a log directory: where that log started, with nothing in those fields either.
struct CleanState {
  segment::FrameNo last_frame;
  uint32_t database_pages = 0;
  int64_t commit_time_us = 0;
  uint64_t digest = 0;
  // stat(2) of the database file then: unchanged means that nobody wrote since.
  uint64_t file_size = 0;
  uint64_t inode = 0;
  int64_t modified_ns = 0;
  int64_t changed_ns = 0;
};

// The database file that a log was written for, by stat(2): its copies have other numbers.
struct DatabaseFile {
  uint64_t inode = 0;
  int64_t born_ns = 0;  // 0: the file system does not tell
};

struct Identity {
  segment::LogId log_id;
  segment::LogId parent_log_id;
  segment::FrameNo parent_frame;
  uint32_t page_size = 0;
  segment::FrameNo base_frame;  // the history starts with a base image [1, base_frame]
  int64_t created_us = 0;
  std::string store;  // URL; empty: none
  std::string name_space;
  segment::Epoch epoch;
  uint64_t writer_nonce = 0;  // of the claim to that epoch
  uint64_t next_nonce = 0;    // of a claim that is being made; 0: none is
  std::optional<CleanState> clean;
  std::optional<DatabaseFile> database_file;  // in a log directory; none in those of old
};

// The frame behind which a log with this identity starts: everything up to there was in the
// database file then.
inline segment::FrameNo LogStart(const Identity& identity) {
  return identity.clean.has_value() ? identity.clean->last_frame : identity.base_frame;
}

// Behind the name of the database: "app.db-strata".
inline constexpr char kCleanIdentitySuffix[] = "-strata";

std::string EncodeIdentity(const Identity& identity);
// DataLoss with `path` in the message when damaged; Unimplemented for a later version.
absl::StatusOr<Identity> DecodeIdentity(const std::string& path, const std::string& text);

// Reads or durably replaces such a document. NotFound when there is none.
absl::StatusOr<Identity> ReadIdentity(io::FileSystem& files, const std::string& path);
absl::Status WriteIdentity(io::FileSystem& files, const std::string& path, const Identity& identity,
                           const io::Ownership& ownership);

}  // namespace strata::wal

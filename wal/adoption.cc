#include "wal/adoption.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "io/status_macros.h"
#include "segment/digest.h"

namespace strata::wal {

using segment::FrameNo;
using segment::PageNo;

namespace {

constexpr char kChangedSince[] = " was changed by another program since frame ";

struct DatabaseShape {
  uint32_t page_size = 0;  // 0: an empty file
  uint32_t pages = 0;
};

// Page size as the database header says (https://www.sqlite.org/fileformat.html#page_size), pages
// as the length does.
absl::StatusOr<DatabaseShape> ShapeOf(io::File& database) {
  STRATA_ASSIGN_OR_RETURN(const uint64_t size, database.Size());
  uint8_t header[100];
  if (size < sizeof header) return DatabaseShape{};
  STRATA_RETURN_IF_ERROR(database.ReadAt(0, absl::MakeSpan(header)).status());
  const uint32_t stored = static_cast<uint32_t>(header[16]) << 8 | header[17];
  const uint32_t page_size = stored == 1 ? 65536 : stored;
  if (!segment::IsValidPageSize(page_size)) return DatabaseShape{};
  return DatabaseShape{page_size, static_cast<uint32_t>((size + page_size - 1) / page_size)};
}

segment::LogId NewLogId(io::Random& random) {
  segment::LogId id;
  const uint64_t words[2] = {random.Next64(), random.Next64()};
  std::memcpy(id.bytes.data(), words, sizeof words);
  return id;
}

Start NewHistory(const Environment& environment, const DatabaseShape& shape,
                 const StoreAddress& store) {
  Start start;
  start.identity.log_id = NewLogId(*environment.random);
  start.identity.page_size = shape.page_size;
  start.identity.base_frame = FrameNo(shape.pages);
  start.identity.created_us = environment.clock->NowMicros();
  start.identity.store = store.url;
  start.identity.name_space = store.name_space;
  start.end = {start.identity.base_frame, shape.pages, start.identity.created_us};
  start.progress.checkpointed = start.end;
  return start;
}

Start Continue(const Identity& clean) {
  Start start;
  start.identity = clean;
  start.end = {clean.clean->last_frame, clean.clean->database_pages, clean.clean->commit_time_us};
  start.progress.checkpointed = start.end;
  start.progress.sealed = start.progress.shipped = start.end.frame;
  start.progress.sealed_digest = clean.clean->digest;
  return start;
}

absl::StatusOr<bool> IsUnchanged(const Environment& environment, const LogPlace& place,
                                 const Identity& identity, io::File& database,
                                 const DatabaseShape& shape) {
  const CleanState& clean = *identity.clean;
  STRATA_ASSIGN_OR_RETURN(const io::FileInfo info, environment.files->Stat(place.database));
  if (StatIsUnchanged(clean, info)) return true;
  if (shape.page_size != identity.page_size || shape.pages != clean.database_pages) return false;
  STRATA_ASSIGN_OR_RETURN(const uint64_t digest,
                          DigestOfFile(database, shape.page_size, shape.pages));
  return digest == clean.digest;
}

}  // namespace

bool StatIsUnchanged(const CleanState& clean, const io::FileInfo& now) {
  return clean.file_size == now.size && clean.inode == now.inode &&
         clean.modified_ns == now.modified_ns && clean.changed_ns == now.changed_ns;
}

absl::StatusOr<Start> FindStart(const Environment& environment, const LogPlace& place,
                                const std::optional<Identity>& clean, const StoreAddress& store) {
  STRATA_ASSIGN_OR_RETURN(const std::unique_ptr<io::File> database, place.open_database());
  STRATA_ASSIGN_OR_RETURN(const DatabaseShape shape, ShapeOf(*database));
  if (!clean.has_value() || !clean->clean.has_value()) return NewHistory(environment, shape, store);
  STRATA_ASSIGN_OR_RETURN(const bool unchanged,
                          IsUnchanged(environment, place, *clean, *database, shape));
  if (unchanged) return Continue(*clean);
  Start start = NewHistory(environment, shape, {clean->store, clean->name_space});
  start.identity.parent_log_id = clean->log_id;
  start.identity.parent_frame = clean->clean->last_frame;
  const bool left = clean->clean->file_size == 0;  // see Log::LeaveStore
  start.message = absl::StrCat(
      place.database, left ? " left its store, which has it up to frame " : kChangedSince,
      clean->clean->last_frame.value(), "; a new history starts with its present content");
  return start;
}

absl::StatusOr<uint64_t> DigestOfFile(io::File& database, uint32_t page_size,
                                      uint32_t database_pages,
                                      const std::function<absl::Status()>& may_go_on) {
  segment::Digest digest;
  std::vector<uint8_t> page(page_size);
  for (uint32_t number = 1; number <= database_pages; ++number) {
    if (PageNo(number) == segment::LockBytePage(page_size)) continue;
    if (may_go_on) STRATA_RETURN_IF_ERROR(may_go_on());
    std::fill(page.begin(), page.end(), 0);
    const uint64_t offset = static_cast<uint64_t>(number - 1) * page_size;
    STRATA_RETURN_IF_ERROR(database.ReadAt(offset, absl::MakeSpan(page)).status());
    digest.Toggle(segment::PageHash(PageNo(number), page));
  }
  return digest.value();
}

absl::Status RemoveLeftovers(io::FileSystem& files, const std::string& directory,
                             const std::vector<std::string>& paths) {
  for (const std::string& path : paths) STRATA_RETURN_IF_ERROR(files.Unlink(path));
  return files.SyncDirectory(directory);
}

absl::Status MakeRecoveredDurable(LogState* state, Appender* appender,
                                  const RecoveredLog& recovered) {
  const FrameNo good = std::max(state->index->floor(), recovered.durable);  // both are commits
  if (good < recovered.end.frame || !recovered.leftovers.empty()) {
    // Before a leftover goes: its marks may be the only ones.
    STRATA_RETURN_IF_ERROR(appender->RewriteRecovered(good, recovered.end.frame));
  }
  io::FileSystem& files = *state->environment.files;
  STRATA_RETURN_IF_ERROR(RemoveLeftovers(files, state->directory, recovered.leftovers));
  return files.SyncDirectory(io::DirectoryOf(state->directory));
}

}  // namespace strata::wal

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <vector>

#include "io/bytes.h"
#include "sqlite/engine_wal.h"

// Frames by their number in the log, as libSQL's pager asks for them.
namespace strata::sqlite {

using segment::FrameNo;

namespace {

// 0 while the log is empty. Another process may have made its first commit.
uint32_t PageBytes(const strata_wal* wal) {
  wal::Log& log = wal->connection->log();
  if (!log.has_identity()) log.CatchUp().IgnoreError();
  return log.has_identity() ? log.state().identity.page_size : 0;
}

void PutBigEndian(uint32_t value, uint8_t* to) {
  for (int i = 0; i < 4; ++i) to[i] = static_cast<uint8_t>(value >> (24 - 8 * i));
}

// Copies as much of a header and a page as fits. All words are big-endian, as in SQLite's log.
void PutRaw(const strata_wal* wal, const segment::FrameHeader& header, io::ByteView page,
            io::MutableBytes to) {
  const auto& log_id = wal->connection->log().state().identity.log_id.bytes;
  uint8_t raw[STRATA_RAW_HEADER_BYTES] = {};
  PutBigEndian(header.page.value(), raw);
  PutBigEndian(header.is_commit ? header.database_pages : 0, raw + 4);
  std::memcpy(raw + 8, log_id.data(), 8);
  const size_t of_header = std::min(to.size(), sizeof(raw));
  std::memcpy(to.data(), raw, of_header);
  std::memcpy(to.data() + of_header, page.data(), std::min(to.size() - of_header, page.size()));
}

// The page of frame `number` and its header; SQLITE_ERROR when the log does not have it.
int Read(strata_wal* wal, uint32_t number, int bytes, std::vector<uint8_t>* page,
         segment::FrameHeader* header) {
  if (bytes < 0) return SQLITE_MISUSE;
  const int rc = CheckProcess(wal);
  if (rc != SQLITE_OK) return rc;
  page->resize(PageBytes(wal));
  if (page->empty() || number == 0) return SQLITE_ERROR;
  const FrameNo frame(wal->connection->log().counts_from().value() + number);
  const absl::StatusOr<segment::FrameHeader> read =
      wal->connection->ReadLogged(frame, absl::MakeSpan(*page));
  if (absl::IsNotFound(read.status())) return SQLITE_ERROR;
  if (!read.ok()) return ResultOf(wal->host, read.status(), Doing::kRead);
  *header = *read;
  return SQLITE_OK;
}

}  // namespace

uint32_t NumberInLog(const strata_wal* wal, FrameNo frame) {
  const uint64_t from = wal->connection->log().counts_from().value();
  if (frame.value() <= from) return 0;
  const uint64_t number = frame.value() - from;
  return number < std::numeric_limits<uint32_t>::max() ? static_cast<uint32_t>(number) : 0;
}

int FrameCount(strata_wal* wal, int, uint32_t* frames) {
  return Guard([&] {
    const int rc = CheckProcess(wal);
    if (rc == SQLITE_OK) *frames = NumberInLog(wal, wal->connection->last_frame());
    return rc;
  });
}

int ReadFrameRaw(strata_wal* wal, uint32_t frame, int bytes, uint8_t* to) {
  return Guard([&] {
    std::vector<uint8_t> page;
    segment::FrameHeader header;
    const int rc = Read(wal, frame, bytes, &page, &header);
    if (rc == SQLITE_OK) PutRaw(wal, header, page, {to, static_cast<size_t>(bytes)});
    return rc;
  });
}

int ReadNumbered(strata_wal* wal, uint32_t frame, int bytes, uint8_t* to) {
  return Guard([&] {
    std::vector<uint8_t> page;
    segment::FrameHeader header;
    const int rc = Read(wal, frame, bytes, &page, &header);
    if (rc != SQLITE_OK) return rc;
    page.resize(static_cast<size_t>(bytes));  // zeros behind a page that is smaller
    if (bytes > 0) std::memcpy(to, page.data(), page.size());
    return SQLITE_OK;
  });
}

int FrameBytes(strata_wal* wal) {
  return Guard([&] { return IsOfThisProcess(wal) ? static_cast<int>(PageBytes(wal)) : 0; });
}

// A savepoint is a number of frames: nothing is kept for it.
void SavepointForget(strata_wal*, uint32_t*) {}

sqlite3_file* File(strata_wal* wal) { return &wal->no_file; }

void WatchCheckpoints(strata_wal* wal, strata_page_copied copied, void* context) {
  wal->page_copied = copied;
  wal->page_copied_context = context;
}

}  // namespace strata::sqlite

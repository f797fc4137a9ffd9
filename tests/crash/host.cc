#include "tests/crash/host.h"

#include <algorithm>

#include "io/status_macros.h"
#include "segment/digest.h"

namespace strata::crash {

void Host::Logger::Log(io::Severity severity, std::string_view message) {
  if (severity != io::Severity::kInfo) last_error = message;
}

Host::Host(SyncSites* files, const Workload& workload, uint64_t seed)
    : files_(*files), workload_(workload), random_(seed) {}

absl::StatusOr<std::shared_ptr<wal::Log>> Host::Open(bool read_only) {
  wal::LogPlace place;
  place.directory = kLogPath;
  place.database = kDatabasePath;
  place.read_only = read_only;
  place.open_database = [this] { return files_.Open(kDatabasePath, io::OpenMode::kReadWrite, {}); };
  wal::StoreAddress store;
  if (workload_.store) store = {kStoreUrl, kNamespace};
  // SQLite creates the file when it is not there, and leaves making its name durable to the log.
  if (!read_only)
    STRATA_RETURN_IF_ERROR(files_.Open(kDatabasePath, io::OpenMode::kCreateOrOpen, {}).status());
  files_.set_phase(SyncSites::Phase::kOpening);
  auto log =
      wal::Log::Open(place, store, {&files_, &clock_, &random_, &logger_}, workload_.options);
  files_.set_phase(SyncSites::Phase::kRunning);
  return log;
}

absl::StatusOr<Content> ReadContent(io::FileSystem& files, wal::Connection& connection,
                                    uint32_t page_size) {
  STRATA_ASSIGN_OR_RETURN(auto file, files.Open(kDatabasePath, io::OpenMode::kReadOnly));
  STRATA_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  uint32_t pages = connection.snapshot().database_pages;
  if (pages == 0) pages = static_cast<uint32_t>((size + page_size - 1) / page_size);
  segment::Digest digest;
  std::vector<uint8_t> bytes(static_cast<size_t>(pages) * page_size);
  for (uint32_t number = 1; number <= pages; ++number) {
    const uint64_t offset = static_cast<uint64_t>(number - 1) * page_size;
    const absl::Span<uint8_t> page = absl::MakeSpan(bytes).subspan(offset, page_size);
    const segment::FrameNo frame = connection.FindFrame(segment::PageNo(number));
    if (frame != segment::FrameNo(0)) {
      STRATA_RETURN_IF_ERROR(connection.ReadFrame(frame, page));
    } else {
      STRATA_RETURN_IF_ERROR(file->ReadAt(offset, page).status());
    }
    digest.Toggle(segment::PageHash(segment::PageNo(number), page));
  }
  return Content{digest.value(), connection.snapshot().frame.value(), std::move(bytes)};
}

absl::StatusOr<Content> ReadContent(io::FileSystem& files, const std::shared_ptr<wal::Log>& log,
                                    uint32_t page_size) {
  wal::Connection connection(log);
  STRATA_RETURN_IF_ERROR(connection.BeginRead().status());
  return ReadContent(files, connection, page_size);
}

}  // namespace strata::crash

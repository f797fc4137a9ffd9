#include "tests/wal/log_world.h"

#include <cstring>

#include "absl/strings/match.h"
#include "io/bytes.h"
#include "io/status_macros.h"
#include "tests/support/disk_helpers.h"

namespace strata::wal {

using segment::FrameNo;
using segment::PageNo;

std::vector<uint8_t> PageBytes(uint32_t page, uint64_t version, uint32_t page_size) {
  std::vector<uint8_t> bytes(page_size);
  if (version == 0) return bytes;
  // Half of it is the same in every version, as real pages have it.
  io::SeededRandom of_version(version << 32 | page);
  io::SeededRandom of_page(page);
  for (size_t i = 0; i < page_size; i += 8) {
    io::SeededRandom& random = i % 16 == 0 ? of_version : of_page;
    io::StoreLittleEndian<uint64_t>(bytes.data() + i, random.Next64());
  }
  io::StoreLittleEndian<uint64_t>(bytes.data(), version);
  if (page != 1) return bytes;
  std::memcpy(bytes.data() + 8, "SQLite f", 8);  // page 1 says the page size where SQLite's does
  bytes[16] = page_size == 65536 ? 0 : static_cast<uint8_t>(page_size >> 8);
  bytes[17] = page_size == 65536 ? 1 : static_cast<uint8_t>(page_size);
  return bytes;
}

uint64_t VersionOf(uint32_t page, const std::vector<uint8_t>& bytes) {
  const uint64_t version = io::LoadLittleEndian<uint64_t>(bytes.data());
  return bytes == PageBytes(page, version, static_cast<uint32_t>(bytes.size())) ? version
                                                                                : UINT64_MAX;
}

void RecordingLogger::Log(io::Severity severity, std::string_view message) {
  io::MutexLock lock(&mutex_);
  text_.append(message).push_back('\n');
}

std::string RecordingLogger::text() const {
  io::MutexLock lock(&mutex_);
  return text_;
}

namespace {

struct Pages {
  explicit Pages(const std::vector<PageVersion>& versions) {
    for (const PageVersion& each : versions) bytes.push_back(PageBytes(each.page, each.version));
    for (size_t i = 0; i < versions.size(); ++i)
      refs.push_back({PageNo(versions[i].page), bytes[i].data()});
  }
  std::vector<std::vector<uint8_t>> bytes;
  std::vector<PageRef> refs;
};

}  // namespace

absl::Status BeginWrite(Connection& connection) {
  if (connection.LockForWrite(10'000'000, nullptr) != WriteLock::Outcome::kAcquired) {
    return absl::UnavailableError("no write lock");
  }
  absl::Status status = connection.BeginRead().status();
  if (status.ok()) status = connection.BeginWrite();
  if (!status.ok()) {
    connection.EndRead();
    connection.UnlockForWrite();
  }
  return status;
}

absl::Status Spill(Connection& connection, const std::vector<PageVersion>& pages) {
  return connection.Write(kPageSize, Pages(pages).refs, false, 0, Durability::kNormal);
}

absl::Status Commit(Connection& connection, const std::vector<PageVersion>& pages,
                    uint32_t database_pages, Durability durability) {
  return connection.Write(kPageSize, Pages(pages).refs, true, database_pages, durability);
}

void End(Connection& connection) {
  connection.EndWrite().IgnoreError();
  connection.EndRead();
}

absl::Status CommitPages(Connection& connection, const std::vector<PageVersion>& pages,
                         uint32_t database_pages, Durability durability) {
  STRATA_RETURN_IF_ERROR(BeginWrite(connection));
  const absl::Status status = Commit(connection, pages, database_pages, durability);
  if (!status.ok()) connection.Undo();
  const absl::Status ended = connection.EndWrite();
  connection.EndRead();
  return status.ok() ? ended : status;
}

absl::StatusOr<Versions> ReadVersions(Connection& connection,
                                      const std::vector<uint8_t>& database) {
  STRATA_RETURN_IF_ERROR(connection.BeginRead().status());
  Versions versions;
  absl::Status status;
  std::vector<uint8_t> bytes(kPageSize);
  for (uint32_t page = 1; page <= connection.snapshot().database_pages && status.ok(); ++page) {
    const FrameNo frame = connection.FindFrame(PageNo(page));
    const size_t offset = static_cast<size_t>(page - 1) * kPageSize;
    std::fill(bytes.begin(), bytes.end(), 0);
    if (frame != FrameNo(0)) {
      status = connection.ReadFrame(frame, absl::MakeSpan(bytes));
    } else if (offset + kPageSize <= database.size()) {
      std::memcpy(bytes.data(), database.data() + offset, kPageSize);
    }
    versions.push_back(VersionOf(page, bytes));
  }
  connection.EndRead();
  STRATA_RETURN_IF_ERROR(status);
  return versions;
}

LogWorld::LogWorld(std::unique_ptr<support::SimulatedDisk> disk_at_start, uint64_t seed)
    : disk(std::move(disk_at_start)), random(seed) {
  options.background = false;
}

LogWorld::~LogWorld() { Crash(); }

void LogWorld::CreateDatabase(uint32_t pages) {
  std::vector<uint8_t> bytes;
  for (uint32_t page = 1; page <= pages; ++page) {
    const std::vector<uint8_t> one = PageBytes(page, 1);
    bytes.insert(bytes.end(), one.begin(), one.end());
  }
  support::DurableFile(*disk, kDatabase, bytes).status().IgnoreError();
}

LogPlace LogWorld::Place() {
  LogPlace place;
  place.directory = kDirectory;
  place.database = kDatabase;
  place.open_database = [this]() { return disk->Open(kDatabase, io::OpenMode::kCreateOrOpen); };
  place.read_only = read_only;
  return place;
}

Environment LogWorld::World() {
  return {files != nullptr ? files : disk.get(), &clock, &random, &logger};
}

absl::StatusOr<std::shared_ptr<Log>> LogWorld::TryOpen() {
  return Log::Open(Place(), store, World(), options);
}

absl::Status LogWorld::Open() {
  STRATA_ASSIGN_OR_RETURN(log, TryOpen());
  connection = std::make_unique<Connection>(log);
  return absl::OkStatus();
}

absl::Status LogWorld::Close() {
  connection.reset();
  const absl::Status status = log->Close(true, true);
  log.reset();
  return status;
}

void LogWorld::Crash() {
  connection.reset();
  log.reset();
}

void LogWorld::Pass(int64_t micros) {
  clock.Advance(micros);
  log->RunMaintenance();
}

std::vector<std::string> LogWorld::LogFileNames() {
  std::vector<std::string> names;
  const auto listed = disk->List(kDirectory);
  if (!listed.ok()) return names;
  for (const std::string& name : *listed) {
    if (absl::EndsWith(name, ".log")) names.push_back(name);
  }
  return names;
}

}  // namespace strata::wal

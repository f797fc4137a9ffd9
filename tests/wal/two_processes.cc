#include "tests/wal/two_processes.h"

#include "absl/strings/match.h"
#include "io/status_macros.h"
#include "tests/support/crash_image.h"

namespace strata::wal {

absl::Status TwoProcesses::Process::Commit(const std::vector<PageVersion>& pages,
                                           uint32_t database_pages, Durability durability) {
  return CommitPages(*connection, pages, database_pages, durability);
}

absl::StatusOr<Versions> TwoProcesses::Process::Read() {
  return ReadVersions(*connection, disk->Files()[LogWorld::kDatabase]);
}

absl::Status TwoProcesses::Process::Close() {
  connection.reset();
  const absl::Status status = log->Close(true, !read_only);
  log.reset();
  return status;
}

// A connection that is destroyed would end its transactions in order, and give its place back: so
// the dead are kept.
void TwoProcesses::Process::Kill() {
  log->Die();
  graveyard.emplace_back(std::move(log), std::move(connection));
}

TwoProcesses::TwoProcesses() : disk(std::make_unique<support::SimulatedDisk>()) {
  for (Process* process : {&a, &b}) {
    process->disk = disk.get();
    process->options.background = false;
    process->options.idle_owner_us = 0;
    process->options.segment_bytes = 8 * kPageSize;
  }
  Open(&a).IgnoreError();
}

TwoProcesses::~TwoProcesses() {
  for (Process* process : {&a, &b}) {
    process->connection.reset();
    process->log.reset();
    for (auto& [log, connection] : process->graveyard) connection.reset();
    process->graveyard.clear();
  }
}

absl::Status TwoProcesses::Open(Process* process) {
  LogPlace place;
  place.directory = LogWorld::kDirectory;
  place.database = LogWorld::kDatabase;
  place.open_database = [this] {
    return disk->Open(LogWorld::kDatabase, io::OpenMode::kCreateOrOpen);
  };
  place.read_only = process->read_only;
  STRATA_ASSIGN_OR_RETURN(
      process->log,
      Log::Open(place, store, {disk.get(), &clock, &random, &logger}, process->options));
  process->log->ownership().set_listening(true);  // the test hands over
  process->connection = std::make_unique<Connection>(process->log);
  return absl::OkStatus();
}

absl::StatusOr<Versions> TwoProcesses::PowerCut() {
  support::ImageBuilder builder(*disk);
  builder.AdvanceTo(builder.operation_count());
  LogWorld world(builder.Build({.seed = 1, .policy = support::CrashPolicy::kDropUnsynced}));
  STRATA_RETURN_IF_ERROR(world.Open());
  return world.Read();
}

std::vector<std::string> TwoProcesses::LogFiles() const { return FilesThatEndWith(".log"); }

std::vector<std::string> TwoProcesses::KeptFiles() const { return FilesThatEndWith(".log.tmp"); }

std::vector<std::string> TwoProcesses::FilesThatEndWith(const std::string& suffix) const {
  std::vector<std::string> found;
  const auto names = disk->List(LogWorld::kDirectory);
  if (!names.ok()) return found;
  for (const std::string& name : *names) {
    if (absl::EndsWith(name, suffix)) found.push_back(name);
  }
  return found;
}

}  // namespace strata::wal

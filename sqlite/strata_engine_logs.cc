#include <sqlite3.h>

#include <atomic>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "io/forked_locks.h"
#include "io/mutex.h"
#include "io/posix_file_system.h"
#include "io/status_macros.h"
#include "sqlite/engine_logs.h"
#include "sqlite/engine_settings.h"
#include "sqlite/vfs_file.h"
#include "wal/attachment.h"

namespace strata::sqlite {

namespace {

constexpr char kReadOnlyKey[] = " (read-only)";

// How the keys of a directory's logs begin. A child of fork() opens logs of its own, and leaves its
// parent's alone.
std::string KeysOf(const std::string& directory) {
  return absl::StrCat(io::ForkGeneration(), " ", directory, "\n");
}

// Of one database: who deletes it under a connection and makes another of its name has two. And of
// one VFS: another one may store the file differently, so that its connections are as a process of
// their own.
std::string KeyOf(const strata_wal_host* host, const strata_wal_open_args& args) {
  const auto database = ProductionEnvironment(host).files->Stat(host->database_name(args.wal_name));
  return absl::StrCat(KeysOf(args.wal_name), database.ok() ? database->inode : 0, " ",
                      args.vfs == nullptr ? "" : args.vfs->zName);
}

// Strata's messages in sqlite3_log.
class HostLogger : public io::Logger {
 public:
  void Attach(const strata_wal_host* host) { host_.store(host); }
  void Log(io::Severity severity, std::string_view message) override {
    const strata_wal_host* host = host_.load();
    if (host != nullptr) host->log(Code(severity), std::string(message).c_str());
  }

 private:
  static int Code(io::Severity severity) {
    switch (severity) {
      case io::Severity::kInfo:
        return SQLITE_NOTICE;
      case io::Severity::kWarning:
        return SQLITE_WARNING;
      case io::Severity::kError:
        return SQLITE_IOERR;
    }
    return SQLITE_NOTICE;
  }
  std::atomic<const strata_wal_host*> host_{nullptr};
};

HostLogger& EngineLogger() {
  static auto* logger = new HostLogger;
  return *logger;
}

// Never destroyed: connections may outlive static objects.
struct OpenLogs {
  io::Mutex mutex;
  io::CondVar forgotten;
  std::map<std::string, OpenLog> by_key ABSL_GUARDED_BY(mutex);
};

OpenLogs& Logs() {
  static auto* logs = new OpenLogs;
  return *logs;
}

std::string Parameter(const strata_wal_host* host, const char* wal_name, const char* key) {
  const char* value = host->uri_parameter(wal_name, key);
  return value == nullptr ? "" : value;
}

// SQLite's test suite counts and injects at its VFS, so that a build for it runs Strata's files
// there too.
std::shared_ptr<VfsFileSystem> FilesOverVfs(sqlite3_vfs* vfs) {
#ifdef STRATA_FILES_OVER_VFS
  return std::make_shared<VfsFileSystem>(vfs, &io::PosixFileSystem());
#else
  return nullptr;
#endif
}

absl::StatusOr<OpenLog> OpenLogOf(const strata_wal_host* host, const strata_wal_open_args& args) {
  STRATA_ASSIGN_OR_RETURN(std::shared_ptr<VfsFile> database,
                          VfsFile::Open(host, args.vfs, args.wal_name, args.read_only != 0));
  wal::LogPlace place;
  place.directory = args.wal_name;
  place.database = host->database_name(args.wal_name);
  place.open_database = [database] { return ShareFile(database); };
  place.read_only = args.read_only != 0;
  wal::StoreAddress store{Parameter(host, args.wal_name, "store"),
                          Parameter(host, args.wal_name, "namespace")};
  STRATA_RETURN_IF_ERROR(CheckStoreAddress(store));
  STRATA_ASSIGN_OR_RETURN(wal::Options options, ReadSettings(host, args.wal_name));
  OpenLog open{.vfs_files = FilesOverVfs(args.vfs), .connections = 1};
  options.background = open.vfs_files == nullptr;  // see RunBackgroundInline()
  wal::Environment environment = ProductionEnvironment(host);
  if (open.vfs_files != nullptr) environment.files = open.vfs_files.get();
  STRATA_ASSIGN_OR_RETURN(open.log, wal::Log::Open(place, store, environment, options));
  return open;
}

}  // namespace

wal::Environment ProductionEnvironment(const strata_wal_host* host) {
  EngineLogger().Attach(host);
  return {&io::PosixFileSystem(), &io::SystemClock(), &io::SystemRandom(), &EngineLogger()};
}

absl::StatusOr<OpenLog> AcquireLog(const strata_wal_host* host, const strata_wal_open_args& args) {
  const std::string writing = KeyOf(host, args);
  const std::string reading = writing + kReadOnlyKey;
  OpenLogs& logs = Logs();
  io::MutexLock lock(&logs.mutex);
  for (;;) {
    auto at = logs.by_key.find(writing);
    if (at == logs.by_key.end() && args.read_only != 0) at = logs.by_key.find(reading);
    if (at == logs.by_key.end()) break;
    if (at->second.connections > 0) {
      OpenLog joined = at->second;
      ++at->second.connections;  // when nothing can fail any more: nobody else would give it back
      return joined;
    }
    logs.forgotten.Wait(&logs.mutex);
  }
  STRATA_ASSIGN_OR_RETURN(OpenLog open, OpenLogOf(host, args));
  open.key = args.read_only != 0 ? reading : writing;
  logs.by_key.emplace(open.key, open);  // whole or not at all, when memory lacks
  return open;
}

std::shared_ptr<wal::Log> ReleaseLog(const std::string& key) {
  OpenLogs& logs = Logs();
  io::MutexLock lock(&logs.mutex);
  OpenLog& open = logs.by_key.find(key)->second;
  return --open.connections == 0 ? std::move(open.log) : nullptr;
}

void ForgetLog(const std::string& key) {
  OpenLogs& logs = Logs();
  io::MutexLock lock(&logs.mutex);
  logs.by_key.erase(key);
  logs.forgotten.SignalAll();
}

bool IsOpen(const std::string& directory) {
  OpenLogs& logs = Logs();
  {
    io::MutexLock lock(&logs.mutex);
    const std::string keys = KeysOf(directory);
    const auto at = logs.by_key.lower_bound(keys);
    if (at != logs.by_key.end() && absl::StartsWith(at->first, keys)) return true;
  }
  return wal::IsInUse(io::PosixFileSystem(), directory);
}

}  // namespace strata::sqlite

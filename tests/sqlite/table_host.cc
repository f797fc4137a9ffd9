#include "tests/sqlite/table_host.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <map>
#include <mutex>

namespace strata::sqlite_test {
namespace {

struct HostFile {
  int descriptor;
};

std::atomic<bool> is_interrupted{false};
std::atomic<int> messages{0};

HostFile* FileOf(sqlite3_file* file) { return reinterpret_cast<HostFile*>(file); }

// "app.db-wal" to "app.db"; the text lives as long as the process.
const char* DatabaseName(const char* wal_name) {
  static std::mutex mutex;
  static auto* names = new std::map<std::string, std::string>;
  const std::lock_guard<std::mutex> lock(mutex);
  const std::string name = wal_name;
  return names->try_emplace(name, name.substr(0, name.size() - std::strlen("-wal")))
      .first->second.c_str();
}

int OpenFile(sqlite3_vfs*, const char* wal_name, int flags, sqlite3_file** out) {
  const int mode = (flags & SQLITE_OPEN_READONLY) != 0 ? O_RDONLY : O_RDWR;
  const int descriptor = open(DatabaseName(wal_name), mode | O_CLOEXEC);
  if (descriptor < 0) return SQLITE_CANTOPEN;
  *out = reinterpret_cast<sqlite3_file*>(new HostFile{descriptor});
  return SQLITE_OK;
}

void CloseFile(sqlite3_file* file) {
  close(FileOf(file)->descriptor);
  delete FileOf(file);
}

int ReadFile(sqlite3_file* file, void* to, int bytes, int64_t offset) {
  const ssize_t read = pread(FileOf(file)->descriptor, to, static_cast<size_t>(bytes), offset);
  if (read < 0) return SQLITE_IOERR_READ;
  if (read == bytes) return SQLITE_OK;
  std::memset(static_cast<char*>(to) + read, 0, static_cast<size_t>(bytes - read));
  return SQLITE_IOERR_SHORT_READ;
}

int WriteFile(sqlite3_file* file, const void* from, int bytes, int64_t offset) {
  return pwrite(FileOf(file)->descriptor, from, static_cast<size_t>(bytes), offset) == bytes
             ? SQLITE_OK
             : SQLITE_IOERR_WRITE;
}

int TruncateFile(sqlite3_file* file, int64_t size) {
  return ftruncate(FileOf(file)->descriptor, size) == 0 ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

int SyncFile(sqlite3_file* file, int) {
  return fdatasync(FileOf(file)->descriptor) == 0 ? SQLITE_OK : SQLITE_IOERR_FSYNC;
}

int FileSize(sqlite3_file* file, int64_t* size) {
  struct stat status;
  if (fstat(FileOf(file)->descriptor, &status) != 0) return SQLITE_IOERR_FSTAT;
  *size = status.st_size;
  return SQLITE_OK;
}

constexpr strata_wal_host kHost = {
    .version = 1,
    .busy_timeout_ms = [](strata_sqlite_connection*) { return 0; },
    .is_interrupted = [](strata_sqlite_connection*) { return is_interrupted.load() ? 1 : 0; },
    .uri_parameter = [](const char*, const char*) -> const char* { return nullptr; },
    .database_name = DatabaseName,
    .log = [](int, const char*) { messages.fetch_add(1); },
    .open_file = OpenFile,
    .close_file = CloseFile,
    .read_file = ReadFile,
    .write_file = WriteFile,
    .truncate_file = TruncateFile,
    .sync_file = SyncFile,
    .file_size = FileSize,
    .lock_file = [](sqlite3_file*, int) { return SQLITE_OK; },
    .unlock_file = [](sqlite3_file*, int) { return SQLITE_OK; },
};

}  // namespace

const strata_wal_host* TableHost() { return &kHost; }
void SetTableHostInterrupted(bool interrupted) { is_interrupted.store(interrupted); }
int TableHostMessages() { return messages.load(); }

}  // namespace strata::sqlite_test

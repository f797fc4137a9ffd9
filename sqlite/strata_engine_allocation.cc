#include "sqlite/engine_allocation.h"

#ifdef STRATA_FILES_OVER_VFS

#include <sqlite3.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "io/posix_file_system.h"
#include "io/status_macros.h"

extern "C" int sqlite3_open_file_count __attribute__((weak));

namespace strata::sqlite {

thread_local int InsideEngine::depth_ = 0;
thread_local int InsideLogFile::depth_ = 0;

namespace {

// Appended to the file that STRATA_INJECTION_COUNTS names when the process ends, one line.
class Counts {
 public:
  ~Counts() {
    const char* path = std::getenv("STRATA_INJECTION_COUNTS");
    if (path != nullptr) AppendTo(path).IgnoreError();
  }
  std::atomic<unsigned long long> allocations{0}, refused{0}, file_calls{0}, failed{0};

 private:
  absl::Status AppendTo(const std::string& path) {
    STRATA_ASSIGN_OR_RETURN(const auto file,
                            io::PosixFileSystem().Open(path, io::OpenMode::kCreateOrOpen, {}));
    STRATA_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
    const std::string line =
        absl::StrCat("allocations ", allocations.load(), " refused ", refused.load(),
                     " file calls ", file_calls.load(), " failed ", failed.load(), "\n");
    return file->Write(size, {reinterpret_cast<const uint8_t*>(line.data()), line.size()});
  }
};

Counts counts;

bool SqliteAllows() {
  counts.allocations.fetch_add(1, std::memory_order_relaxed);
  void* probe = sqlite3_malloc64(1);  // of any size: the injector counts calls, others add up bytes
  if (probe == nullptr) counts.refused.fetch_add(1, std::memory_order_relaxed);
  sqlite3_free(probe);
  return probe != nullptr;
}

}  // namespace

void CountFileCall(bool failed) {
  counts.file_calls.fetch_add(1, std::memory_order_relaxed);
  if (failed) counts.failed.fetch_add(1, std::memory_order_relaxed);
}

void NoteOwnHandles(int handles) {
  if (&sqlite3_open_file_count != nullptr) sqlite3_open_file_count -= handles;
}

}  // namespace strata::sqlite

// For the whole program: the other forms of new call this one, delete is free() as ever.
__attribute__((visibility("default"))) void* operator new(size_t bytes) {
  if (strata::sqlite::InsideEngine::any() && !strata::sqlite::SqliteAllows())
    throw std::bad_alloc();
  void* memory = std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

#endif

#include <malloc.h>

#include <filesystem>
#include <memory>

#include "bench/latencies.h"
#include "bench/workload.h"

// Workload 10: memory for each frame in the log: what the heap grows by, and for SQLite's own log
// the shared memory file beside the database.
namespace strata::bench {
namespace {

// When what is kept until it is synced has been let go.
uint64_t SettledHeapBytes() {
  SleepUntil(Now() + 2'000'000'000);
  ::malloc_trim(0);
  const struct mallinfo2 info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

class Memory : public Workload {
 public:
  Memory(const Setup& setup, const Library& library) : setup_(setup), library_(library) {}

  nlohmann::json Round() override {
    RemoveDatabase(setup_);
    nlohmann::json result;
    {
      Connection connection(library_, setup_.Uri("checkpoint_bytes=1000000000000"));
      connection.Execute(
          "PRAGMA page_size=1024; PRAGMA journal_mode=WAL; "
          "PRAGMA wal_autocheckpoint=0; PRAGMA synchronous=NORMAL; "
          "PRAGMA cache_size=100");
      connection.Execute("CREATE TABLE item(id INTEGER PRIMARY KEY, data BLOB)");
      Write(&connection, 1000);
      const uint64_t before = SettledHeapBytes();
      const int64_t frames = setup_.Number("frames", 1'000'000);
      Write(&connection, frames);
      const uint64_t after = SettledHeapBytes();
      const double heap = static_cast<double>(after - std::min(before, after));
      std::error_code none;
      const auto shared = std::filesystem::file_size(setup_.Database() + "-shm", none);
      result["heap_bytes_per_frame"] = heap / static_cast<double>(frames);
      result["bytes_per_frame"] =
          (heap + (none ? 0.0 : static_cast<double>(shared))) / static_cast<double>(frames);
      result["log_mb"] = static_cast<double>(LogBytes(setup_)) / 1e6;
    }
    RemoveDatabase(setup_);
    return result;
  }

 private:
  static void Write(Connection* connection, int64_t rows) {
    const std::string data(700, 'm');  // one row a page
    Statement insert(connection, "INSERT INTO item(data) VALUES (?1)");
    for (int64_t i = 0; i < rows; ++i) {
      if (i % 1000 == 0) connection->Execute("BEGIN");
      insert.Bind(1, data).Run();
      if (i % 1000 == 999 || i + 1 == rows) connection->Execute("COMMIT");
    }
  }

  const Setup setup_;
  const Library& library_;
};

}  // namespace

std::unique_ptr<Workload> MakeMemory(const Setup& setup, const Library& library) {
  return std::make_unique<Memory>(setup, library);
}

}  // namespace strata::bench

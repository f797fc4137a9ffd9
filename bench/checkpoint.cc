#include <memory>

#include "bench/latencies.h"
#include "bench/workload.h"

// Workload 8: small commits while `megabytes` of log are checkpointed, by the automatic checkpoint
// of either library: Strata's in the background, stock's in the committing thread.
namespace strata::bench {
namespace {

class Checkpoint : public Workload {
 public:
  Checkpoint(const Setup& setup, const Library& library)
      : setup_(setup), library_(library), data_(3000, 'c') {}

  nlohmann::json Round() override {
    RemoveDatabase(setup_);
    nlohmann::json result;
    {
      Connection connection(library_, setup_.Uri("checkpoint_bytes=1000000000000"));
      connection.Execute("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0");
      connection.Execute("CREATE TABLE item(id INTEGER PRIMARY KEY, data BLOB)");
      FillLog(&connection);
      result = Measure(&connection);
      if (connection.Number("SELECT count(*) FROM item") != rows_)
        throw BenchError("rows are lost");
    }
    RemoveDatabase(setup_);
    return result;
  }

 private:
  // Every row takes a page of its own.
  void FillLog(Connection* connection) {
    connection->Execute("PRAGMA synchronous=NORMAL");
    Statement insert(connection, "INSERT INTO item(data) VALUES (?1)");
    rows_ = setup_.Number("megabytes", 1024) * 256;
    for (int64_t i = 0; i < rows_; ++i) {
      if (i % 1000 == 0) connection->Execute("BEGIN");
      insert.Bind(1, data_).Run();
      if (i % 1000 == 999 || i + 1 == rows_) connection->Execute("COMMIT");
    }
    SleepUntil(Now() + 1'500'000'000);  // what the background owes is synced, and the log is quiet
  }

  nlohmann::json Measure(Connection* connection) {
    nlohmann::json result;
    connection->Execute("PRAGMA synchronous=" + setup_.Text("synchronous", "NORMAL"));
    const int64_t idle = setup_.Number("idle_ms", 3000) * 1'000'000;
    result["log_mb_before"] = static_cast<double>(LogBytes(setup_)) / 1e6;
    Latencies before = CommitFor(connection, idle, false);
    before.Describe("idle_", &result);
    connection->Execute("PRAGMA wal_autocheckpoint=1000");
    const int64_t begin = Now();
    Latencies meanwhile = CommitFor(connection, 120'000'000'000, true);
    result["checkpoint_seconds"] = SecondsSince(begin);
    meanwhile.Describe("meanwhile_", &result);
    result["longer_ms"] =
        (result["meanwhile_max_us"].get<double>() - result["idle_max_us"].get<double>()) / 1e3;
    return result;
  }

  // One commit every millisecond, at most.
  Latencies CommitFor(Connection* connection, int64_t nanoseconds, bool until_checkpointed) {
    Latencies latencies;
    Statement insert(connection, "INSERT INTO item(data) VALUES (?1)");
    const int64_t target = until_checkpointed ? rows_ : INT64_MAX;
    const int64_t end = Now() + nanoseconds;
    int64_t next_look = 0;
    while (Now() < end) {
      const int64_t begin = Now();
      insert.Bind(1, data_).Run();
      latencies.Add(Now() - begin);
      ++rows_;
      SleepUntil(begin + 1'000'000);
      if (Now() < next_look) continue;
      next_look = Now() + 50'000'000;
      if (Checkpointed(connection) >= target) return latencies;
    }
    if (until_checkpointed) throw BenchError("the checkpoint did not come to its end");
    return latencies;
  }

  // Rows come after those that a checkpoint in order has copied.
  int64_t Checkpointed(Connection* connection) {
    int frames = 0;
    int copied = 0;
    connection->library().wal_checkpoint_v2(connection->get(), nullptr, SQLITE_CHECKPOINT_NOOP,
                                            &frames, &copied);
    return frames == 0 ? INT64_MAX : copied;
  }

  const Setup setup_;
  const Library& library_;
  const std::string data_;
  int64_t rows_ = 0;
};

}  // namespace

std::unique_ptr<Workload> MakeCheckpoint(const Setup& setup, const Library& library) {
  return std::make_unique<Checkpoint>(setup, library);
}

}  // namespace strata::bench

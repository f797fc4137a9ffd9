#include <memory>

#include "bench/latencies.h"
#include "bench/workload.h"

// Workload 5: one transaction that is larger than the page cache, so that pages are spilled into
// the log before the commit, and some of them changed again after that.
namespace strata::bench {
namespace {

class LargeTransaction : public Workload {
 public:
  LargeTransaction(const Setup& setup, const Library& library) : setup_(setup), library_(library) {}

  nlohmann::json Round() override {
    RemoveDatabase(setup_);
    nlohmann::json result;
    {
      Connection connection(library_, setup_.Uri());
      connection.Execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=" +
                         setup_.Text("synchronous", "FULL") + "; PRAGMA cache_size=-8000");
      connection.Execute("CREATE TABLE item(id INTEGER PRIMARY KEY, data BLOB)");
      const int64_t processor = ProcessorTime();
      const int64_t begin = Now();
      const int64_t rows = Insert(&connection);
      const int64_t committing = Now();
      connection.Execute("COMMIT");
      const double seconds = SecondsSince(begin);
      result["seconds"] = seconds;
      result["cpu_s"] = static_cast<double>(ProcessorTime() - processor) / 1e9;
      result["commit_ms"] = SecondsSince(committing) * 1e3;
      result["mb_per_s"] = static_cast<double>(setup_.Number("megabytes", 100)) / seconds;
      if (connection.Number("SELECT count(*) FROM item") != rows) throw BenchError("rows are lost");
    }
    RemoveDatabase(setup_);
    return result;
  }

 private:
  int64_t Insert(Connection* connection) {
    const std::string data(1000, 'd');
    const int64_t rows = setup_.Number("megabytes", 100) * 1'000'000 / 1000;
    connection->Execute("BEGIN");
    Statement insert(connection, "INSERT INTO item(data) VALUES (?1)");
    for (int64_t i = 0; i < rows; ++i) insert.Bind(1, data).Run();
    return rows;
  }

  const Setup setup_;
  const Library& library_;
};

}  // namespace

std::unique_ptr<Workload> MakeLargeTransaction(const Setup& setup, const Library& library) {
  return std::make_unique<LargeTransaction>(setup, library);
}

}  // namespace strata::bench

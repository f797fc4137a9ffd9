#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "bench/child.h"
#include "bench/latencies.h"
#include "bench/workload.h"

// Workload 9: the first read after a process died with `megabytes` of log, beside the time that
// merely reading the log's bytes takes.
namespace strata::bench {
namespace {

constexpr int64_t kRowBytes = 3000;  // one row a page

class Recovery : public Workload {
 public:
  Recovery(const Setup& setup, const Library& library) : setup_(setup), library_(library) {}

  nlohmann::json Round() override {
    RemoveDatabase(setup_);
    Child writer(setup_, "left_log", "");
    writer.ReadLine();
    writer.WriteLine("round");
    const auto told = nlohmann::json::parse(writer.ReadLine());
    writer.Wait();  // it ends without closing anything
    nlohmann::json result;
    const double log_mb = static_cast<double>(LogBytes(setup_)) / 1e6;
    Reading();  // so that both find the bytes in memory
    const int64_t processor = ProcessorTime();
    const double reading = Reading();
    result["read_cpu_ms"] = static_cast<double>(ProcessorTime() - processor) / 1e6;
    const double opening = Opening(told["rows"], &result);
    result["gb_per_cpu_s"] = log_mb / result["open_cpu_ms"].get<double>();
    result["log_mb"] = log_mb;
    result["open_ms"] = opening * 1e3;
    result["read_ms"] = reading * 1e3;
    result["open_per_read"] = opening / reading;
    result["gb_per_s"] = log_mb / 1e3 / opening;
    RemoveDatabase(setup_);
    return result;
  }

 private:
  double Opening(int64_t rows, nlohmann::json* result) {
    const int64_t processor = ProcessorTime();
    const int64_t begin = Now();
    Connection connection(library_, setup_.Uri("checkpoint_bytes=1000000000000"));
    connection.Number("SELECT id FROM item WHERE id=1");
    const double seconds = SecondsSince(begin);
    (*result)["open_cpu_ms"] = static_cast<double>(ProcessorTime() - processor) / 1e6;
    connection.Execute("PRAGMA wal_autocheckpoint=0");
    if (connection.Number("SELECT max(id) FROM item") != rows) throw BenchError("rows are lost");
    return seconds;
  }

  double Reading() {
    const std::string log = setup_.Database() + "-wal";
    std::vector<std::string> files = {log};
    if (std::filesystem::is_directory(log)) {
      files.clear();
      for (const auto& entry : std::filesystem::directory_iterator(log))
        files.push_back(entry.path());
    }
    std::vector<char> buffer(1 << 20);
    const int64_t begin = Now();
    for (const std::string& file : files) {
      std::ifstream stream;
      stream.rdbuf()->pubsetbuf(nullptr, 0);
      stream.open(file, std::ios::binary);
      while (stream.read(buffer.data(), static_cast<std::streamsize>(buffer.size()))) continue;
    }
    return SecondsSince(begin);
  }

  const Setup setup_;
  const Library& library_;
};

// The process that dies.
class LeftLog : public Workload {
 public:
  LeftLog(const Setup& setup, const Library& library) : setup_(setup), library_(library) {}

  nlohmann::json Round() override {
    connection_ =
        std::make_unique<Connection>(library_, setup_.Uri("checkpoint_bytes=1000000000000"));
    connection_->Execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL");
    connection_->Execute("PRAGMA wal_autocheckpoint=0");
    connection_->Execute("CREATE TABLE item(id INTEGER PRIMARY KEY, data BLOB)");
    const std::string data(kRowBytes, 'r');
    const int64_t rows = setup_.Number("megabytes", 256) * 1'000'000 / 4160;
    Statement insert(connection_.get(), "INSERT INTO item(data) VALUES (?1)");
    for (int64_t i = 0; i < rows; ++i) {
      if (i % 100 == 0) connection_->Execute("BEGIN");
      insert.Bind(1, data).Run();
      if (i % 100 == 99 || i + 1 == rows) connection_->Execute("COMMIT");
    }
    SleepUntil(Now() + 1'500'000'000);
    std::printf("{\"rows\":%lld}\n", static_cast<long long>(rows));
    std::fflush(stdout);
    ::_exit(0);
  }

 private:
  const Setup setup_;
  const Library& library_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace

std::unique_ptr<Workload> MakeRecovery(const Setup& setup, const Library& library) {
  return std::make_unique<Recovery>(setup, library);
}

std::unique_ptr<Workload> MakeLeftLog(const Setup& setup, const Library& library) {
  return std::make_unique<LeftLog>(setup, library);
}

}  // namespace strata::bench

#include <memory>

#include "bench/crew.h"
#include "bench/latencies.h"
#include "bench/workload.h"

// Workload 7: a writer at full speed beside a reader that never ends its snapshot ("endless"), or
// beside readers of which there is always one ("overlapping").
namespace strata::bench {
namespace {

constexpr int64_t kSampleNs = 250'000'000;
constexpr int64_t kRows = 20'000;

class Readers : public Workload {
 public:
  Readers(const Setup& setup, const Library& library) : setup_(setup), library_(library) {}

  nlohmann::json Round() override {
    RemoveDatabase(setup_);
    nlohmann::json result;
    {
      Connection keeper(library_, setup_.Uri());
      keeper.Execute("PRAGMA journal_mode=WAL");
      keeper.Execute("CREATE TABLE item(id INTEGER PRIMARY KEY, version INTEGER, data BLOB)");
      keeper.Execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<" +
                     std::to_string(kRows) +
                     ") INSERT INTO item SELECT i, 0, zeroblob(1000) FROM n");
      result = Measure();
      if (keeper.Number("SELECT sum(version) FROM item") != updates_)
        throw BenchError("updates that were acknowledged are not there");
    }
    RemoveDatabase(setup_);
    return result;
  }

 private:
  nlohmann::json Measure() {
    const bool endless = setup_.Text("readers", "overlapping") == "endless";
    Latencies latencies;
    Crew crew;
    crew.Add([&](Crew* each) { Write(each, &latencies); });
    for (int64_t i = 0; i < (endless ? 1 : 2); ++i)
      crew.Add([&, i](Crew* each) { Read(each, i, endless); });
    crew.Start();
    const int64_t begin = Now();
    const int64_t end = begin + setup_.Number("milliseconds", 60'000) * 1'000'000;
    nlohmann::json sizes = nlohmann::json::array();
    uint64_t largest = 0;
    for (int64_t at = begin; at <= end && !crew.stopped(); at += kSampleNs) {
      SleepUntil(at);
      const uint64_t size = LogBytes(setup_);
      largest = std::max(largest, size);
      sizes.push_back({SecondsSince(begin), size});
    }
    crew.Stop();
    crew.Join();
    nlohmann::json result;
    result["largest_log_mb"] = static_cast<double>(largest) / 1e6;
    result["final_log_mb"] = static_cast<double>(sizes.back()[1].get<uint64_t>()) / 1e6;
    result["commits_per_s"] = static_cast<double>(latencies.count()) / SecondsSince(begin);
    latencies.Describe("commit_", &result);
    result["log_bytes_over_time"] = std::move(sizes);
    return result;
  }

  void Write(Crew* crew, Latencies* latencies) {
    Connection connection(library_, setup_.Uri());
    connection.Execute("PRAGMA synchronous=" + setup_.Text("synchronous", "NORMAL"));
    Statement update(&connection, "UPDATE item SET version=version+1 WHERE id=?1");
    crew->WaitForStart();
    updates_ = 0;
    while (!crew->stopped()) {
      const int64_t begin = Now();
      update.Bind(1, updates_ * 7919 % kRows + 1).Run();
      latencies->Add(Now() - begin);
      ++updates_;
    }
  }

  // Its snapshot lasts 100 ms, and the other reader's begins in the middle of it.
  void Read(Crew* crew, int64_t number, bool endless) {
    Connection connection(library_, setup_.Uri());
    crew->WaitForStart();
    SleepUntil(Now() + number * 50'000'000);
    while (!crew->stopped()) {
      connection.Execute("BEGIN");
      const int64_t begin = Now();
      const int64_t before = connection.Number("SELECT sum(version) FROM item");
      do {
        SleepUntil(Now() + 20'000'000);
      } while (!crew->stopped() && (endless || Now() - begin < 100'000'000));
      if (connection.Number("SELECT sum(version) FROM item") != before)
        throw BenchError("a snapshot changed");
      connection.Execute("COMMIT");
    }
  }

  const Setup setup_;
  const Library& library_;
  int64_t updates_ = 0;
};

}  // namespace

std::unique_ptr<Workload> MakeReaders(const Setup& setup, const Library& library) {
  return std::make_unique<Readers>(setup, library);
}

}  // namespace strata::bench

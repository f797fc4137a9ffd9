#include <atomic>
#include <filesystem>
#include <memory>
#include <vector>

#include "bench/crew.h"
#include "bench/heartbeat_data.h"
#include "bench/latencies.h"
#include "bench/workload.h"

// Workload 3: watchers send heartbeats while others ask for a year's events and for the last 100.
namespace strata::bench {
namespace {

// A heartbeat prolongs the bucket's last event when nothing changed, or begins another.
class Watcher {
 public:
  Watcher(const Setup& setup, Connection* connection, int64_t number)
      : connection_(*connection),
        bucket_(number % kBuckets + 1),
        titles_(static_cast<uint64_t>(number)),
        last_(connection, "SELECT id FROM event WHERE bucket=?1 ORDER BY started DESC LIMIT 1"),
        prolong_(connection, "UPDATE event SET ended=?2 WHERE id=?1"),
        insert_(connection,
                "INSERT INTO event(bucket, started, ended, data) VALUES (?1, ?2, ?2, ?3)") {
    connection->Execute("PRAGMA synchronous=" + setup.Text("synchronous", "FULL"));
    connection->Execute("PRAGMA cache_size=-8000");
  }

  void Beat() {
    const int64_t at = kFirstEventUs + kYearUs + Now() / 1000;
    connection_.Execute("BEGIN IMMEDIATE");
    if (++beats_ % 3 == 0) {
      const std::string data = titles_.Next();
      insert_.Bind(1, bucket_).Bind(2, at).Bind(3, data).Run();
    } else {
      last_.Bind(1, bucket_).Step();
      const int64_t id = last_.Column(0);
      last_.Reset();
      prolong_.Bind(1, id).Bind(2, at).Run();
    }
    connection_.Execute("COMMIT");
  }

  int64_t inserted() const { return beats_ / 3; }

 private:
  Connection& connection_;
  const int64_t bucket_;
  WindowTitles titles_;
  Statement last_;
  Statement prolong_;
  Statement insert_;
  int64_t beats_ = 0;
};

class Heartbeat : public Workload {
 public:
  Heartbeat(const Setup& setup, const Library& library) : setup_(setup), library_(library) {}

  void Prepare() override {
    pristine_ = setup_.directory + "/pristine.db";
    Connection filler(library_, "file:" + pristine_);
    filler.Execute("PRAGMA synchronous=OFF");
    FillHeartbeatDatabase(&filler, setup_.Number("events", 545'000));
  }

  nlohmann::json Round() override {
    RemoveDatabase(setup_);
    std::filesystem::copy_file(pristine_, setup_.Database());
    nlohmann::json result;
    {
      Connection keeper(library_, setup_.Uri());
      keeper.Execute("PRAGMA journal_mode=WAL");
      result = Measure();
      const int64_t rows = keeper.Number("SELECT count(*) FROM event");
      if (rows != setup_.Number("events", 545'000) + inserted_)
        throw BenchError("heartbeats that were acknowledged are not there");
    }
    RemoveDatabase(setup_);
    return result;
  }

 private:
  struct Counts {
    int64_t year = 0;
    int64_t last = 0;
  };

  nlohmann::json Measure() {
    const size_t watchers = static_cast<size_t>(setup_.Number("writers", 16));
    const size_t readers = static_cast<size_t>(setup_.Number("readers", 8));
    std::vector<Latencies> beats(watchers);
    std::vector<Counts> counts(readers);
    inserted_ = 0;
    Crew crew;
    for (size_t i = 0; i < watchers; ++i)
      crew.Add([&, i](Crew* each) { Watch(each, static_cast<int64_t>(i), &beats[i]); });
    for (size_t i = 0; i < readers; ++i)
      crew.Add([&, i](Crew* each) { Query(each, static_cast<int64_t>(i), &counts[i]); });
    crew.Start();
    const int64_t begin = Now();
    SleepUntil(begin + setup_.Number("milliseconds", 5000) * 1'000'000);
    crew.Stop();
    crew.Join();
    return Describe(beats, counts, SecondsSince(begin));
  }

  // At most one heartbeat every `pace_ms`; with 0, one after another.
  void Watch(Crew* crew, int64_t number, Latencies* latencies) {
    Connection connection(library_, setup_.Uri());
    Watcher watcher(setup_, &connection, number);
    const int64_t pace = setup_.Number("pace_ms", 20) * 1'000'000;
    crew->WaitForStart();
    int64_t next = Now() + pace * number / 16;
    while (!crew->stopped()) {
      SleepUntil(next);
      const int64_t begin = Now();
      watcher.Beat();
      latencies->Add(Now() - begin);
      next = std::max(next + pace, begin);
    }
    inserted_ += watcher.inserted();
  }

  void Query(Crew* crew, int64_t number, Counts* counts) {
    Connection connection(library_, setup_.Uri());
    connection.Execute("PRAGMA cache_size=-8000");
    Statement year(&connection,
                   "SELECT count(*), sum(ended-started), max(length(data)) FROM event "
                   "WHERE bucket=?1 AND started>=?2 AND started<?3");
    Statement last(&connection,
                   "SELECT started, ended, data FROM event WHERE bucket=?1 "
                   "ORDER BY started DESC LIMIT 100");
    crew->WaitForStart();
    for (int64_t i = number; !crew->stopped(); ++i) {
      const int64_t bucket = i % kBuckets + 1;
      if (i % 4 == 0) {
        year.Bind(1, bucket).Bind(2, kFirstEventUs).Bind(3, kFirstEventUs + kYearUs).Run();
        ++counts->year;
      } else {
        if (last.Bind(1, bucket).Run() != 100) throw BenchError("fewer than 100 events");
        ++counts->last;
      }
    }
  }

  static nlohmann::json Describe(const std::vector<Latencies>& beats,
                                 const std::vector<Counts>& counts, double seconds) {
    nlohmann::json result;
    Latencies all;
    for (const Latencies& each : beats) all.Merge(each);
    int64_t queries = 0;
    for (const Counts& each : counts) queries += each.year + each.last;
    result["heartbeats_per_s"] = static_cast<double>(all.count()) / seconds;
    result["queries_per_s"] = static_cast<double>(queries) / seconds;
    all.Describe("heartbeat_", &result);
    return result;
  }

  const Setup setup_;
  const Library& library_;
  std::string pristine_;
  std::atomic<int64_t> inserted_{0};
};

}  // namespace

std::unique_ptr<Workload> MakeHeartbeat(const Setup& setup, const Library& library) {
  return std::make_unique<Heartbeat>(setup, library);
}

}  // namespace strata::bench

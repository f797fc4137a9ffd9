#include <memory>
#include <vector>

#include "bench/crew.h"
#include "bench/latencies.h"
#include "bench/workload.h"

// Read-modify-write transactions that begin as reads: BEGIN, SELECT, UPDATE, COMMIT by `writers`
// connections on threads, each trying again at once when it is refused. What is counted is how
// often the step from reading to writing is refused, and with which code.
namespace strata::bench {
namespace {

struct Refusals {
  int64_t commits = 0;
  int64_t stale = 0;  // SQLITE_BUSY_SNAPSHOT: somebody committed since the SELECT
  int64_t taken = 0;  // SQLITE_BUSY: somebody is writing now
};

class Upgrader {
 public:
  Upgrader(const Setup& setup, Connection* connection)
      : connection_(*connection),
        begin_(connection, "BEGIN"),
        read_(connection, "SELECT value FROM counter"),
        write_(connection, "UPDATE counter SET value = ?1"),
        commit_(connection, "COMMIT"),
        rollback_(connection, "ROLLBACK"),
        end_ns_(setup.Number("milliseconds", 1000) * 1'000'000) {
    connection->Execute("PRAGMA synchronous=" + setup.Text("synchronous", "FULL"));
  }

  Refusals Run() {
    Refusals counts;
    const int64_t begun = Now();
    while (Now() - begun < end_ns_) Try(&counts);
    return counts;
  }

 private:
  void Try(Refusals* counts) {
    begin_.Run();
    if (!read_.Step()) connection_.Fail("the counter has no row");
    const int64_t value = read_.Column(0);
    read_.Reset();
    write_.Bind(1, value + 1);
    const int code = write_.TryRun();
    if (code == SQLITE_OK) {
      commit_.Run();
      ++counts->commits;
      return;
    }
    if ((code & 0xff) != SQLITE_BUSY) connection_.Fail("UPDATE");
    ++(code == SQLITE_BUSY_SNAPSHOT ? counts->stale : counts->taken);
    rollback_.Run();
  }

  Connection& connection_;
  Statement begin_, read_, write_, commit_, rollback_;
  const int64_t end_ns_;
};

class Upgrades : public Workload {
 public:
  Upgrades(const Setup& setup, const Library& library) : setup_(setup), library_(library) {}

  nlohmann::json Round() override {
    RemoveDatabase(setup_);
    nlohmann::json result;
    {
      Connection keeper(library_, setup_.Uri());
      keeper.Execute("PRAGMA journal_mode=wal");
      keeper.Execute("CREATE TABLE counter(value); INSERT INTO counter VALUES(0)");
      const Refusals counts = Measure();
      if (keeper.Number("SELECT value FROM counter") != counts.commits)
        keeper.Fail("the counter does not say how many commits there were: one was lost");
      result = Summarize(counts);
    }
    RemoveDatabase(setup_);
    return result;
  }

 private:
  Refusals Measure() {
    const auto writers = static_cast<size_t>(setup_.Number("writers", 8));
    std::vector<Refusals> results(writers);
    Crew crew;
    for (size_t i = 0; i < writers; ++i) {
      crew.Add([this, i, &results](Crew* each) {
        Connection connection(library_, setup_.Uri());
        Upgrader upgrader(setup_, &connection);
        each->WaitForStart();
        results[i] = upgrader.Run();
      });
    }
    crew.Start();
    crew.Join();
    Refusals all;
    for (const Refusals& each : results) {
      all.commits += each.commits;
      all.stale += each.stale;
      all.taken += each.taken;
    }
    return all;
  }

  nlohmann::json Summarize(const Refusals& counts) const {
    const auto attempts = static_cast<double>(counts.commits + counts.stale + counts.taken);
    const double seconds = static_cast<double>(setup_.Number("milliseconds", 1000)) / 1e3;
    return {
        {"upgrades_per_s", static_cast<double>(counts.commits) / seconds},
        {"stale_percent", 100.0 * static_cast<double>(counts.stale) / attempts},
        {"refused_percent", 100.0 * static_cast<double>(counts.stale + counts.taken) / attempts},
        {"stale_per_commit",
         static_cast<double>(counts.stale) / static_cast<double>(counts.commits)}};
  }

  const Setup setup_;
  const Library& library_;
};

}  // namespace

std::unique_ptr<Workload> MakeUpgrades(const Setup& setup, const Library& library) {
  return std::make_unique<Upgrades>(setup, library);
}

}  // namespace strata::bench

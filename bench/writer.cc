#include "bench/writer.h"

#include <algorithm>

namespace strata::bench {

void CreateEventTable(const Setup& setup, Connection* connection) {
  connection->Execute("PRAGMA page_size=" + std::to_string(setup.Number("page_size", 4096)));
  connection->Execute("PRAGMA journal_mode=WAL");
  connection->Execute(
      "CREATE TABLE event(id INTEGER PRIMARY KEY, writer INTEGER, at INTEGER, data TEXT)");
}

void CheckRows(Connection* connection, int64_t commits) {
  const int64_t rows = connection->Number("SELECT count(*) FROM event");
  if (rows != commits) {
    throw BenchError(std::to_string(commits) + " commits were acknowledged, " +
                     std::to_string(rows) + " rows are there");
  }
  const std::string check = connection->Text("PRAGMA quick_check");
  if (check != "ok") throw BenchError("quick_check: " + check);
}

nlohmann::json Summary(const std::vector<WriterResult>& results) {
  nlohmann::json summary;
  Latencies latencies;
  double rate = 0;
  int64_t commits = 0;
  for (const WriterResult& result : results) {
    latencies.Merge(result.latencies);
    if (result.seconds > 0) rate += static_cast<double>(result.in_time) / result.seconds;
    commits += result.all_commits;
  }
  summary["commits_per_s"] = rate;
  summary["all_commits"] = commits;
  latencies.Describe("commit_", &summary);
  return summary;
}

Writer::Writer(const Setup& setup, Connection* connection, int64_t number)
    : setup_(setup),
      number_(number),
      insert_((connection->Execute("PRAGMA synchronous=" + setup.Text("synchronous", "FULL")),
               connection),
              "INSERT INTO event(writer, at, data) VALUES (?1, ?2, ?3)"),
      data_(static_cast<size_t>(setup.Number("row_bytes", 100)), 'x') {}

void Writer::Insert(int64_t sequence) {
  insert_.Bind(1, number_).Bind(2, sequence).Bind(3, data_).Run();
}

WriterResult Writer::Run() {
  WriterResult result;
  const int64_t commits = setup_.Number("commits", 0);
  const int64_t measured_from =
      Now() + setup_.Number("warm_up_ms", commits > 0 ? 0 : 200) * 1'000'000;
  int64_t before = Now();
  while (before < measured_from) {
    Insert(result.all_commits++);
    const int64_t after = Now();
    if (after >= measured_from)
      result.latencies.Add(after - before);  // it reached into the measured time
    before = after;
  }
  const int64_t end = measured_from + setup_.Number("milliseconds", 2000) * 1'000'000;
  while (commits > 0 ? result.all_commits < commits : before < end) {
    Insert(result.all_commits++);
    const int64_t after = Now();
    result.latencies.Add(after - before);
    if (commits > 0 || after < end) ++result.in_time;
    before = after;
  }
  result.seconds = static_cast<double>((commits > 0 ? before : end) - measured_from) / 1e9;
  return result;
}

}  // namespace strata::bench

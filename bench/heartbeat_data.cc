#include "bench/heartbeat_data.h"

#include <array>

namespace strata::bench {

namespace {

constexpr std::array kApplications = {"firefox",     "code",   "terminal",    "slack",
                                      "thunderbird", "evince", "libreoffice", "gimp",
                                      "spotify",     "zoom"};
constexpr std::array kWords = {"review",  "quarterly", "budget",  "pull request", "inbox",
                               "storage", "notes",     "roadmap", "draft",        "meeting",
                               "invoice", "benchmark", "travel",  "search",       "release"};

void CreateTables(Connection* connection) {
  connection->Execute(
      "CREATE TABLE bucket(id INTEGER PRIMARY KEY, name TEXT UNIQUE, host TEXT, created INTEGER);"
      "CREATE TABLE event(id INTEGER PRIMARY KEY, bucket INTEGER NOT NULL REFERENCES bucket(id),"
      " started INTEGER NOT NULL, ended INTEGER NOT NULL, data TEXT NOT NULL);"
      "CREATE INDEX event_of_bucket ON event(bucket, started)");
}

}  // namespace

std::string WindowTitles::Next() {
  const char* application = kApplications[Below(kApplications.size())];
  std::string title;
  for (uint64_t words = 2 + Below(4); words > 0; --words)
    title += std::string(title.empty() ? "" : " ") + kWords[Below(kWords.size())];
  return std::string(R"({"app":")") + application + R"(","title":")" + title + " " +
         std::to_string(Below(1000)) + " - " + application + R"("})";
}

void FillHeartbeatDatabase(Connection* connection, int64_t events) {
  connection->Execute("PRAGMA cache_size=-200000; BEGIN");
  CreateTables(connection);
  Statement bucket(connection, "INSERT INTO bucket(name, host, created) VALUES (?1, 'laptop', ?2)");
  for (int i = 0; i < kBuckets; ++i) {
    const std::string name = "watcher-" + std::to_string(i);
    bucket.Bind(1, name).Bind(2, kFirstEventUs).Run();
  }
  WindowTitles titles(20240229);
  std::mt19937_64 random(7);
  Statement event(connection,
                  "INSERT INTO event(bucket, started, ended, data) VALUES (?1, ?2, ?3, ?4)");
  const int64_t step = kYearUs / (events + 1);
  for (int64_t i = 0; i < events; ++i) {
    const int64_t started = kFirstEventUs + i * step;
    const std::string data = titles.Next();
    event.Bind(1, static_cast<int64_t>(random() % kBuckets) + 1)
        .Bind(2, started)
        .Bind(3, started + static_cast<int64_t>(random() % 300'000'000))
        .Bind(4, data)
        .Run();
  }
  connection->Execute("COMMIT");
}

}  // namespace strata::bench

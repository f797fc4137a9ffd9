#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "meta/sqlite_database.h"
#include "segment/store_layout.h"
#include "segment/store_listing.h"

// The meta-db: which namespaces are monitored, what their stores are known to hold, and which
// compactions run. A cache: deleting it loses nothing that `sync --full` does not bring back.
// Nothing is restored on its word.
namespace strata::meta {

struct MonitoredNamespace {
  int64_t id = 0;
  std::string store_url;
  std::string name;
  int64_t added_us = 0;
  int64_t synced_us = 0;  // 0: never
};

struct Job {
  int64_t id = 0;
  std::string kind;
  std::string object;
  std::string state;  // running, done, failed
  int64_t started_us = 0;
  int64_t ended_us = 0;
  std::string message;
};

// One thread at a time; any number of processes.
class MetaDb {
 public:
  // Makes the file (its directory must exist) or brings it to this release's version. DataLoss: not
  // a database. Unimplemented: of a later release.
  static absl::StatusOr<std::unique_ptr<MetaDb>> Open(const std::string& path);

  // AlreadyExists when it is monitored.
  absl::StatusOr<MonitoredNamespace> Monitor(absl::string_view store_url, absl::string_view name,
                                             int64_t now_us);

  // Removes the namespace and every row about it. NotFound when it is not monitored.
  absl::Status Unmonitor(absl::string_view store_url, absl::string_view name);

  // NotFound when it is not monitored.
  absl::StatusOr<MonitoredNamespace> Find(absl::string_view store_url, absl::string_view name);
  absl::StatusOr<std::vector<MonitoredNamespace>> Namespaces(absl::string_view store_url);

  // In key order, all log ids.
  absl::StatusOr<std::vector<segment::StoredSegment>> Segments(int64_t namespace_id);
  absl::StatusOr<std::vector<segment::EpochClaim>> Epochs(int64_t namespace_id);

  // What is known already is kept as it is. OutOfRange: a number that SQLite's integers cannot
  // hold.
  absl::Status AddSegments(int64_t namespace_id, absl::Span<const segment::StoredSegment> segments);
  absl::Status AddEpochs(int64_t namespace_id, absl::Span<const segment::EpochClaim> claims);

  // One transaction: with `replace`, what was known before is forgotten.
  absl::Status Store(int64_t namespace_id, bool replace,
                     absl::Span<const segment::StoredSegment> segments,
                     absl::Span<const segment::EpochClaim> claims, int64_t now_us);

  absl::StatusOr<int64_t> StartJob(int64_t namespace_id, absl::string_view kind,
                                   absl::string_view object, int64_t now_us);
  absl::Status EndJob(int64_t job, const absl::Status& outcome, int64_t now_us);
  absl::StatusOr<std::vector<Job>> Jobs(int64_t namespace_id);

  // For tests and diagnosis.
  SqliteDatabase& database() { return *database_; }

 private:
  explicit MetaDb(std::unique_ptr<SqliteDatabase> database) : database_(std::move(database)) {}

  std::unique_ptr<SqliteDatabase> database_;
};

}  // namespace strata::meta

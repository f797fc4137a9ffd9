#include "meta/meta_db.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "io/status_macros.h"
#include "meta/schema.h"

namespace strata::meta {
namespace {

using segment::EpochClaim;
using segment::StoredSegment;

constexpr absl::string_view kNamespaceColumns =
    "SELECT id, store_url, namespace_name, added_us, synced_us FROM monitored_namespaces ";

MonitoredNamespace NamespaceFrom(const Statement& row) {
  return {row.Integer(0), row.Text(1), row.Text(2), row.Integer(3), row.Integer(4)};
}

absl::Status CheckFits(uint64_t value) {
  if (value <= static_cast<uint64_t>(INT64_MAX)) return absl::OkStatus();
  return absl::OutOfRangeError(
      absl::StrCat("meta-db: ", value, " does not fit an integer of SQLite"));
}

int64_t Signed(uint64_t value) { return static_cast<int64_t>(value); }
uint64_t Unsigned(int64_t value) { return static_cast<uint64_t>(value); }

}  // namespace

absl::StatusOr<std::unique_ptr<MetaDb>> MetaDb::Open(const std::string& path) {
  STRATA_ASSIGN_OR_RETURN(std::unique_ptr<SqliteDatabase> database,
                          SqliteDatabase::Open(path, SqliteDatabase::Access::kReadWriteCreate));
  STRATA_RETURN_IF_ERROR(database->Execute(
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON"));
  absl::Status migrated = Migrate(database.get());
  if (!migrated.ok())
    return absl::Status(migrated.code(), absl::StrCat(path, ": ", migrated.message()));
  return std::unique_ptr<MetaDb>(new MetaDb(std::move(database)));
}

absl::StatusOr<MonitoredNamespace> MetaDb::Monitor(absl::string_view store_url,
                                                   absl::string_view name, int64_t now_us) {
  STRATA_RETURN_IF_ERROR(segment::CheckNamespaceName(name));
  STRATA_ASSIGN_OR_RETURN(
      Statement insert,
      database_->Prepare("INSERT INTO monitored_namespaces(store_url, namespace_name, added_us) "
                         "VALUES(?1, ?2, ?3) ON CONFLICT DO NOTHING"));
  STRATA_RETURN_IF_ERROR(insert.Bind(1, store_url).Bind(2, name).Bind(3, now_us).Run());
  if (database_->changes() == 0) {
    return absl::AlreadyExistsError(absl::StrCat("namespace ", name, " is monitored already"));
  }
  return Find(store_url, name);
}

absl::Status MetaDb::Unmonitor(absl::string_view store_url, absl::string_view name) {
  STRATA_ASSIGN_OR_RETURN(MonitoredNamespace monitored, Find(store_url, name));
  STRATA_ASSIGN_OR_RETURN(Statement remove,
                          database_->Prepare("DELETE FROM monitored_namespaces WHERE id = ?1"));
  return remove.Bind(1, monitored.id).Run();
}

absl::StatusOr<MonitoredNamespace> MetaDb::Find(absl::string_view store_url,
                                                absl::string_view name) {
  STRATA_ASSIGN_OR_RETURN(Statement select,
                          database_->Prepare(absl::StrCat(
                              kNamespaceColumns, "WHERE store_url = ?1 AND namespace_name = ?2")));
  STRATA_ASSIGN_OR_RETURN(bool found, select.Bind(1, store_url).Bind(2, name).Step());
  if (!found)
    return absl::NotFoundError(
        absl::StrCat("namespace ", name, " of ", store_url, " is not monitored"));
  return NamespaceFrom(select);
}

absl::StatusOr<std::vector<MonitoredNamespace>> MetaDb::Namespaces(absl::string_view store_url) {
  STRATA_ASSIGN_OR_RETURN(Statement select,
                          database_->Prepare(absl::StrCat(
                              kNamespaceColumns, "WHERE store_url = ?1 ORDER BY namespace_name")));
  select.Bind(1, store_url);
  std::vector<MonitoredNamespace> namespaces;
  while (true) {
    STRATA_ASSIGN_OR_RETURN(bool row, select.Step());
    if (!row) return namespaces;
    namespaces.push_back(NamespaceFrom(select));
  }
}

absl::StatusOr<std::vector<StoredSegment>> MetaDb::Segments(int64_t namespace_id) {
  // In the order of the primary key, which SQLite need not sort for.
  STRATA_ASSIGN_OR_RETURN(
      Statement select,
      database_->Prepare(
          "SELECT log_id, first_frame, last_frame, epoch, level, bytes FROM segments "
          "WHERE namespace_id = ?1 ORDER BY log_id, first_frame, last_frame, level, epoch"));
  select.Bind(1, namespace_id);
  std::vector<StoredSegment> segments;
  std::string log_id_text;
  segment::LogId log_id;
  while (true) {
    STRATA_ASSIGN_OR_RETURN(bool row, select.Step());
    if (!row) break;
    if (select.TextView(0) != log_id_text) {
      log_id_text = select.Text(0);
      STRATA_ASSIGN_OR_RETURN(log_id, segment::ParseLogId(log_id_text));
    }
    StoredSegment segment;
    segment.key.log_id = log_id;
    segment.key.first = segment::FrameNo(Unsigned(select.Integer(1)));
    segment.key.last = segment::FrameNo(Unsigned(select.Integer(2)));
    segment.key.epoch = segment::Epoch(Unsigned(select.Integer(3)));
    segment.key.level = static_cast<uint8_t>(select.Integer(4));
    segment.size = Unsigned(select.Integer(5));
    segments.push_back(segment);
  }
  const auto by_key = [](const StoredSegment& a, const StoredSegment& b) { return a.key < b.key; };
  if (!std::is_sorted(segments.begin(), segments.end(), by_key)) {
    std::sort(segments.begin(), segments.end(), by_key);
  }
  return segments;
}

absl::StatusOr<std::vector<EpochClaim>> MetaDb::Epochs(int64_t namespace_id) {
  STRATA_ASSIGN_OR_RETURN(
      Statement select,
      database_->Prepare(
          "SELECT epoch, log_id, parent_log_id, parent_frame, first_frame, page_size, "
          "writer_nonce, created_us FROM epochs WHERE namespace_id = ?1 ORDER BY epoch"));
  select.Bind(1, namespace_id);
  std::vector<EpochClaim> claims;
  while (true) {
    STRATA_ASSIGN_OR_RETURN(bool row, select.Step());
    if (!row) return claims;
    EpochClaim claim;
    claim.epoch = segment::Epoch(Unsigned(select.Integer(0)));
    STRATA_ASSIGN_OR_RETURN(claim.log_id, segment::ParseLogId(select.Text(1)));
    STRATA_ASSIGN_OR_RETURN(claim.parent_log_id, segment::ParseLogId(select.Text(2)));
    claim.parent_frame = segment::FrameNo(Unsigned(select.Integer(3)));
    claim.first_frame = segment::FrameNo(Unsigned(select.Integer(4)));
    claim.page_size = static_cast<uint32_t>(select.Integer(5));
    claim.writer_nonce = Unsigned(select.Integer(6));
    claim.created_us = select.Integer(7);
    claims.push_back(claim);
  }
}

absl::Status MetaDb::AddSegments(int64_t namespace_id, absl::Span<const StoredSegment> segments) {
  STRATA_ASSIGN_OR_RETURN(
      Statement insert,
      database_->Prepare(
          "INSERT INTO segments(namespace_id, log_id, first_frame, last_frame, epoch, level, "
          "bytes) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING"));
  for (const StoredSegment& s : segments) {
    STRATA_RETURN_IF_ERROR(CheckFits(s.key.last.value()));
    STRATA_RETURN_IF_ERROR(CheckFits(s.size));
    insert.Bind(1, namespace_id)
        .Bind(2, segment::ToString(s.key.log_id))
        .Bind(3, Signed(s.key.first.value()));
    insert.Bind(4, Signed(s.key.last.value())).Bind(5, Signed(s.key.epoch.value()));
    STRATA_RETURN_IF_ERROR(insert.Bind(6, s.key.level).Bind(7, Signed(s.size)).Run());
  }
  return absl::OkStatus();
}

absl::Status MetaDb::AddEpochs(int64_t namespace_id, absl::Span<const EpochClaim> claims) {
  STRATA_ASSIGN_OR_RETURN(
      Statement insert,
      database_->Prepare(
          "INSERT INTO epochs(namespace_id, epoch, log_id, parent_log_id, parent_frame, "
          "first_frame, page_size, writer_nonce, created_us) "
          "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING"));
  for (const EpochClaim& claim : claims) {
    STRATA_RETURN_IF_ERROR(CheckFits(claim.first_frame.value()));
    STRATA_RETURN_IF_ERROR(CheckFits(claim.parent_frame.value()));
    insert.Bind(1, namespace_id)
        .Bind(2, Signed(claim.epoch.value()))
        .Bind(3, segment::ToString(claim.log_id));
    insert.Bind(4, segment::ToString(claim.parent_log_id))
        .Bind(5, Signed(claim.parent_frame.value()));
    insert.Bind(6, Signed(claim.first_frame.value())).Bind(7, claim.page_size);
    STRATA_RETURN_IF_ERROR(
        insert.Bind(8, Signed(claim.writer_nonce)).Bind(9, claim.created_us).Run());
  }
  return absl::OkStatus();
}

absl::Status MetaDb::Store(int64_t namespace_id, bool replace,
                           absl::Span<const StoredSegment> segments,
                           absl::Span<const EpochClaim> claims, int64_t now_us) {
  STRATA_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(database_.get()));
  if (replace) {
    for (absl::string_view sql : {"DELETE FROM segments WHERE namespace_id = ?1",
                                  "DELETE FROM epochs WHERE namespace_id = ?1"}) {
      STRATA_ASSIGN_OR_RETURN(Statement remove, database_->Prepare(sql));
      STRATA_RETURN_IF_ERROR(remove.Bind(1, namespace_id).Run());
    }
  }
  STRATA_RETURN_IF_ERROR(AddEpochs(namespace_id, claims));
  STRATA_RETURN_IF_ERROR(AddSegments(namespace_id, segments));
  STRATA_ASSIGN_OR_RETURN(
      Statement update,
      database_->Prepare("UPDATE monitored_namespaces SET synced_us = ?2 WHERE id = ?1"));
  STRATA_RETURN_IF_ERROR(update.Bind(1, namespace_id).Bind(2, now_us).Run());
  return transaction.Commit();
}

absl::StatusOr<int64_t> MetaDb::StartJob(int64_t namespace_id, absl::string_view kind,
                                         absl::string_view object, int64_t now_us) {
  STRATA_ASSIGN_OR_RETURN(
      Statement insert,
      database_->Prepare("INSERT INTO jobs(namespace_id, kind, object, state, started_us) "
                         "VALUES(?1, ?2, ?3, 'running', ?4)"));
  STRATA_RETURN_IF_ERROR(
      insert.Bind(1, namespace_id).Bind(2, kind).Bind(3, object).Bind(4, now_us).Run());
  return database_->last_insert_id();
}

absl::Status MetaDb::EndJob(int64_t job, const absl::Status& outcome, int64_t now_us) {
  STRATA_ASSIGN_OR_RETURN(
      Statement update,
      database_->Prepare("UPDATE jobs SET state = ?2, ended_us = ?3, message = ?4 WHERE id = ?1"));
  update.Bind(1, job).Bind(2, outcome.ok() ? "done" : "failed").Bind(3, now_us);
  return update.Bind(4, outcome.message()).Run();
}

absl::StatusOr<std::vector<Job>> MetaDb::Jobs(int64_t namespace_id) {
  STRATA_ASSIGN_OR_RETURN(
      Statement select,
      database_->Prepare("SELECT id, kind, object, state, started_us, ended_us, message FROM jobs "
                         "WHERE namespace_id = ?1 ORDER BY id"));
  select.Bind(1, namespace_id);
  std::vector<Job> jobs;
  while (true) {
    STRATA_ASSIGN_OR_RETURN(bool row, select.Step());
    if (!row) return jobs;
    jobs.push_back({select.Integer(0), select.Text(1), select.Text(2), select.Text(3),
                    select.Integer(4), select.Integer(5), select.Text(6)});
  }
}

}  // namespace strata::meta

#include "tests/crash/sync_sites.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "segment/frame.h"
#include "segment/segment_header.h"
#include "wal/page_ledger.h"

namespace strata::crash {

namespace {

bool InStore(const std::string& path) { return absl::StartsWith(path, "/store"); }

bool IsRestored(const std::string& path) { return absl::StrContains(path, ".strata-restore-"); }

}  // namespace

class SiteFile : public io::File {
 public:
  SiteFile(SyncSites* sites, std::unique_ptr<io::File> inner,
           std::shared_ptr<SyncSites::FileNotes> notes)
      : sites_(*sites), inner_(std::move(inner)), notes_(std::move(notes)) {}

  absl::StatusOr<size_t> ReadAt(uint64_t offset, io::MutableBytes out) override {
    return inner_->ReadAt(offset, out);
  }
  absl::Status WriteAt(uint64_t offset, absl::Span<const io::ByteView> parts) override {
    if (!parts.empty()) sites_.NoteWrite(*notes_, offset, parts[0]);
    return inner_->WriteAt(offset, parts);
  }
  absl::Status Sync() override {
    const std::string site = sites_.SiteOf(*notes_);
    if (!sites_.Enter(site)) return absl::OkStatus();
    sites_.MaybeFail(site);
    return inner_->Sync();
  }
  absl::StatusOr<std::unique_ptr<io::File>> OpenForSync() override {
    absl::StatusOr<std::unique_ptr<io::File>> second = inner_->OpenForSync();
    if (!second.ok()) return second.status();
    return std::make_unique<SiteFile>(&sites_, *std::move(second), notes_);
  }
  absl::StatusOr<uint64_t> Size() override { return inner_->Size(); }
  absl::Status Truncate(uint64_t size) override { return inner_->Truncate(size); }
  absl::StatusOr<bool> TryLockRange(const io::LockRange& range, io::LockKind kind) override {
    return inner_->TryLockRange(range, kind);
  }
  absl::Status UnlockRange(const io::LockRange& range) override {
    return inner_->UnlockRange(range);
  }
  absl::StatusOr<bool> IsLockedByOthers(const io::LockRange& range) override {
    return inner_->IsLockedByOthers(range);
  }
  const std::string& path() const override { return inner_->path(); }

 private:
  SyncSites& sites_;
  const std::unique_ptr<io::File> inner_;
  const std::shared_ptr<SyncSites::FileNotes> notes_;
};

bool SyncSites::Enter(const std::string& site) {
  ++seen_[site];
  if (site != swallowed_) return true;
  ++swallowed_calls_;
  return false;
}

void SyncSites::MaybeFail(const std::string& site) {
  if (fail_ == nullptr || site == "database file") return;
  if (skip_ > 0) {
    --skip_;
    return;
  }
  const std::function<void()> fail = fail_;
  if (--times_ == 0) fail_ = nullptr;
  fail();
}

void SyncSites::NoteWrite(FileNotes& notes, uint64_t offset, io::ByteView bytes) {
  if (offset == 0 && bytes[0] != 0) notes.has_header = true;
  if (offset < segment::kSegmentHeaderSize || bytes.size() < segment::kRecordHeaderSize) return;
  if (!absl::StrContains(notes.name, ".log")) return;
  const auto header = segment::DecodeRecordHeader(bytes.data());
  if (!header.ok() || header->kind == segment::RecordKind::kPadding) return;
  notes.marked_last = header->kind == segment::RecordKind::kMark;
  notes.has_frames |= header->kind == segment::RecordKind::kFrame;
}

std::string SyncSites::SiteOf(const FileNotes& notes) const {
  const std::string& name = notes.name;
  if (InStore(name)) return "store: object";
  if (absl::EndsWith(name, ".db")) return "database file";
  if (absl::StrContains(name, ".db-strata")) return "app.db-strata";
  if (IsRestored(name)) return "restored file";
  if (absl::StrContains(name, "/identity")) return "identity";
  if (notes.published && !notes.marked_last) return "log: frames";
  if (notes.published) return phase_ == Phase::kClosing ? "log: mark at close" : "log: mark";
  if (phase_ == Phase::kOpening) return "log: recovered";
  if (notes.set_aside) return "log: used file, new header";
  if (absl::StrContains(name, "/spare-") && !notes.has_header) return "log: zeros";
  return notes.has_frames ? "log: replacement" : "log: new file";
}

absl::StatusOr<std::unique_ptr<io::File>> SyncSites::Open(const std::string& path,
                                                          io::OpenMode mode,
                                                          const io::Ownership& ownership) {
  const bool existed = inner_.Stat(path).ok();
  absl::StatusOr<std::unique_ptr<io::File>> file = inner_.Open(path, mode, ownership);
  if (!file.ok()) return file;
  if (!existed) {
    files_.erase(path);
    const bool temporary = absl::EndsWith(path, ".tmp") || InStore(path);  // told by its rename
    const bool may_be_lost = absl::EndsWith(path, absl::StrCat("/", wal::kLedgerName));
    if (!temporary && !may_be_lost)
      changed_[io::DirectoryOf(path)] = absl::EndsWith(path, "/lock") ? "lock file" : "new file";
  }
  std::shared_ptr<FileNotes>& notes = files_[path];
  if (notes == nullptr) {
    notes = std::make_shared<FileNotes>();
    notes->published = existed && !absl::EndsWith(path, ".tmp");
    notes->has_frames = notes->published;
  }
  notes->name = path;
  return std::make_unique<SiteFile>(this, *std::move(file), notes);
}

absl::Status SyncSites::CreateDirectory(const std::string& path, const io::Ownership& ownership) {
  const absl::Status status = inner_.CreateDirectory(path, ownership);
  if (status.ok())
    changed_[io::DirectoryOf(path)] =
        InStore(path) ? "store: new directory" : "parent: new log directory";
  return status;
}

absl::Status SyncSites::RemoveDirectory(const std::string& path) {
  const absl::Status status = inner_.RemoveDirectory(path);
  if (status.ok()) changed_[io::DirectoryOf(path)] = "parent: log directory removed";
  return status;
}

void SyncSites::NoteRename(const std::string& from, const std::string& to) {
  std::shared_ptr<FileNotes> notes = std::exchange(files_[from], nullptr);
  files_.erase(from);
  if (notes == nullptr) notes = std::make_shared<FileNotes>();
  const bool log_file = absl::EndsWith(to, ".log");
  notes->set_aside = absl::EndsWith(from, ".log");
  std::string change = InStore(to) ? "store: object" : "new file";
  if (IsRestored(from)) change = "restored file";
  if (notes->set_aside) change = "log file set aside";
  if (log_file) change = notes->has_frames ? "replacement" : "new log file";
  if (log_file && phase_ == Phase::kOpening) change = "recovered file";
  if (absl::EndsWith(to, "/identity")) change = "identity";
  if (absl::EndsWith(to, ".db-strata")) change = "app.db-strata";
  changed_[io::DirectoryOf(to)] = absl::StrCat(change, ": name");
  notes->published = !notes->set_aside;
  if (notes->set_aside) notes->has_frames = false;
  notes->name = to;
  files_[to] = std::move(notes);
}

absl::Status SyncSites::Rename(const std::string& from, const std::string& to) {
  const absl::Status status = inner_.Rename(from, to);
  if (status.ok()) NoteRename(from, to);
  return status;
}

absl::Status SyncSites::RenameIfAbsent(const std::string& from, const std::string& to) {
  const absl::Status status = inner_.RenameIfAbsent(from, to);
  if (status.ok()) NoteRename(from, to);
  return status;
}

std::string SyncSites::SiteOfUnlink(const std::string& path) {
  if (phase_ == Phase::kOpening) return "leftovers removed";
  if (!absl::EndsWith(path, ".log")) return "other file removed";
  const auto names = inner_.List(io::DirectoryOf(path));
  for (const std::string& name : names.value_or(std::vector<std::string>())) {
    if (absl::EndsWith(name, ".log")) return "old log files removed";
  }
  return "last log file removed";
}

absl::Status SyncSites::Unlink(const std::string& path) {
  const absl::Status status = inner_.Unlink(path);
  if (!status.ok()) return status;
  files_.erase(path);
  if (!InStore(path)) changed_[io::DirectoryOf(path)] = SiteOfUnlink(path);
  return status;
}

absl::Status SyncSites::SyncDirectory(const std::string& path) {
  const auto change = changed_.find(path);
  const std::string site = absl::StrCat(
      "directory: ", change == changed_.end() ? (InStore(path) ? "store, unchanged" : "unchanged")
                                              : change->second);
  if (change != changed_.end()) changed_.erase(change);
  return Enter(site) ? inner_.SyncDirectory(path) : absl::OkStatus();
}

}  // namespace strata::crash

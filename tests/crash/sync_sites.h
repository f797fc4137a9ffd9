#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "io/file.h"

// Gives each sync of the product a name, by what was done to the file or directory since its last
// sync, and leaves one of them out when told: a product without that line of code.
namespace strata::crash {

class SyncSites : public io::FileSystem {
 public:
  explicit SyncSites(io::FileSystem* inner) : inner_(*inner) {}

  // Syncs of this name report success and do nothing.
  void Swallow(std::string site) { swallowed_ = std::move(site); }
  // How often each name was seen.
  const std::map<std::string, uint64_t>& seen() const { return seen_; }
  uint64_t swallowed_calls() const { return swallowed_calls_; }

  // `fail` is called just before the sync that comes after `skip` others; those of the database
  // file do not count, because a process that starts later cannot know of that failure.
  void FailSyncAfter(uint64_t skip, std::function<void()> fail, int times = 1) {
    skip_ = skip;
    times_ = times;
    fail_ = std::move(fail);
  }

  // What the log is being asked to do, for names that depend on it.
  enum class Phase { kRunning, kOpening, kBackground, kClosing };
  void set_phase(Phase phase) { phase_ = phase; }

  absl::StatusOr<std::unique_ptr<io::File>> Open(const std::string& path, io::OpenMode mode,
                                                 const io::Ownership& ownership) override;
  absl::Status CreateDirectory(const std::string& path, const io::Ownership& ownership) override;
  absl::Status RemoveDirectory(const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status RenameIfAbsent(const std::string& from, const std::string& to) override;
  absl::Status Unlink(const std::string& path) override;
  absl::Status SyncDirectory(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override {
    return inner_.List(path);
  }
  absl::StatusOr<io::FileInfo> Stat(const std::string& path) override { return inner_.Stat(path); }
  absl::StatusOr<std::unique_ptr<io::SharedMemory>> MapShared(
      const std::string& path, io::OpenMode mode, uint64_t bytes,
      const io::Ownership& ownership) override {
    return inner_.MapShared(path, mode, bytes, ownership);
  }
  absl::StatusOr<bool> IsNetwork(const std::string& path) override {
    return inner_.IsNetwork(path);
  }

 private:
  friend class SiteFile;
  struct FileNotes {
    std::string name;        // the path it has now
    bool published = false;  // has left its temporary name
    bool set_aside = false;  // has left its final name for a temporary one
    bool has_header = false;
    bool has_frames = false;
    bool marked_last = false;  // the last record written is a mark
  };

  void NoteWrite(FileNotes& notes, uint64_t offset, io::ByteView bytes);
  void NoteRename(const std::string& from, const std::string& to);
  std::string SiteOf(const FileNotes& notes) const;
  std::string SiteOfUnlink(const std::string& path);
  bool Enter(const std::string& site);  // false: leave it out

  io::FileSystem& inner_;
  void MaybeFail(const std::string& site);

  std::string swallowed_;
  uint64_t skip_ = 0;
  int times_ = 0;
  std::function<void()> fail_;
  uint64_t swallowed_calls_ = 0;
  Phase phase_ = Phase::kRunning;
  std::map<std::string, uint64_t> seen_;
  std::map<std::string, std::shared_ptr<FileNotes>> files_;
  std::map<std::string, std::string>
      changed_;  // directory: the last change of its names since its sync
};

}  // namespace strata::crash

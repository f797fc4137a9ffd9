#pragma once

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "io/file.h"
#include "io/mutex.h"
#include "io/object_store.h"
#include "io/random.h"

namespace strata::io {

// A store in a directory: an object is the file <root>/<key>. Any number of processes may use one
// directory. An object is written as "<key's directory>/~<random>", locked while its writer lives,
// synced, renamed to its name, and the directory synced; "~" is in no key, so what a crash leaves
// is never taken for an object.
//
// Differs from other stores in one thing: a key cannot be both an object and the directory of
// others (FailedPrecondition).
class LocalObjectStore : public ObjectStore {
 public:
  // `root` is absolute; it is made by the first Put (its parent must exist). `file_system` and
  // `random` must outlive the store.
  LocalObjectStore(FileSystem* file_system, Random* random, std::string root,
                   const Ownership& ownership = {});

  absl::StatusOr<std::unique_ptr<ObjectWriter>> Put(const std::string& key,
                                                    IfPresent if_present) override;
  absl::StatusOr<std::vector<uint8_t>> GetRange(const std::string& key, uint64_t offset,
                                                uint64_t length) override;
  absl::StatusOr<size_t> GetInto(const std::string& key, uint64_t offset,
                                 MutableBytes out) override;
  absl::StatusOr<Tail> GetTail(const std::string& key, uint64_t length) override;
  absl::StatusOr<std::vector<ObjectInfo>> List(const std::string& prefix, const std::string& after,
                                               size_t limit) override;
  absl::Status Delete(const std::string& key) override;
  absl::Status CheckPlace(bool may_be_made) override;
  const std::string& url() const override { return url_; }
  RequestCounts request_counts() const override { return counters_.Get(); }

  // A writer is dead when nobody holds the lock of its file. Where a file system shared over a
  // network keeps locks from other machines, a living upload may lose its file: its Commit then
  // fails, and the object is put again.
  absl::StatusOr<size_t> RemoveLeftovers(const std::string& prefix) override;

 private:
  absl::StatusOr<std::unique_ptr<File>> OpenObject(const std::string& key);
  absl::Status CheckNoLinks(const std::string& key);
  absl::Status EnsureDirectory(const std::string& directory);
  absl::Status EnsureDirectories(const std::string& key);
  absl::StatusOr<std::unique_ptr<File>> CreateTemporary(const std::string& directory);
  absl::Status RemoveLeftoversIn(const std::string& directory, size_t* removed);
  absl::StatusOr<bool> RemoveIfAbandoned(const std::string& path);

  FileSystem* const file_system_;
  Random* const random_;
  const std::string root_;
  const std::string url_;
  const Ownership ownership_;
  RequestCounters counters_;

  Mutex mutex_;
  // Directories whose name this store has made durable, so that each costs one sync, not one an
  // object.
  absl::flat_hash_set<std::string> durable_directories_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace strata::io

#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "io/byte_stream.h"
#include "io/mutex.h"
#include "io/object_store.h"
#include "segment/dictionary_store.h"

namespace strata::compactor {

// Recently read blocks of objects, bounded in bytes over all of them, so that neighbouring small
// reads cost one request; and the dictionaries that their segments needed. Safe to call from any
// thread.
class BlockCache {
 public:
  static constexpr uint64_t kBlockBytes = 128 << 10;
  static constexpr uint64_t kDefaultCapacityBytes = 16 << 20;

  using Block = std::shared_ptr<const std::vector<uint8_t>>;

  explicit BlockCache(uint64_t capacity_bytes = kDefaultCapacityBytes)
      : capacity_bytes_(capacity_bytes) {}

  // A number that no other source of this cache has.
  uint64_t NewSourceId();
  Block Find(uint64_t source, uint64_t block);
  void Insert(uint64_t source, uint64_t block, Block bytes);
  segment::DictionaryCache& dictionaries() { return dictionaries_; }

 private:
  using Key = std::pair<uint64_t, uint64_t>;
  using Entries = std::list<std::pair<Key, Block>>;

  segment::DictionaryCache dictionaries_;
  io::Mutex mutex_;
  const uint64_t capacity_bytes_;
  uint64_t next_source_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  Entries entries_ ABSL_GUARDED_BY(mutex_);  // most recently used first
  absl::flat_hash_map<Key, Entries::iterator> by_key_ ABSL_GUARDED_BY(mutex_);
};

// An object of known size, read through a cache; reads of a block or more go to the store as they
// are. Store and cache must outlive it.
class CachedObject : public io::ByteSource {
 public:
  CachedObject(io::ObjectStore* store, BlockCache* cache, std::string key, uint64_t size);

  uint64_t size() const override { return size_; }
  absl::Status ReadAt(uint64_t offset, io::MutableBytes out) override;
  const std::string& name() const override { return name_; }

 private:
  absl::Status CheckRange(uint64_t offset, uint64_t length) const;
  absl::Status CheckLength(uint64_t offset, uint64_t expected, uint64_t found) const;
  absl::StatusOr<std::vector<uint8_t>> Fetch(uint64_t offset, uint64_t length);
  absl::StatusOr<BlockCache::Block> GetBlock(uint64_t number);

  io::ObjectStore* const store_;
  BlockCache* const cache_;
  const std::string key_;
  const std::string name_;
  const uint64_t size_;
  const uint64_t source_id_;
};

}  // namespace strata::compactor

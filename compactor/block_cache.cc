#include "compactor/block_cache.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "io/status_macros.h"

namespace strata::compactor {

uint64_t BlockCache::NewSourceId() {
  io::MutexLock lock(&mutex_);
  return next_source_++;
}

BlockCache::Block BlockCache::Find(uint64_t source, uint64_t block) {
  io::MutexLock lock(&mutex_);
  auto found = by_key_.find(Key(source, block));
  if (found == by_key_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->second;
}

void BlockCache::Insert(uint64_t source, uint64_t block, Block bytes) {
  io::MutexLock lock(&mutex_);
  Key key(source, block);
  if (by_key_.contains(key)) return;
  bytes_ += bytes->size();
  entries_.emplace_front(key, std::move(bytes));
  by_key_[key] = entries_.begin();
  while (bytes_ > capacity_bytes_ && entries_.size() > 1) {
    bytes_ -= entries_.back().second->size();
    by_key_.erase(entries_.back().first);
    entries_.pop_back();
  }
}

CachedObject::CachedObject(io::ObjectStore* store, BlockCache* cache, std::string key,
                           uint64_t size)
    : store_(store),
      cache_(cache),
      key_(std::move(key)),
      name_(absl::StrCat(store->url(), "/", key_)),
      size_(size),
      source_id_(cache->NewSourceId()) {}

absl::Status CachedObject::CheckRange(uint64_t offset, uint64_t length) const {
  if (offset <= size_ && length <= size_ - offset) return absl::OkStatus();
  return absl::OutOfRangeError(absl::StrCat(name_, ": read of ", length, " bytes at ", offset,
                                            " beyond the size of ", size_));
}

absl::StatusOr<std::vector<uint8_t>> CachedObject::Fetch(uint64_t offset, uint64_t length) {
  STRATA_ASSIGN_OR_RETURN(std::vector<uint8_t> bytes, store_->GetRange(key_, offset, length));
  STRATA_RETURN_IF_ERROR(CheckLength(offset, length, bytes.size()));
  return bytes;
}

absl::Status CachedObject::CheckLength(uint64_t offset, uint64_t expected, uint64_t found) const {
  if (expected == found) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(name_, ": read at ", offset, ": expected ", expected, " bytes, found ", found));
}

absl::StatusOr<BlockCache::Block> CachedObject::GetBlock(uint64_t number) {
  if (BlockCache::Block cached = cache_->Find(source_id_, number)) return cached;
  uint64_t offset = number * BlockCache::kBlockBytes;
  STRATA_ASSIGN_OR_RETURN(std::vector<uint8_t> bytes,
                          Fetch(offset, std::min(BlockCache::kBlockBytes, size_ - offset)));
  auto block = std::make_shared<const std::vector<uint8_t>>(std::move(bytes));
  cache_->Insert(source_id_, number, block);
  return BlockCache::Block(block);
}

absl::Status CachedObject::ReadAt(uint64_t offset, io::MutableBytes out) {
  STRATA_RETURN_IF_ERROR(CheckRange(offset, out.size()));
  if (out.size() >= BlockCache::kBlockBytes) {
    STRATA_ASSIGN_OR_RETURN(const size_t got, store_->GetInto(key_, offset, out));
    return CheckLength(offset, out.size(), got);
  }
  while (!out.empty()) {
    uint64_t number = offset / BlockCache::kBlockBytes;
    STRATA_ASSIGN_OR_RETURN(BlockCache::Block block, GetBlock(number));
    uint64_t begin = offset - number * BlockCache::kBlockBytes;
    size_t length = std::min<uint64_t>(out.size(), block->size() - begin);
    std::memcpy(out.data(), block->data() + begin, length);
    out.remove_prefix(length);
    offset += length;
  }
  return absl::OkStatus();
}

}  // namespace strata::compactor

#include "io/limited_object_store.h"

#include <algorithm>
#include <utility>

#include "io/status_macros.h"

namespace strata::io {
namespace {
constexpr int64_t kSecondUs = 1'000'000;
}  // namespace

class LimitedWriter : public ObjectWriter {
 public:
  LimitedWriter(std::unique_ptr<ObjectWriter> writer, LimitedObjectStore* store)
      : writer_(std::move(writer)), store_(*store) {}

  absl::Status Append(ByteView bytes) override {
    store_.Use(0, bytes.size());
    return writer_->Append(bytes);
  }
  absl::Status Commit(uint32_t crc32c) override { return writer_->Commit(crc32c); }

 private:
  const std::unique_ptr<ObjectWriter> writer_;
  LimitedObjectStore& store_;
};

LimitedObjectStore::LimitedObjectStore(std::unique_ptr<ObjectStore> store,
                                       const StoreLimits& limits, Clock* clock, Sleeper* sleeper)
    : store_(std::move(store)), clock_(*clock), sleeper_(*sleeper) {
  MutexLock lock(&mutex_);
  requests_.per_second = limits.requests_per_second;
  bytes_.per_second = limits.bytes_per_second;
}

// How long the caller has to wait.
int64_t LimitedObjectStore::Charge(Allowance* allowance, uint64_t amount, int64_t now_us) {
  if (allowance->per_second == 0 || amount == 0) return 0;
  const double seconds = static_cast<double>(amount) / static_cast<double>(allowance->per_second);
  allowance->free_at_us =
      std::max(allowance->free_at_us, now_us) + static_cast<int64_t>(seconds * kSecondUs);
  return std::max<int64_t>(0, allowance->free_at_us - now_us - kSecondUs);
}

void LimitedObjectStore::Use(uint64_t requests, uint64_t bytes) {
  int64_t wait_us = 0;
  {
    MutexLock lock(&mutex_);
    const int64_t now_us = clock_.MonotonicMicros();
    wait_us = std::max(Charge(&requests_, requests, now_us), Charge(&bytes_, bytes, now_us));
  }
  if (wait_us > 0) sleeper_.Sleep(wait_us);
}

absl::StatusOr<std::unique_ptr<ObjectWriter>> LimitedObjectStore::Put(const std::string& key,
                                                                      IfPresent if_present) {
  Use(1, 0);
  STRATA_ASSIGN_OR_RETURN(std::unique_ptr<ObjectWriter> writer, store_->Put(key, if_present));
  return std::make_unique<LimitedWriter>(std::move(writer), this);
}

absl::StatusOr<std::vector<uint8_t>> LimitedObjectStore::GetRange(const std::string& key,
                                                                  uint64_t offset,
                                                                  uint64_t length) {
  Use(1, 0);
  STRATA_ASSIGN_OR_RETURN(std::vector<uint8_t> bytes, store_->GetRange(key, offset, length));
  Use(0, bytes.size());
  return bytes;
}

absl::StatusOr<size_t> LimitedObjectStore::GetInto(const std::string& key, uint64_t offset,
                                                   MutableBytes out) {
  Use(1, 0);
  STRATA_ASSIGN_OR_RETURN(const size_t got, store_->GetInto(key, offset, out));
  Use(0, got);
  return got;
}

absl::StatusOr<ObjectStore::Tail> LimitedObjectStore::GetTail(const std::string& key,
                                                              uint64_t length) {
  Use(1, 0);
  STRATA_ASSIGN_OR_RETURN(Tail tail, store_->GetTail(key, length));
  Use(0, tail.bytes.size());
  return tail;
}

absl::StatusOr<std::vector<ObjectInfo>> LimitedObjectStore::List(const std::string& prefix,
                                                                 const std::string& after,
                                                                 size_t limit) {
  Use(1, 0);
  return store_->List(prefix, after, limit);
}

absl::Status LimitedObjectStore::Delete(const std::string& key) {
  Use(1, 0);
  return store_->Delete(key);
}

absl::StatusOr<size_t> LimitedObjectStore::RemoveLeftovers(const std::string& prefix) {
  return store_->RemoveLeftovers(prefix);
}

}  // namespace strata::io

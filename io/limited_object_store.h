#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "io/clock.h"
#include "io/mutex.h"
#include "io/object_store.h"
#include "io/sleeper.h"

namespace strata::io {

struct StoreLimits {
  uint64_t requests_per_second = 0;  // 0: no limit
  uint64_t bytes_per_second = 0;     // both ways together; 0: no limit
};

// Passes everything on to another store, as fast as the limits allow: a second's worth may go at
// once. A body is counted as one request, however often the store below sends it again. Safe to
// call from any thread; those that wait have their turn in the order in which they came.
class LimitedObjectStore : public ObjectStore {
 public:
  // `clock` and `sleeper` outlive it.
  LimitedObjectStore(std::unique_ptr<ObjectStore> store, const StoreLimits& limits, Clock* clock,
                     Sleeper* sleeper);

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
  absl::StatusOr<size_t> RemoveLeftovers(const std::string& prefix) override;
  absl::Status CheckPlace(bool may_be_made) override { return store_->CheckPlace(may_be_made); }
  const std::string& url() const override { return store_->url(); }
  bool is_remote() const override { return store_->is_remote(); }
  RequestCounts request_counts() const override { return store_->request_counts(); }
  void GiveUpAt(int64_t monotonic_us) override { store_->GiveUpAt(monotonic_us); }

 private:
  friend class LimitedWriter;

  // What may be used up at a rate; a use that goes beyond has to wait until it is paid back.
  struct Allowance {
    uint64_t per_second = 0;
    int64_t free_at_us = 0;  // monotonic; all that was used is paid back then
  };
  void Use(uint64_t requests, uint64_t bytes);
  static int64_t Charge(Allowance* allowance, uint64_t amount, int64_t now_us);

  const std::unique_ptr<ObjectStore> store_;
  Clock& clock_;
  Sleeper& sleeper_;
  Mutex mutex_;
  Allowance requests_ ABSL_GUARDED_BY(mutex_);
  Allowance bytes_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace strata::io

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "io/object_store.h"

namespace strata::compactor {

// A store in front of another, into whose calls a test steps: what others do at the same time, and
// what fails.
class MeddlingStore : public io::ObjectStore {
 public:
  explicit MeddlingStore(io::ObjectStore* store) : store_(*store) {}

  std::function<void(const std::string& key)> before_put;  // when it is begun
  std::function<void(const std::string& key)> after_delete;
  std::function<absl::Status(const std::string& key)> on_range;  // what GetRange fails with

  absl::StatusOr<std::unique_ptr<io::ObjectWriter>> Put(const std::string& key,
                                                        io::IfPresent if_present) override {
    if (before_put) before_put(key);
    return store_.Put(key, if_present);
  }
  absl::StatusOr<std::vector<uint8_t>> GetRange(const std::string& key, uint64_t offset,
                                                uint64_t length) override {
    const absl::Status failure = on_range ? on_range(key) : absl::OkStatus();
    if (!failure.ok()) return failure;
    return store_.GetRange(key, offset, length);
  }
  absl::StatusOr<Tail> GetTail(const std::string& key, uint64_t length) override {
    return store_.GetTail(key, length);
  }
  absl::StatusOr<std::vector<io::ObjectInfo>> List(const std::string& prefix,
                                                   const std::string& after,
                                                   size_t limit) override {
    return store_.List(prefix, after, limit);
  }
  absl::Status Delete(const std::string& key) override {
    const absl::Status deleted = store_.Delete(key);
    if (after_delete) after_delete(key);
    return deleted;
  }
  const std::string& url() const override { return store_.url(); }

 private:
  io::ObjectStore& store_;
};

}  // namespace strata::compactor

#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "io/object_store.h"

// What io/object_store.h promises, asked of every kind of store: object_store_suite.cc holds the
// tests, a program that is linked with it says of which stores (INSTANTIATE_TEST_SUITE_P).
namespace strata::io {

// An empty store, and what it lives on.
class StoreUnderTest {
 public:
  virtual ~StoreUnderTest() = default;
  virtual ObjectStore& store() = 0;
};

struct StoreKind {
  std::string name;
  std::function<std::unique_ptr<StoreUnderTest>()> make;
};

inline void PrintTo(const StoreKind& kind, std::ostream* out) { *out << kind.name; }

inline std::string StoreKindName(const testing::TestParamInfo<StoreKind>& info) {
  return info.param.name;
}

class ObjectStoreSuite : public testing::TestWithParam<StoreKind> {
 protected:
  void SetUp() override {
    under_test_ = GetParam().make();
    ASSERT_NE(under_test_, nullptr);
  }
  ObjectStore& store() { return under_test_->store(); }
  absl::Status PutBytes(const std::string& key, const std::vector<uint8_t>& bytes,
                        IfPresent if_present = IfPresent::kReplace);
  std::vector<std::string> Keys(const std::string& prefix = "", const std::string& after = "",
                                size_t limit = 1000);

 private:
  std::unique_ptr<StoreUnderTest> under_test_;
};

}  // namespace strata::io

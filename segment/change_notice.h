#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "io/object_store.h"

// What a writer leaves at the top of a store for those who watch all of it: tiny objects that say
// in their names which namespace changed, and when about. Format: docs/store_layout.md, "Notices";
// tested in tests/segment/change_notice_test.cc.
namespace strata::segment {

// No namespace has this name.
inline constexpr char kNoticeFolder[] = "_changed";

// A writer leaves one notice for each period in which it changes the namespace.
constexpr int64_t kNoticePeriodUs = 600'000'000;
uint64_t NoticePeriodOf(int64_t now_us);  // microseconds since 1970

struct ChangeNotice {
  uint64_t period = 0;
  std::string ns;

  friend auto operator<=>(const ChangeNotice&, const ChangeNotice&) = default;
};

// `_changed/<period, 10 digits>/<namespace>`
std::string BuildNoticeKey(const ChangeNotice& notice);

// InvalidArgument: any other spelling.
absl::StatusOr<ChangeNotice> ParseNoticeKey(absl::string_view key);

absl::Status PutNotice(io::ObjectStore& store, const ChangeNotice& notice);

// Those of `from` and later, in order: one request, and one for every 1000 of them.
absl::StatusOr<std::vector<ChangeNotice>> ListNotices(io::ObjectStore& store, uint64_t from);

}  // namespace strata::segment

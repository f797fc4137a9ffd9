#include "segment/change_notice.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "io/status_macros.h"
#include "segment/store_layout.h"
#include "segment/store_listing.h"

namespace strata::segment {
namespace {

constexpr size_t kPeriodDigits = 10;
constexpr uint8_t kContent[] = {'1', '\n'};  // some stores want a body

std::string FolderPrefix() { return absl::StrCat(kNoticeFolder, "/"); }

std::string PeriodPrefix(uint64_t period) {
  return absl::StrFormat("%s/%010d/", kNoticeFolder, period);
}

}  // namespace

uint64_t NoticePeriodOf(int64_t now_us) {
  return static_cast<uint64_t>(std::max<int64_t>(now_us, 0) / kNoticePeriodUs);
}

std::string BuildNoticeKey(const ChangeNotice& notice) {
  return absl::StrCat(PeriodPrefix(notice.period), notice.ns);
}

absl::StatusOr<ChangeNotice> ParseNoticeKey(absl::string_view key) {
  ChangeNotice notice;
  const size_t begin = FolderPrefix().size();
  const size_t end = begin + kPeriodDigits;
  const bool is_number =
      key.size() > end && absl::SimpleAtoi(key.substr(begin, kPeriodDigits), &notice.period);
  if (is_number) notice.ns = std::string(key.substr(end + 1));
  if (is_number && CheckNamespaceName(notice.ns).ok() && BuildNoticeKey(notice) == key)
    return notice;
  return absl::InvalidArgumentError(absl::StrCat("object \"", absl::CHexEscape(key.substr(0, 512)),
                                                 "\" is not the key of a notice"));
}

absl::Status PutNotice(io::ObjectStore& store, const ChangeNotice& notice) {
  return io::PutObject(store, BuildNoticeKey(notice), io::IfPresent::kReplace, kContent);
}

absl::StatusOr<std::vector<ChangeNotice>> ListNotices(io::ObjectStore& store, uint64_t from) {
  std::vector<ChangeNotice> notices;
  std::string after = PeriodPrefix(from);
  while (true) {
    STRATA_ASSIGN_OR_RETURN(const std::vector<io::ObjectInfo> page,
                            store.List(FolderPrefix(), after, kListingPage));
    for (const io::ObjectInfo& info : page) {
      if (info.key <= after) {
        return absl::DataLossError(absl::StrCat("listing of \"", FolderPrefix(), "\" after \"",
                                                after, "\" answered \"", absl::CHexEscape(info.key),
                                                "\""));
      }
      after = info.key;
      STRATA_ASSIGN_OR_RETURN(ChangeNotice notice, ParseNoticeKey(info.key));
      notices.push_back(std::move(notice));
    }
    if (page.size() < kListingPage) return notices;
  }
}

}  // namespace strata::segment

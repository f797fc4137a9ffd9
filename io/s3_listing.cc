#include "io/s3_listing.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "io/object_key.h"
#include "io/status_macros.h"
#include "io/xml.h"

namespace strata::io {
namespace {

constexpr size_t kLargestPage = 1000;
constexpr uint64_t kMostPageBytes = 8 << 20;  // 1000 keys of 1 KiB, escaped

class Lister {
 public:
  Lister(S3Client* client, const std::string& prefix, const std::string& after, size_t limit)
      : client_(client),
        prefix_(client->location().ObjectName(prefix)),
        last_(after.empty() ? "" : client->location().ObjectName(after)),
        limit_(limit) {}

  absl::StatusOr<std::vector<ObjectInfo>> Run() {
    while (objects_.size() < limit_) {
      STRATA_ASSIGN_OR_RETURN(const bool more, NextPage());
      if (!more) break;
    }
    return std::move(objects_);
  }

 private:
  absl::Status Bad(absl::string_view what) const {
    return absl::DataLossError(absl::StrCat("listing of ", client_->location().url(), ": ", what));
  }

  S3Request PageRequest() const {
    S3Request request;
    request.kind = RequestKind::kList;
    request.method = "GET";
    const size_t page = std::min(limit_ - objects_.size(), kLargestPage);
    request.query = {{"list-type", "2"}, {"max-keys", absl::StrCat(page)}, {"prefix", prefix_}};
    if (!token_.empty()) {
      request.query.emplace_back("continuation-token", token_);
    } else if (!last_.empty()) {
      request.query.emplace_back("start-after", last_);
    }
    request.max_reply_bytes = kMostPageBytes;
    request.check = [](const HttpResponse& response) {
      const bool whole = ParseXml(response.text()).ok();
      return whole ? absl::OkStatus() : absl::UnavailableError("a listing that is not whole");
    };
    return request;
  }

  // Whether there is another page.
  absl::StatusOr<bool> NextPage() {
    STRATA_ASSIGN_OR_RETURN(const HttpResponse response, client_->SendForSuccess(PageRequest()));
    STRATA_ASSIGN_OR_RETURN(const XmlElement page, ParseXml(response.text()));
    if (page.name != "ListBucketResult") return Bad("no ListBucketResult");
    for (const XmlElement& child : page.children) {
      if (child.name == "Contents") STRATA_RETURN_IF_ERROR(Take(child));
    }
    if (page.ChildText("IsTruncated") != "true") return false;
    const std::string next(page.ChildText("NextContinuationToken"));
    if (next.empty() || next == token_) return Bad("truncated, and nothing says where to go on");
    token_ = next;
    return true;
  }

  absl::Status Take(const XmlElement& contents) {
    const absl::string_view name = contents.ChildText("Key");
    ObjectInfo object;
    if (!absl::StartsWith(name, prefix_) || name <= last_) return Bad("keys out of order");
    if (!absl::SimpleAtoi(contents.ChildText("Size"), &object.size)) return Bad("no size");
    last_ = std::string(name);
    absl::string_view key = name;
    const std::string& store_prefix = client_->location().prefix;
    if (!store_prefix.empty()) key.remove_prefix(store_prefix.size() + 1);
    if (!CheckKey(key).ok()) return absl::OkStatus();
    object.key = std::string(key);
    if (objects_.size() == limit_) return Bad("more keys than were asked for");
    objects_.push_back(std::move(object));
    return absl::OkStatus();
  }

  S3Client* const client_;
  const std::string prefix_;
  std::string last_;  // name of the last object seen
  const size_t limit_;
  std::string token_;
  std::vector<ObjectInfo> objects_;
};

}  // namespace

absl::StatusOr<std::vector<ObjectInfo>> ListS3Keys(S3Client* client, const std::string& prefix,
                                                   const std::string& after, size_t limit) {
  return Lister(client, prefix, after, limit).Run();
}

}  // namespace strata::io

#include "io/s3_range.h"

#include <algorithm>
#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "io/status_macros.h"

namespace strata::io {
namespace {

struct ContentRange {
  uint64_t first = 0;
  uint64_t last = 0;
  uint64_t size = 0;
};

// "bytes 0-9/100"
bool ParseContentRange(absl::string_view text, ContentRange* range) {
  const size_t dash = text.find('-');
  const size_t slash = text.find('/');
  if (!absl::ConsumePrefix(&text, "bytes ") || dash == absl::string_view::npos ||
      slash == absl::string_view::npos || dash > slash) {
    return false;
  }
  constexpr size_t kUnit = 6;
  return absl::SimpleAtoi(text.substr(0, dash - kUnit), &range->first) &&
         absl::SimpleAtoi(text.substr(dash + 1 - kUnit, slash - dash - 1), &range->last) &&
         absl::SimpleAtoi(text.substr(slash + 1 - kUnit), &range->size) &&
         range->first <= range->last && range->last < range->size;
}

// What was asked for: from `offset` on, the end of the object, or all of it without a range.
struct Wanted {
  bool is_tail = false;
  bool is_whole = false;
  uint64_t offset = 0;
  uint64_t length = 0;

  uint64_t First(uint64_t size) const { return is_tail ? size - std::min(length, size) : offset; }
  uint64_t Count(uint64_t size) const { return std::min(length, size - First(size)); }

  std::string Header() const {
    if (is_tail) return absl::StrCat("bytes=-", length);
    const uint64_t most = std::numeric_limits<uint64_t>::max() - offset;
    return absl::StrCat("bytes=", offset, "-", offset + std::min(length - 1, most));
  }
};

// A body that is not what was asked for may be better the next time.
absl::Status CheckPart(const Wanted& wanted, const HttpResponse& response) {
  ContentRange range;
  if (response.status != 206) {
    range.size = response.body.size();  // the whole object
    const bool all = wanted.First(range.size) == 0 && wanted.Count(range.size) == range.size;
    return all ? absl::OkStatus()
               : absl::InternalError("the server does not answer with the range asked for");
  }
  if (!ParseContentRange(response.Header("content-range"), &range)) {
    return absl::UnavailableError("a part of an object without Content-Range");
  }
  const bool right = wanted.offset < range.size && range.first == wanted.First(range.size) &&
                     range.last - range.first + 1 == wanted.Count(range.size);
  if (!right) {
    return absl::UnavailableError(
        absl::StrCat("asked for ", wanted.Header(), ", got ", response.Header("content-range")));
  }
  if (response.body.size() == wanted.Count(range.size)) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("short body: expected ", wanted.Count(range.size),
                                             " bytes, found ", response.body.size()));
}

absl::StatusOr<S3Part> Read(S3Client* client, const std::string& object, const Wanted& wanted) {
  S3Request request;
  request.kind = RequestKind::kGet;
  request.method = "GET";
  request.object = object;
  if (!wanted.is_whole) request.headers = {{"Range", wanted.Header()}};
  request.max_reply_bytes = wanted.length;
  request.check = [&wanted](const HttpResponse& response) { return CheckPart(wanted, response); };
  STRATA_ASSIGN_OR_RETURN(HttpResponse response, client->Send(request));
  S3Part part;
  part.upload_mark = std::string(response.Header(kS3UploadMark));
  if (response.status == 416) return part;  // nothing of the object lies there
  STRATA_RETURN_IF_ERROR(client->StatusOf(request, response));
  ContentRange range;
  const bool is_part = ParseContentRange(response.Header("content-range"), &range);
  part.object_size = is_part ? range.size : response.body.size();
  part.bytes = std::move(response.body);
  return part;
}

}  // namespace

absl::StatusOr<S3Part> ReadS3Range(S3Client* client, const std::string& object, uint64_t offset,
                                   uint64_t length) {
  return Read(client, object, {false, false, offset, length});
}

absl::StatusOr<S3Part> ReadS3Tail(S3Client* client, const std::string& object, uint64_t length) {
  return Read(client, object, {true, false, 0, length});
}

absl::StatusOr<S3Part> ReadS3Whole(S3Client* client, const std::string& object, uint64_t most) {
  return Read(client, object, {false, true, 0, most});
}

}  // namespace strata::io

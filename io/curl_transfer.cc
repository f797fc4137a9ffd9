#include "io/curl_transfer.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "io/status_macros.h"

#undef curl_easy_setopt
#undef curl_easy_getinfo

namespace strata::io {
namespace {

constexpr long kSlowest = 1024;                 // bytes a second
constexpr size_t kMostHeaderBytes = 64 << 10;   // of one answer
constexpr uint64_t kMostErrorBytes = 64 << 10;  // an error may say more than was asked for
constexpr uint64_t kMostReserved = 64 << 20;    // whatever the server promises
constexpr long kReceiveBufferBytes = 256 << 10;
constexpr long kSendBufferBytes = 256 << 10;

// For messages: without query, which may hold a signature.
absl::string_view Where(absl::string_view url) { return url.substr(0, url.find('?')); }

}  // namespace

CurlTransfer::CurlTransfer(const CurlLibrary& curl, const HttpRequest& request,
                           const std::string& ca_bundle, const HttpLimits& limits)
    : curl_(curl),
      request_(request),
      ca_bundle_(ca_bundle),
      limits_(limits),
      easy_(curl.easy_init()) {}

CurlTransfer::~CurlTransfer() {
  if (easy_ != nullptr) curl_.easy_cleanup(easy_);
  if (headers_ != nullptr) curl_.slist_free_all(headers_);
}

absl::Status CurlTransfer::Prepare() {
  if (easy_ == nullptr) return absl::UnavailableError("libcurl: out of memory");
  curl_.easy_setopt(easy_, CURLOPT_URL, request_.url.c_str());
  curl_.easy_setopt(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_.easy_setopt(easy_, CURLOPT_PATH_AS_IS, 1L);  // or "//" and "/../" would not be as signed
  curl_.easy_setopt(easy_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_.easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
  curl_.easy_setopt(easy_, CURLOPT_ERRORBUFFER, error_);
  if (request_.never_by_proxy) curl_.easy_setopt(easy_, CURLOPT_NOPROXY, "*");
  if (!ca_bundle_.empty()) curl_.easy_setopt(easy_, CURLOPT_CAINFO, ca_bundle_.c_str());
  SetLimits();
  SetCallbacks();
  SetBody();
  return SetHeaders();
}

void CurlTransfer::SetLimits() {
  curl_.easy_setopt(easy_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits_.connect_us / 1000));
  if (request_.timeout_us != 0) {
    curl_.easy_setopt(easy_, CURLOPT_TIMEOUT_MS, static_cast<long>(request_.timeout_us / 1000));
  } else {
    curl_.easy_setopt(easy_, CURLOPT_LOW_SPEED_LIMIT, kSlowest);
    curl_.easy_setopt(easy_, CURLOPT_LOW_SPEED_TIME, static_cast<long>(limits_.standstill_s));
  }
  curl_.easy_setopt(easy_, CURLOPT_BUFFERSIZE, kReceiveBufferBytes);
  curl_.easy_setopt(easy_, CURLOPT_UPLOAD_BUFFERSIZE, kSendBufferBytes);
}

void CurlTransfer::SetCallbacks() {
  curl_.easy_setopt(easy_, CURLOPT_WRITEFUNCTION, &CurlTransfer::OnBody);
  curl_.easy_setopt(easy_, CURLOPT_WRITEDATA, this);
  curl_.easy_setopt(easy_, CURLOPT_HEADERFUNCTION, &CurlTransfer::OnHeader);
  curl_.easy_setopt(easy_, CURLOPT_HEADERDATA, this);
  curl_.easy_setopt(easy_, CURLOPT_NOPROGRESS, 0L);
  curl_.easy_setopt(easy_, CURLOPT_XFERINFOFUNCTION, &CurlTransfer::OnProgress);
  curl_.easy_setopt(easy_, CURLOPT_XFERINFODATA, this);
  // A proxy's answer to CONNECT is not the server's.
  curl_.easy_setopt(easy_, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

void CurlTransfer::SetBody() {
  curl_.easy_setopt(easy_, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  if (request_.method != "PUT" && request_.method != "POST") return;
  curl_.easy_setopt(easy_, CURLOPT_UPLOAD, 1L);
  curl_.easy_setopt(easy_, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
  curl_.easy_setopt(easy_, CURLOPT_READFUNCTION, &CurlTransfer::OnSend);
  curl_.easy_setopt(easy_, CURLOPT_READDATA, this);
  curl_.easy_setopt(easy_, CURLOPT_SEEKFUNCTION, &CurlTransfer::OnSeek);
  curl_.easy_setopt(easy_, CURLOPT_SEEKDATA, this);
}

absl::Status CurlTransfer::SetHeaders() {
  std::vector<std::string> lines = {"Expect:", "Accept:"};  // not those of libcurl's own
  for (const HttpHeader& header : request_.headers) {
    if (header.value.find_first_of("\r\n") != std::string::npos) {
      return absl::InvalidArgumentError(absl::StrCat("header ", header.name, ": a line break"));
    }
    lines.push_back(header.value.empty() ? absl::StrCat(header.name, ";")
                                         : absl::StrCat(header.name, ": ", header.value));
  }
  for (const std::string& line : lines) {
    curl_slist* const longer = curl_.slist_append(headers_, line.c_str());
    if (longer == nullptr) return absl::UnavailableError("libcurl: out of memory");
    headers_ = longer;
  }
  curl_.easy_setopt(easy_, CURLOPT_HTTPHEADER, headers_);
  return absl::OkStatus();
}

size_t CurlTransfer::OnBody(char* bytes, size_t, size_t count, void* self) {
  auto* const transfer = static_cast<CurlTransfer*>(self);
  std::vector<uint8_t>& body = transfer->response_.body;
  const uint64_t most = std::max(transfer->request_.max_reply_bytes, kMostErrorBytes);
  if (count > most - body.size()) {
    transfer->too_long_ = true;
    return 0;
  }
  try {
    body.insert(body.end(), bytes, bytes + count);
  } catch (const std::bad_alloc&) {
    return 0;
  }
  return count;
}

size_t CurlTransfer::OnHeader(char* bytes, size_t, size_t count, void* self) {
  auto* const transfer = static_cast<CurlTransfer*>(self);
  try {
    transfer->TakeHeader(absl::string_view(bytes, count));
  } catch (const std::bad_alloc&) {
    return 0;
  }
  return count;
}

void CurlTransfer::TakeHeader(absl::string_view line) {
  if (absl::StartsWith(line, "HTTP/")) {  // the answer's first line, after any "100 Continue"
    response_.headers.clear();
    return;
  }
  const size_t colon = line.find(':');
  if (colon == absl::string_view::npos) return;
  const std::string name = absl::AsciiStrToLower(line.substr(0, colon));
  const std::string value(absl::StripAsciiWhitespace(line.substr(colon + 1)));
  uint64_t length = 0;
  if (name == "content-length" && absl::SimpleAtoi(value, &length)) {
    response_.body.reserve(std::min({length, request_.max_reply_bytes, kMostReserved}));
  }
  if (response_.headers.size() * 64 < kMostHeaderBytes) response_.headers.push_back({name, value});
}

size_t CurlTransfer::OnSend(char* to, size_t, size_t count, void* self) {
  auto* const transfer = static_cast<CurlTransfer*>(self);
  const ByteView left = transfer->request_.body.subspan(transfer->sent_);
  const size_t now = std::min(count, left.size());
  std::copy_n(left.data(), now, to);
  transfer->sent_ += now;
  return now;
}

// When a kept connection turns out to be closed, libcurl sends again on a new one.
int CurlTransfer::OnSeek(void* self, curl_off_t offset, int origin) {
  auto* const transfer = static_cast<CurlTransfer*>(self);
  if (origin != SEEK_SET || static_cast<uint64_t>(offset) > transfer->request_.body.size()) {
    return CURL_SEEKFUNC_CANTSEEK;
  }
  transfer->sent_ = static_cast<size_t>(offset);
  return CURL_SEEKFUNC_OK;
}

int CurlTransfer::OnProgress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto* const transfer = static_cast<CurlTransfer*>(self);
  return transfer->request_.cancelled && transfer->request_.cancelled() ? 1 : 0;
}

absl::StatusOr<HttpResponse> CurlTransfer::Finish(CURLcode result) {
  if (result != CURLE_OK) return ErrorOf(result);
  long status = 0;
  curl_.easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  response_.status = static_cast<int>(status);
  return std::move(response_);
}

absl::Status CurlTransfer::ErrorOf(CURLcode result) const {
  const std::string message = absl::StrCat(request_.method, " ", Where(request_.url), ": ",
                                           error_[0] == 0 ? curl_.easy_strerror(result) : error_);
  switch (result) {
    case CURLE_OPERATION_TIMEDOUT:
      return absl::DeadlineExceededError(message);
    case CURLE_ABORTED_BY_CALLBACK:
      return absl::CancelledError(absl::StrCat(message, ": given up"));
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
      return absl::PermissionDeniedError(message);
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_SSL_CACERT_BADFILE:
      return absl::InvalidArgumentError(message);
    case CURLE_WRITE_ERROR:
      if (!too_long_) return absl::UnavailableError(absl::StrCat(message, ": out of memory"));
      return absl::DataLossError(absl::StrCat(request_.method, " ", Where(request_.url),
                                              ": more than the ", request_.max_reply_bytes,
                                              " bytes that were asked for"));
    default:
      return absl::UnavailableError(message);
  }
}

}  // namespace strata::io

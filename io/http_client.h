#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "io/bytes.h"

// The seam between Strata and HTTP servers.
namespace strata::io {

struct HttpHeader {
  std::string name;
  std::string value;
};

struct HttpRequest {
  std::string method;  // GET, PUT, POST, DELETE
  std::string url;     // percent-encoded, with its query
  std::vector<HttpHeader> headers;
  ByteView body;  // sent with its length by PUT and POST; must live until the answer

  uint64_t max_reply_bytes = 1 << 20;  // a body longer than this and 64 KiB is an error
  int64_t timeout_us = 0;              // of the whole request; 0: a standstill ends it instead
  bool never_by_proxy = false;         // whatever the environment says

  // Asked about once a second while the request runs; true ends it. May be empty. Called from
  // another thread, must not block.
  std::function<bool()> cancelled;
};

struct HttpResponse {
  int status = 0;
  std::vector<HttpHeader> headers;  // names in lower case
  std::vector<uint8_t> body;

  // The header's value, empty without one. `name` in lower case.
  absl::string_view Header(absl::string_view name) const;
  absl::string_view text() const {
    return absl::string_view(reinterpret_cast<const char*>(body.data()), body.size());
  }
};

// One request, one answer; redirects are answers. Any number of requests at once, from any threads.
class HttpClient {
 public:
  virtual ~HttpClient() = default;

  // Any status of HTTP is a success here. Errors:
  //   Unavailable       no connection, or it broke before the answer was whole
  //   DeadlineExceeded  too slow
  //   Cancelled         `cancelled` said so
  //   PermissionDenied  the server's certificate is not trusted
  //   InvalidArgument   a URL, proxy or file with certificates that cannot be used
  //   DataLoss          a reply beyond max_reply_bytes
  virtual absl::StatusOr<HttpResponse> Perform(const HttpRequest& request) = 0;
};

}  // namespace strata::io

#pragma once

#include <memory>
#include <string>

#include "io/curl_loop.h"
#include "io/http_client.h"

namespace strata::io {

struct HttpLimits {
  int64_t connect_us = 5'000'000;  // also for the handshake of TLS
  int64_t standstill_s = 15;       // a transfer slower than kSlowest for so long is ended
};

// HttpClient over libcurl: HTTP/1.1, connections kept and used again, proxies from HTTPS_PROXY,
// http_proxy, ALL_PROXY and NO_PROXY as libcurl reads them.
class CurlHttpClient : public HttpClient {
 public:
  // `ca_bundle`: file with the certificates (PEM) to trust instead of the system's; empty: those.
  // Loads libcurl; touches no network.
  static absl::StatusOr<std::unique_ptr<CurlHttpClient>> New(const std::string& ca_bundle,
                                                             const HttpLimits& limits = {});

  absl::StatusOr<HttpResponse> Perform(const HttpRequest& request) override;

 private:
  CurlHttpClient(const CurlLibrary& curl, const std::string& ca_bundle, const HttpLimits& limits);

  const CurlLibrary& curl_;
  const std::string ca_bundle_;
  const HttpLimits limits_;
  CurlLoop loop_;
};

}  // namespace strata::io

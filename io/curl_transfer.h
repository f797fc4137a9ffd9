#pragma once

#include <string>

#include "io/curl_http_client.h"
#include "io/curl_library.h"
#include "io/http_client.h"

namespace strata::io {

// One request on its way through libcurl: its options, what came back so far, and what libcurl's
// result means.
class CurlTransfer {
 public:
  // All must outlive the transfer.
  CurlTransfer(const CurlLibrary& curl, const HttpRequest& request, const std::string& ca_bundle,
               const HttpLimits& limits);
  ~CurlTransfer();
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;

  absl::Status Prepare();
  CURL* easy() const { return easy_; }
  absl::StatusOr<HttpResponse> Finish(CURLcode result);

 private:
  static size_t OnBody(char* bytes, size_t one, size_t count, void* self);
  static size_t OnHeader(char* bytes, size_t one, size_t count, void* self);
  static size_t OnSend(char* to, size_t one, size_t count, void* self);
  static int OnSeek(void* self, curl_off_t offset, int origin);
  static int OnProgress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t);

  void SetLimits();
  void SetCallbacks();
  void SetBody();
  absl::Status SetHeaders();
  void TakeHeader(absl::string_view line);
  absl::Status ErrorOf(CURLcode result) const;

  const CurlLibrary& curl_;
  const HttpRequest& request_;
  const std::string& ca_bundle_;
  const HttpLimits& limits_;
  CURL* const easy_;
  curl_slist* headers_ = nullptr;
  char error_[CURL_ERROR_SIZE] = {};
  size_t sent_ = 0;
  bool too_long_ = false;
  HttpResponse response_;
};

}  // namespace strata::io

#pragma once

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <unordered_map>

#include "io/curl_library.h"

namespace strata::io {

// libcurl's multi interface (https://curl.se/libcurl/c/libcurl-multi.html) driven by Asio. Only on
// the thread that runs `context`.
class CurlMulti {
 public:
  CurlMulti(const CurlLibrary& curl, asio::io_context* context);
  ~CurlMulti();

  // Starts a transfer; `done` is called at its end, after libcurl let go of `easy`.
  void Add(CURL* easy, std::function<void(CURLcode)> done);

  // Closes all connections and waits for nothing any more.
  void Close();

 private:
  struct Watch;  // of one socket

  static int OnSocket(CURL* easy, curl_socket_t socket, int what, void* self, void* watch);
  static int OnTimer(CURLM* multi, long timeout_ms, void* self);
  void WatchSocket(curl_socket_t socket, int what);
  void Forget(curl_socket_t socket);
  void Arm(const std::shared_ptr<Watch>& watch, bool for_read);
  void Act(curl_socket_t socket, int event);

  const CurlLibrary& curl_;
  asio::io_context* const context_;
  asio::steady_timer timer_;
  CURLM* multi_;
  std::unordered_map<curl_socket_t, std::shared_ptr<Watch>> watches_;
  std::unordered_map<CURL*, std::function<void(CURLcode)>> transfers_;
};

}  // namespace strata::io

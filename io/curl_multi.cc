#include "io/curl_multi.h"

#include <asio/posix/stream_descriptor.hpp>
#include <chrono>

#undef curl_multi_setopt

namespace strata::io {
namespace {

constexpr long kConnectionsKept = 64;

}  // namespace

// The descriptor is libcurl's: it is released, never closed.
struct CurlMulti::Watch {
  Watch(asio::io_context& context, curl_socket_t number)
      : socket(number), descriptor(context, number) {}
  ~Watch() { Release(); }

  void Release() {
    if (descriptor.is_open()) descriptor.release();
  }

  const curl_socket_t socket;
  asio::posix::stream_descriptor descriptor;
  int wanted = 0;
  bool armed[2] = {false, false};  // for writing, for reading
};

CurlMulti::CurlMulti(const CurlLibrary& curl, asio::io_context* context)
    : curl_(curl), context_(context), timer_(*context), multi_(curl.multi_init()) {
  curl_.multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlMulti::OnSocket);
  curl_.multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_.multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlMulti::OnTimer);
  curl_.multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_.multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kConnectionsKept);
}

CurlMulti::~CurlMulti() { Close(); }

void CurlMulti::Close() {
  if (multi_ != nullptr) curl_.multi_cleanup(multi_);
  multi_ = nullptr;
  watches_.clear();
  timer_.cancel();
}

void CurlMulti::Add(CURL* easy, std::function<void(CURLcode)> done) {
  if (curl_.multi_add_handle(multi_, easy) != CURLM_OK) {
    done(CURLE_FAILED_INIT);
    return;
  }
  transfers_.emplace(easy, std::move(done));
}

int CurlMulti::OnSocket(CURL*, curl_socket_t socket, int what, void* self, void*) {
  auto* const multi = static_cast<CurlMulti*>(self);
  if (what == CURL_POLL_REMOVE) {
    multi->Forget(socket);
  } else {
    multi->WatchSocket(socket, what);
  }
  return 0;
}

int CurlMulti::OnTimer(CURLM*, long timeout_ms, void* self) {
  auto* const multi = static_cast<CurlMulti*>(self);
  multi->timer_.cancel();
  if (timeout_ms < 0) return 0;
  multi->timer_.expires_after(std::chrono::milliseconds(timeout_ms));
  multi->timer_.async_wait([multi](const asio::error_code& error) {
    if (!error) multi->Act(CURL_SOCKET_TIMEOUT, 0);
  });
  return 0;
}

void CurlMulti::WatchSocket(curl_socket_t socket, int what) {
  std::shared_ptr<Watch>& watch = watches_[socket];
  if (watch == nullptr) watch = std::make_shared<Watch>(*context_, socket);
  watch->wanted = what;
  const std::shared_ptr<Watch> kept = watch;
  Arm(kept, true);
  Arm(kept, false);
}

void CurlMulti::Forget(curl_socket_t socket) {
  const auto found = watches_.find(socket);
  if (found == watches_.end()) return;
  found->second->wanted = 0;
  found->second->Release();
  watches_.erase(found);
}

// A handler holds its Watch, so that the number of a socket that was closed and opened again is not
// taken for the old one.
void CurlMulti::Arm(const std::shared_ptr<Watch>& watch, bool for_read) {
  const int wanted = for_read ? CURL_POLL_IN : CURL_POLL_OUT;
  if ((watch->wanted & wanted) == 0 || watch->armed[for_read]) return;
  watch->armed[for_read] = true;
  using Descriptor = asio::posix::stream_descriptor;
  watch->descriptor.async_wait(
      for_read ? Descriptor::wait_read : Descriptor::wait_write,
      [this, watch, for_read, wanted](const asio::error_code& error) {
        watch->armed[for_read] = false;
        if ((watch->wanted & wanted) == 0 || error == asio::error::operation_aborted) return;
        const int event = for_read ? CURL_CSELECT_IN : CURL_CSELECT_OUT;
        Act(watch->socket, error ? CURL_CSELECT_ERR : event);
        Arm(watch, for_read);
      });
}

void CurlMulti::Act(curl_socket_t socket, int event) {
  if (multi_ == nullptr) return;
  int running = 0;
  curl_.multi_socket_action(multi_, socket, event, &running);
  int left = 0;
  while (CURLMsg* message = curl_.multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* const easy = message->easy_handle;
    const CURLcode result = message->data.result;  // gone after the next call
    curl_.multi_remove_handle(multi_, easy);
    const auto found = transfers_.find(easy);
    const std::function<void(CURLcode)> done = std::move(found->second);
    transfers_.erase(found);
    done(result);
  }
}

}  // namespace strata::io

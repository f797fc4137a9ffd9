#include "tools/metrics_server.h"

#include <asio.hpp>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "io/mutex.h"

namespace strata::tools {
namespace {

using asio::ip::tcp;

constexpr size_t kLongestRequest = 8 << 10;
constexpr auto kRequestTime = asio::chrono::seconds(5);

std::string Answer(const std::string& status, const std::string& body) {
  return absl::StrCat("HTTP/1.1 ", status,
                      "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
                      "Connection: close\r\nContent-Length: ",
                      body.size(), "\r\n\r\n", body);
}

std::string AnswerTo(const std::string& request, const std::string& metrics) {
  if (absl::StartsWith(request, "GET /metrics ") || absl::StartsWith(request, "GET /metrics?"))
    return Answer("200 OK", metrics);
  if (absl::StartsWith(request, "GET ")) return Answer("404 Not Found", "see /metrics\n");
  return Answer("405 Method Not Allowed", "");
}

// One connection; lives until its last handler has run.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, std::string metrics)
      : socket_(std::move(socket)),
        deadline_(socket_.get_executor()),
        request_(kLongestRequest),
        metrics_(std::move(metrics)) {}

  void Start() {
    deadline_.expires_after(kRequestTime);
    deadline_.async_wait([self = shared_from_this()](const asio::error_code& error) {
      if (!error) self->Close();
    });
    asio::async_read_until(
        socket_, request_, "\r\n\r\n",
        [self = shared_from_this()](const asio::error_code& error, size_t) { self->Reply(error); });
  }

 private:
  void Reply(const asio::error_code& error) {
    const std::string request(asio::buffers_begin(request_.data()),
                              asio::buffers_end(request_.data()));
    answer_ = error ? Answer("400 Bad Request", "") : AnswerTo(request, metrics_);
    asio::async_write(
        socket_, asio::buffer(answer_),
        [self = shared_from_this()](const asio::error_code&, size_t) { self->Close(); });
  }
  void Close() {
    asio::error_code ignored;
    deadline_.cancel();
    socket_.shutdown(tcp::socket::shutdown_both, ignored);
    socket_.close(ignored);
  }

  tcp::socket socket_;
  asio::steady_timer deadline_;
  asio::streambuf request_;
  const std::string metrics_;
  std::string answer_;
};

}  // namespace

class MetricsServer::Loop {
 public:
  Loop() : acceptor_(context_) {}
  ~Loop() {
    context_.stop();
    if (thread_.joinable()) thread_.join();
  }

  absl::Status Listen(int port) {
    asio::error_code error;
    const tcp::endpoint place(asio::ip::address_v4::loopback(), static_cast<uint16_t>(port));
    acceptor_.open(place.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(place, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error)
      return absl::UnavailableError(absl::StrCat("127.0.0.1:", port, ": ", error.message()));
    Accept();
    thread_ = std::thread([this] { context_.run(); });
    return absl::OkStatus();
  }

  int port() const { return acceptor_.local_endpoint().port(); }

  void Publish(std::string text) {
    io::MutexLock lock(&mutex_);
    text_ = std::move(text);
  }

 private:
  std::string text() {
    io::MutexLock lock(&mutex_);
    return text_;
  }
  void Accept() {
    acceptor_.async_accept([this](const asio::error_code& error, tcp::socket socket) {
      if (!error) std::make_shared<Session>(std::move(socket), text())->Start();
      Accept();
    });
  }

  asio::io_context context_;
  tcp::acceptor acceptor_;
  std::thread thread_;
  io::Mutex mutex_;
  std::string text_ ABSL_GUARDED_BY(mutex_);
};

MetricsServer::MetricsServer(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
MetricsServer::~MetricsServer() = default;

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(int port) {
  auto loop = std::make_unique<Loop>();
  const absl::Status listening = loop->Listen(port);
  if (!listening.ok()) return listening;
  return std::unique_ptr<MetricsServer>(new MetricsServer(std::move(loop)));
}

int MetricsServer::port() const { return loop_->port(); }
void MetricsServer::Publish(std::string text) { loop_->Publish(std::move(text)); }

}  // namespace strata::tools

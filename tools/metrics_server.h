#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace strata::tools {

// Answers GET /metrics over HTTP/1.1 on 127.0.0.1 with the text that was published last; everything
// else is 404, 405 or 400. A request may take 5 s and 8 KiB, and ends its connection. Safe to call
// from any thread.
class MetricsServer {
 public:
  // `port` 0: any that is free. Unavailable: the port is taken.
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Start(int port);
  ~MetricsServer();

  int port() const;
  void Publish(std::string text);

 private:
  class Loop;
  explicit MetricsServer(std::unique_ptr<Loop> loop);
  const std::unique_ptr<Loop> loop_;
};

}  // namespace strata::tools

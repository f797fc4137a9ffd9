#include "io/log.h"

namespace strata::io {
namespace {

class SilentLoggerImpl : public Logger {
 public:
  void Log(Severity severity, std::string_view message) override {}
};

}  // namespace

Logger& SilentLogger() {
  static SilentLoggerImpl& instance = *new SilentLoggerImpl;
  return instance;
}

}  // namespace strata::io

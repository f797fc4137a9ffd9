#pragma once

#include <string_view>

namespace strata::io {

enum class Severity { kInfo, kWarning, kError };

// Where the library says what an operator should know. Silent by default: it lives in other
// people's programs. Called from any thread, must not block for long and must not call back into
// Strata.
class Logger {
 public:
  virtual ~Logger() = default;
  virtual void Log(Severity severity, std::string_view message) = 0;
};

// Drops everything; lives as long as the process.
Logger& SilentLogger();

}  // namespace strata::io

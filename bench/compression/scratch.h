#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/support/temporary_directory.h"

namespace strata::bench {

// A directory of its own for a database, removed at the end.
class Scratch {
 public:
  explicit Scratch(const std::string& parent) : directory_("bench", parent) {}

  std::string path() const { return directory() + "/app.db"; }
  const std::string& directory() const { return directory_.path(); }

 private:
  const support::TemporaryDirectory directory_;
};

// Ends the program with the message of an error.
void Check(const absl::Status& status);

template <typename T>
T Take(absl::StatusOr<T> value) {
  Check(value.status());
  return *std::move(value);
}

double Seconds();  // monotonic

}  // namespace strata::bench

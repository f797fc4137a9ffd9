#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace strata::io {

// A library of the system that is loaded when it is first needed, and then stays: programs that
// never open an S3 store neither need it nor load it (docs/decisions/0019).
class SharedLibrary {
 public:
  // NotFound, with the name of Debian's package, when it is not installed.
  static absl::StatusOr<SharedLibrary> Load(const std::string& soname, const std::string& package);

  // Sets `*function` to the symbol, or returns Unimplemented: the library is too old.
  template <typename Function>
  absl::Status Find(const char* symbol, Function* function) const {
    void* address = Address(symbol);
    if (address == nullptr) return Missing(symbol);
    *function = reinterpret_cast<Function>(address);
    return absl::OkStatus();
  }

 private:
  SharedLibrary(void* handle, std::string soname) : handle_(handle), soname_(std::move(soname)) {}
  void* Address(const char* symbol) const;
  absl::Status Missing(const char* symbol) const;

  void* handle_;
  std::string soname_;
};

}  // namespace strata::io

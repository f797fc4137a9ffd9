#include "io/shared_library.h"

#include <dlfcn.h>

#include "absl/strings/str_cat.h"

namespace strata::io {

absl::StatusOr<SharedLibrary> SharedLibrary::Load(const std::string& soname,
                                                  const std::string& package) {
  void* handle = dlopen(soname.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* why = dlerror();
    return absl::NotFoundError(absl::StrCat("stores on s3:// need ", soname, " (Debian package ",
                                            package, "): ", why == nullptr ? "" : why));
  }
  return SharedLibrary(handle, soname);
}

void* SharedLibrary::Address(const char* symbol) const { return dlsym(handle_, symbol); }

absl::Status SharedLibrary::Missing(const char* symbol) const {
  return absl::UnimplementedError(absl::StrCat(soname_, " has no function ", symbol));
}

}  // namespace strata::io

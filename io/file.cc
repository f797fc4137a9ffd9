#include "io/file.h"

namespace strata::io {

std::string DirectoryOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  const size_t end = path.find_last_not_of('/', slash);
  if (end == std::string_view::npos) return "/";
  return std::string(path.substr(0, end + 1));
}

}  // namespace strata::io

#include "tests/sqlite_surface/library.h"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>

namespace strata::sqlite_surface {

namespace {

void* Find(void* library, const char* name) {
  void* found = dlsym(library, name);
  if (found != nullptr) return found;
  std::fprintf(stderr, "%s\n", dlerror());
  std::abort();
}

}  // namespace

Library::Library(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    std::fprintf(stderr, "%s\n", dlerror());
    std::abort();
  }
#define STRATA_SURFACE_FIND(name) \
  this->name = reinterpret_cast<decltype(this->name)>(Find(library, "sqlite3_" #name));
  STRATA_SURFACE_FUNCTIONS(STRATA_SURFACE_FIND)
#undef STRATA_SURFACE_FIND
}

const Library& Library::Stock() {
  static const auto* library = new Library(STRATA_STOCK_LIBRARY);
  return *library;
}

const Library& Library::Strata() {
  static const auto* library = new Library(STRATA_DROP_IN_LIBRARY);
  return *library;
}

}  // namespace strata::sqlite_surface

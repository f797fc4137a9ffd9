#pragma once

#include <sqlite3.h>

#include <new>
#include <system_error>

namespace strata::sqlite {

template <typename Body>
int Guard(Body body) noexcept {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return SQLITE_NOMEM;
  } catch (...) {
    return SQLITE_INTERNAL;
  }
}

}  // namespace strata::sqlite

#pragma once

#include <sqlite3.h>

#include <new>

#include "sqlite/engine_allocation.h"

namespace strata::sqlite {

// Runs a method's body; what it throws (memory, above all) becomes a result code.
template <typename Body>
int Guard(Body body) noexcept {
  const InsideEngine inside;
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return SQLITE_NOMEM;
  } catch (...) {
    return SQLITE_INTERNAL;
  }
}

}  // namespace strata::sqlite

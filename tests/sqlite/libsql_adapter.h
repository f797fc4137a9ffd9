/* An engine's table as a libsql_wal_manager: see libsql_adapter.c. */
#pragma once

#include "sqlite/virtual_wal.h"

#ifdef STRATA_LIBSQL_HEADER
#include STRATA_LIBSQL_HEADER
#else
#include "tests/sqlite/libsql_shape.h"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Fills `out`, which lives as long as the process and owns nothing. */
void strata_libsql_manager(const strata_wal_methods* engine, libsql_wal_manager* out);

#ifdef __cplusplus
}
#endif

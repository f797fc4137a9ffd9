#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Hands an error to the caller, or goes on.
#define STRATA_RETURN_IF_ERROR(expression)           \
  do {                                               \
    ::absl::Status strata_status_ = (expression);    \
    if (!strata_status_.ok()) return strata_status_; \
  } while (false)

#define STRATA_CONCAT_INNER_(a, b) a##b
#define STRATA_CONCAT_(a, b) STRATA_CONCAT_INNER_(a, b)

#define STRATA_ASSIGN_OR_RETURN_INNER_(result, target, expression) \
  auto result = (expression);                                      \
  if (!result.ok()) return std::move(result).status();             \
  target = std::move(result).value()

// Assigns the value of a StatusOr to `target` (which may be a declaration), or returns its error.
#define STRATA_ASSIGN_OR_RETURN(target, expression) \
  STRATA_ASSIGN_OR_RETURN_INNER_(STRATA_CONCAT_(strata_result_, __LINE__), target, expression)

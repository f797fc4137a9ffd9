#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace strata::sqlite_surface {

// One statement and the connection that runs it.
struct ScriptStep {
  int connection;
  std::string sql;
};

// SQL made from a seed: the same seed gives the same script. It reads no clock and no randomness,
// so that two SQLites must answer alike. Errors (busy, constraints, missing tables) are part of it.
struct Script {
  explicit Script(uint64_t seed);

  int connections;
  int page_size;
  bool is_full;         // synchronous=FULL, else OFF
  bool autocheckpoint;  // often; the script asks for no checkpoint then, as when one runs is
                        // Strata's affair
  std::vector<ScriptStep> steps;
};

}  // namespace strata::sqlite_surface

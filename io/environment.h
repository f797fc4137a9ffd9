#pragma once

#include <map>
#include <string>
#include <vector>

namespace strata::io {

// The only door to environment variables below tools.
class Environment {
 public:
  virtual ~Environment() = default;

  // The variable's value; empty when it is not set, which is the same everywhere in Strata.
  virtual std::string Get(const char* name) const = 0;
};

// The process's own. Not while another thread changes the environment: setenv(3) is not safe then.
const Environment& ProcessEnvironment();

// Keeps what another one says about the given variables at this moment, and knows no others.
class EnvironmentSnapshot : public Environment {
 public:
  EnvironmentSnapshot(const Environment& of, const std::vector<const char*>& names);
  std::string Get(const char* name) const override;

 private:
  std::map<std::string, std::string> values_;
};

}  // namespace strata::io

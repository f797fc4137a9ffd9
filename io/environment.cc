#include "io/environment.h"

#include <cstdlib>

namespace strata::io {
namespace {

class RealEnvironment : public Environment {
 public:
  std::string Get(const char* name) const override {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
  }
};

}  // namespace

const Environment& ProcessEnvironment() {
  static const RealEnvironment* const environment = new RealEnvironment;
  return *environment;
}

EnvironmentSnapshot::EnvironmentSnapshot(const Environment& of,
                                         const std::vector<const char*>& names) {
  for (const char* name : names) values_[name] = of.Get(name);
}

std::string EnvironmentSnapshot::Get(const char* name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? "" : found->second;
}

}  // namespace strata::io

#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "tools/namespace_status.h"

namespace strata::tools {

// Metrics in Prometheus' text format, version 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/): samples of one name stand
// together under one HELP and TYPE line.
class MetricsText {
 public:
  // A gauge; numbers are printed so that none is rounded.
  void Add(absl::string_view name, absl::string_view help, absl::string_view ns, double value);
  std::string Text() const;

 private:
  struct Family {
    std::string name;
    std::string help;
    std::string samples;
  };
  std::vector<Family> families_;  // in the order of their first sample
};

// Everything `strata status` knows of a namespace; docs/operating.md is the table of names.
void AddMetrics(const NamespaceStatus& status, MetricsText* metrics);

}  // namespace strata::tools

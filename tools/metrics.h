#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "io/request_counts.h"
#include "tools/namespace_status.h"

namespace strata::tools {

// Metrics in Prometheus' text format, version 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/): samples of one name stand
// together under one HELP and TYPE line.
class MetricsText {
 public:
  // A gauge; numbers are printed so that none is rounded.
  void Add(absl::string_view name, absl::string_view help, absl::string_view ns, double value);
  void AddGauge(absl::string_view name, absl::string_view help, double value);
  // What only grows while the process lives; `label` empty: none.
  void AddCounter(absl::string_view name, absl::string_view help, absl::string_view label,
                  absl::string_view label_value, uint64_t value);
  std::string Text() const;

 private:
  struct Family {
    std::string name;
    std::string help;
    const char* type = "gauge";
    std::string samples;
  };
  Family& FamilyOf(absl::string_view name, absl::string_view help, const char* type);
  std::vector<Family> families_;  // in the order of their first sample
};

// Everything `strata status` knows of a namespace; docs/operating.md is the table of names.
void AddMetrics(const NamespaceStatus& status, MetricsText* metrics);

// What was asked of a store, by kind.
void AddRequestMetrics(const io::RequestCounts& counts, MetricsText* metrics);

}  // namespace strata::tools

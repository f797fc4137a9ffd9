#include "tools/metrics.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace strata::tools {
namespace {

double Seconds(int64_t us) { return static_cast<double>(us) / 1e6; }

void AddJobs(const JobSummary& jobs, const std::string& kind, const std::string& ns,
             MetricsText* metrics) {
  metrics->Add(absl::StrCat("strata_", kind, "_done"), "Ended well, as the meta-db remembers", ns,
               static_cast<double>(jobs.done));
  metrics->Add(absl::StrCat("strata_", kind, "_failed"), "Failed, as the meta-db remembers", ns,
               static_cast<double>(jobs.failed));
  if (!jobs.last) return;
  metrics->Add(absl::StrCat("strata_", kind, "_last_timestamp_seconds"), "When the last one ended",
               ns, Seconds(jobs.last->ended_us));
  metrics->Add(absl::StrCat("strata_", kind, "_last_ok"), "1: the last one ended well", ns,
               jobs.last->state == "done");
}

void AddLocal(const LocalLog& local, const std::string& ns, MetricsText* metrics) {
  metrics->Add("strata_log_last_frame", "Last commit on this machine", ns,
               static_cast<double>(local.end.frame.value()));
  metrics->Add("strata_log_bytes", "Size of the log on this machine", ns,
               static_cast<double>(local.log_bytes));
  metrics->Add("strata_unshipped_frames", "Frames that the store does not have", ns,
               static_cast<double>(local.unshipped_frames));
  metrics->Add("strata_unshipped_bytes", "Log bytes that the store does not have", ns,
               static_cast<double>(local.unshipped_bytes));
  metrics->Add("strata_store_behind_seconds",
               "From the last commit in the store to the last one on this machine", ns,
               Seconds(local.behind_us));
}

}  // namespace

MetricsText::Family& MetricsText::FamilyOf(absl::string_view name, absl::string_view help,
                                           const char* type) {
  const auto family = std::find_if(families_.begin(), families_.end(),
                                   [&](const Family& each) { return each.name == name; });
  if (family != families_.end()) return *family;
  families_.push_back({std::string(name), std::string(help), type, ""});
  return families_.back();
}

void MetricsText::Add(absl::string_view name, absl::string_view help, absl::string_view ns,
                      double value) {
  absl::StrAppendFormat(&FamilyOf(name, help, "gauge").samples, "%s{namespace=\"%s\"} %.17g\n",
                        name, ns, value);
}

void MetricsText::AddGauge(absl::string_view name, absl::string_view help, double value) {
  absl::StrAppendFormat(&FamilyOf(name, help, "gauge").samples, "%s %.17g\n", name, value);
}

void MetricsText::AddCounter(absl::string_view name, absl::string_view help,
                             absl::string_view label, absl::string_view label_value,
                             uint64_t value) {
  std::string labels;
  if (!label.empty()) labels = absl::StrCat("{", label, "=\"", label_value, "\"}");
  absl::StrAppend(&FamilyOf(name, help, "counter").samples, name, labels, " ", value, "\n");
}

std::string MetricsText::Text() const {
  std::string text;
  for (const Family& family : families_) {
    absl::StrAppend(&text, "# HELP ", family.name, " ", family.help, "\n# TYPE ", family.name, " ",
                    family.type, "\n", family.samples);
  }
  return text;
}

void AddRequestMetrics(const io::RequestCounts& counts, MetricsText* metrics) {
  for (size_t i = 0; i < io::kRequestKinds; ++i) {
    metrics->AddCounter("strata_store_requests_total", "What was asked of the store", "kind",
                        io::kRequestKindNames[i], counts.of[i]);
  }
  metrics->AddCounter("strata_store_retries_total", "Requests that were made again", "", "",
                      counts.retries);
  metrics->AddCounter("strata_store_sent_bytes_total", "Bytes of bodies sent", "", "",
                      counts.bytes_sent);
  metrics->AddCounter("strata_store_received_bytes_total", "Bytes of bodies received", "", "",
                      counts.bytes_received);
}

void AddMetrics(const NamespaceStatus& status, MetricsText* metrics) {
  const std::string& ns = status.ns;
  metrics->Add("strata_store_segments", "Segments in the store", ns,
               static_cast<double>(status.segments));
  metrics->Add("strata_store_bytes", "Size of the segments in the store", ns,
               static_cast<double>(status.bytes));
  metrics->Add("strata_store_epoch", "Epoch of the newest writer", ns,
               static_cast<double>(status.epoch.value()));
  metrics->Add("strata_store_last_frame", "Last commit in the store", ns,
               static_cast<double>(status.last.frame.value()));
  metrics->Add("strata_restorable_from_timestamp_seconds", "First commit that can be restored", ns,
               Seconds(status.first.time_us));
  metrics->Add("strata_restorable_to_timestamp_seconds", "Last commit that can be restored", ns,
               Seconds(status.last.time_us));
  metrics->Add("strata_store_complete", "1: no frame is missing before the last one", ns,
               status.complete);
  AddJobs(status.verifications, "verifications", ns, metrics);
  AddJobs(status.compactions, "compactions", ns, metrics);
  if (status.local) AddLocal(*status.local, ns, metrics);
}

}  // namespace strata::tools

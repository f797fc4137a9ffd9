#include "tools/compact_watch.h"

#include <signal.h>

#include <algorithm>
#include <ctime>
#include <iostream>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "compactor/change_watch.h"
#include "io/clock.h"
#include "io/posix_file_system.h"
#include "io/replace_file.h"
#include "io/sleeper.h"
#include "io/status_macros.h"
#include "tools/format.h"
#include "tools/metrics.h"
#include "tools/metrics_server.h"

namespace strata::tools {
namespace {

constexpr int64_t kFirstRetryUs = 60'000'000;
constexpr int64_t kLongestRetryUs = 3'600'000'000;
constexpr uint64_t kRoundsPerCleaning = 8640;  // a day, at the default

sigset_t EndSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

struct Failures {
  int64_t retry_us = 0;    // monotonic
  int64_t backoff_us = 0;  // before that
};

class Watcher {
 public:
  Watcher(io::ObjectStore* store, meta::MetaDb* meta_db, const CompactSettings& compact,
          const WatchSettings& settings)
      : store_(*store),
        meta_db_(meta_db),
        settings_(settings),
        watch_(store, &io::SystemClock()),
        compactor_(store, meta_db, compact) {}

  absl::Status Run();

 private:
  absl::Status StartMetrics();
  bool EndsWithin(int seconds);
  void Round();
  void Look();
  bool IsWatched(const std::string& ns);
  void CompactOne(const std::string& ns);
  void CompactDue();
  void PublishMetrics();
  std::string Metrics() const;

  io::ObjectStore& store_;
  meta::MetaDb* const meta_db_;
  const WatchSettings& settings_;
  compactor::ChangeWatch watch_;
  NamespaceCompactor compactor_;
  std::unique_ptr<MetricsServer> server_;
  std::set<std::string> due_;
  std::map<std::string, Failures> failed_;

  bool ends_ = false;

  uint64_t rounds_ = 0;
  uint64_t looks_failed_ = 0;
  uint64_t runs_failed_ = 0;
  uint64_t merges_ = 0;
  uint64_t input_bytes_ = 0;
  uint64_t output_bytes_ = 0;
  int64_t last_look_us_ = 0;
};

absl::Status Watcher::StartMetrics() {
  if (!settings_.metrics_port) return absl::OkStatus();
  STRATA_ASSIGN_OR_RETURN(server_, MetricsServer::Start(*settings_.metrics_port));
  std::cerr << "strata: metrics at http://127.0.0.1:" << server_->port() << "/metrics\n";
  return absl::OkStatus();
}

// A signal came within that time, or before.
bool Watcher::EndsWithin(int seconds) {
  const sigset_t set = EndSignals();
  const timespec time = {seconds, 0};
  ends_ = ends_ || sigtimedwait(&set, nullptr, &time) > 0;
  return ends_;
}

bool Watcher::IsWatched(const std::string& ns) {
  if (!settings_.names.empty())
    return std::find(settings_.names.begin(), settings_.names.end(), ns) != settings_.names.end();
  return meta_db_->Find(store_.url(), ns).ok();
}

// Once in a while it cleans up instead, so that there is never more than one request for nothing.
void Watcher::Look() {
  if (rounds_++ % kRoundsPerCleaning == 1) {
    const absl::Status removed = watch_.RemoveOld().status();
    if (!removed.ok()) std::cerr << "strata: " << removed.message() << "\n";
    return;
  }
  const auto changed = watch_.Poll();
  if (!changed.ok()) {
    ++looks_failed_;
    std::cerr << "strata: " << changed.status().message() << "\n";
    return;
  }
  last_look_us_ = io::SystemClock().NowMicros();
  for (const std::string& ns : *changed) {
    if (IsWatched(ns)) due_.insert(ns);
  }
}

void Watcher::CompactOne(const std::string& ns) {
  const absl::Status status = compactor_.Run(ns, [&](const auto& plan, const auto& result) {
    ++merges_;
    input_bytes_ += plan.input_bytes;
    if (result) output_bytes_ += result->output.size;
    std::cout << ns << ": " << plan.inputs.size() << " segments, " << FormatBytes(plan.input_bytes)
              << " -> " << (result ? FormatBytes(result->output.size) : "not run") << std::endl;
  });
  if (status.ok()) {
    failed_.erase(ns);
    return;
  }
  ++runs_failed_;
  Failures& failures = failed_[ns];
  failures.backoff_us = std::clamp(2 * failures.backoff_us, kFirstRetryUs, kLongestRetryUs);
  failures.retry_us = io::SystemClock().MonotonicMicros() + failures.backoff_us;
  std::cerr << "strata: " << ns << ": " << status.message() << "\n";
}

void Watcher::CompactDue() {
  const int64_t now_us = io::SystemClock().MonotonicMicros();
  for (const auto& [ns, failures] : failed_) {
    if (failures.retry_us <= now_us) due_.insert(ns);
  }
  while (!due_.empty() && !EndsWithin(0)) {
    const std::string ns = due_.extract(due_.begin()).value();
    const auto failures = failed_.find(ns);
    if (failures == failed_.end() || failures->second.retry_us <= now_us) CompactOne(ns);
    PublishMetrics();
  }
}

std::string Watcher::Metrics() const {
  MetricsText metrics;
  metrics.AddCounter("strata_compactor_merges_total", "Merges made", "", "", merges_);
  metrics.AddCounter("strata_compactor_input_bytes_total", "Stored bytes that were merged", "", "",
                     input_bytes_);
  metrics.AddCounter("strata_compactor_output_bytes_total", "Stored bytes that came of it", "", "",
                     output_bytes_);
  metrics.AddCounter("strata_compactor_failures_total", "Namespaces that could not be merged", "",
                     "", runs_failed_);
  metrics.AddCounter("strata_compactor_looks_total", "Looks at the store for changes", "", "",
                     rounds_);
  metrics.AddCounter("strata_compactor_looks_failed_total", "Of these, those that failed", "", "",
                     looks_failed_);
  metrics.AddGauge("strata_compactor_waiting", "Namespaces that changed and wait for their turn",
                   static_cast<double>(due_.size()));
  metrics.AddGauge("strata_compactor_failing", "Namespaces whose last merge failed",
                   static_cast<double>(failed_.size()));
  metrics.AddGauge("strata_compactor_last_look_timestamp_seconds", "When the store last answered",
                   static_cast<double>(last_look_us_) / 1e6);
  AddRequestMetrics(store_.request_counts(), &metrics);
  return metrics.Text();
}

void Watcher::PublishMetrics() {
  if (server_ == nullptr && settings_.metrics_file.empty()) return;
  const std::string text = Metrics();
  if (server_ != nullptr) server_->Publish(text);
  if (settings_.metrics_file.empty()) return;
  const absl::Status written =
      io::ReplaceFile(io::PosixFileSystem(), settings_.metrics_file,
                      {reinterpret_cast<const uint8_t*>(text.data()), text.size()}, {});
  if (!written.ok()) std::cerr << "strata: " << written.message() << "\n";
}

void Watcher::Round() {
  Look();
  CompactDue();
  PublishMetrics();
}

absl::Status Watcher::Run() {
  STRATA_RETURN_IF_ERROR(StartMetrics());
  do {
    Round();
  } while (!EndsWithin(settings_.poll_seconds));
  return absl::OkStatus();
}

}  // namespace

void HoldEndSignals() {
  const sigset_t set = EndSignals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

absl::Status WatchAndCompact(std::unique_ptr<io::ObjectStore> store, meta::MetaDb* meta_db,
                             const CompactSettings& compact, const WatchSettings& settings) {
  if (meta_db == nullptr && settings.names.empty()) {
    return absl::InvalidArgumentError(
        "nothing to watch: no namespace is named, and none is monitored (strata monitor)");
  }
  static io::RealSleeper sleeper;
  io::LimitedObjectStore limited(std::move(store), settings.limits, &io::SystemClock(), &sleeper);
  return Watcher(&limited, meta_db, compact, settings).Run();
}

}  // namespace strata::tools

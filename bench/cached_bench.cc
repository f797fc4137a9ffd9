#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "benchmark/benchmark.h"
#include "compactor/cached_history.h"
#include "compactor/compaction.h"
#include "meta/meta_db.h"
#include "tests/support/temporary_directory.h"

// What the commands do without the store when a namespace has a million segments: a meta-db made
// once, then read. Results: docs/benchmarks/planner.md.
namespace strata::compactor {
namespace {

using segment::Epoch;
using segment::EpochClaim;
using segment::FrameNo;
using segment::LogId;
using segment::StoredSegment;

constexpr uint64_t kSealed = 1'000'000;
constexpr char kUrl[] = "file:///store";
constexpr char kNs[] = "app";

// A million sealed segments of ten frames, written under a thousand epochs, eight of a level
// compacted into one of the next.
std::vector<StoredSegment> Segments(const LogId& log_id) {
  std::mt19937_64 random(1);
  std::vector<StoredSegment> segments;
  uint8_t level = segment::kSealedLevel;
  for (uint64_t width = 1; width <= kSealed; width *= 8, ++level) {
    for (uint64_t at = 0; at < kSealed; at += width) {
      const uint64_t end = std::min(kSealed, at + width);
      segments.push_back(
          {{log_id, FrameNo(at * 10 + 1), FrameNo(end * 10), Epoch(1 + (end - 1) / 1000), level},
           4096 + random() % (width << 20)});
    }
  }
  return segments;
}

std::vector<EpochClaim> Claims(const LogId& log_id) {
  std::vector<EpochClaim> claims;
  for (uint64_t i = 0; i < kSealed / 1000; ++i) {
    EpochClaim claim;
    claim.epoch = Epoch(1 + i);
    claim.log_id = log_id;
    claim.first_frame = FrameNo(i * 10'000 + 1);
    claim.page_size = 4096;
    claims.push_back(claim);
  }
  return claims;
}

const std::string& MetaPath() {
  static const support::TemporaryDirectory directory("bench");
  static const std::string path = directory.path() + "/meta.db";
  static const bool written = [] {
    LogId log_id;
    log_id.bytes.fill(7);
    const auto meta_db = meta::MetaDb::Open(path);
    const auto monitored = (*meta_db)->Monitor(kUrl, kNs, 1);
    const absl::Status stored =
        (*meta_db)->Store(monitored->id, true, Segments(log_id), Claims(log_id), 2);
    if (!stored.ok()) std::abort();
    return true;
  }();
  return path;
}

const NamespaceHistory& History() {
  static const NamespaceHistory history = [] {
    const auto meta_db = meta::MetaDb::Open(MetaPath());
    return LoadCachedHistory(meta_db->get(), kUrl, kNs)->history;
  }();
  return history;
}

void Open(benchmark::State& state) {
  MetaPath();
  for (auto _ : state) {
    const auto meta_db = meta::MetaDb::Open(MetaPath());
    const auto cached = LoadCachedHistory(meta_db->get(), kUrl, kNs);
    if (!cached.ok() || cached->history.live() == nullptr) state.SkipWithError("not opened");
    state.counters["segments"] = static_cast<double>(cached->history.live()->segments.size());
  }
}
BENCHMARK(Open)->Unit(benchmark::kMillisecond);

void Points(benchmark::State& state) {
  const LogHistory& log = *History().live();
  for (auto _ : state) {
    const auto coverage = CoverageOf(kNs, log);
    if (!coverage.ok() || coverage->size() != 1) state.SkipWithError("wrong");
  }
}
BENCHMARK(Points)->Unit(benchmark::kMillisecond);

void Plan(benchmark::State& state) {
  const LogHistory& log = *History().live();
  for (auto _ : state) {
    if (!PlanPath(kNs, log, EndOf(log)).ok()) state.SkipWithError("no path");
  }
}
BENCHMARK(Plan)->Unit(benchmark::kMillisecond);

void PlanMerges(benchmark::State& state) {
  const LogHistory& log = *History().live();
  for (auto _ : state) {
    if (!PlanCompactions(History(), log, Strategy::kTiered).ok()) state.SkipWithError("no plan");
  }
}
BENCHMARK(PlanMerges)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace strata::compactor

BENCHMARK_MAIN();

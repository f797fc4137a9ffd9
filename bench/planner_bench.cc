#include <algorithm>
#include <random>
#include <vector>

#include "benchmark/benchmark.h"
#include "compactor/frame_graph.h"
#include "compactor/strategies.h"

// The planner on a million segments: the restore path, and what to merge. Results:
// docs/benchmarks/planner.md.
namespace strata::compactor {
namespace {

using segment::FrameNo;

constexpr uint64_t kSealed = 1'000'000;

// Sealed segments of ten frames, in key order as a store lists them; with `levels`, eight of each
// level compacted into one of the next.
std::vector<GraphSegment> History(bool levels) {
  std::mt19937_64 random(1);
  std::vector<GraphSegment> segments;
  for (uint64_t width = 1; width <= (levels ? kSealed : 1); width *= 8) {
    for (uint64_t at = 0; at < kSealed; at += width) {
      const FrameNo last(std::min(kSealed, at + width) * 10);
      segments.push_back({FrameNo(at * 10 + 1), last, 4096 + random() % (width << 20), width == 1});
    }
  }
  std::stable_sort(segments.begin(), segments.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first, a.last) < std::pair(b.first, b.last);
  });
  return segments;
}

void Plan(benchmark::State& state, bool levels) {
  const std::vector<GraphSegment> segments = History(levels);
  for (auto _ : state) {
    const auto path = CheapestPath(segments, FrameNo(kSealed * 10));
    if (!path.ok()) state.SkipWithError("no path");
    state.counters["steps"] = static_cast<double>(path->size());
  }
  state.counters["segments"] = static_cast<double>(segments.size());
}
BENCHMARK_CAPTURE(Plan, Sealed, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Plan, SealedAndCompacted, true)->Unit(benchmark::kMillisecond);

void Merges(benchmark::State& state, Strategy strategy) {
  std::mt19937_64 random(2);
  std::vector<ChainLink> chain;
  for (uint64_t i = 0; i < kSealed; ++i) {
    chain.push_back({FrameNo(i * 10 + 1), FrameNo(i * 10 + 10), 4096 + random() % (1 << 20)});
  }
  for (auto _ : state) {
    const auto sets = ChooseMerges(strategy, chain);
    if (!sets.ok() || sets->empty()) state.SkipWithError("nothing to merge");
    benchmark::DoNotOptimize(ApplyMerges(chain, *sets));
  }
}
BENCHMARK_CAPTURE(Merges, All, Strategy::kAll)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Merges, Log, Strategy::kLogarithmic)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Merges, Tiered, Strategy::kTiered)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace strata::compactor

BENCHMARK_MAIN();

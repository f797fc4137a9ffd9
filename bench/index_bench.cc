#include <algorithm>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

#include "benchmark/benchmark.h"
#include "io/memory_stream.h"
#include "segment/page_index_builder.h"
#include "segment/page_union.h"

// The page index on the data for which the figures of the fst crate (0.4) are known, which stand in
// the labels: 8 maps of 442 thousand random pages out of 2 million, values a random permutation of
// 0..n-1; and pages in order. Results: docs/benchmarks/index.md.
namespace strata::segment {
namespace {

constexpr size_t kMaps = 8;
constexpr uint32_t kKeys = 442'000;
constexpr uint32_t kPages = 2'000'000;
constexpr size_t kLookups = 1 << 16;  // their pages stay in the second cache

using Entries = std::vector<PageIndexEntry>;

std::vector<uint32_t> Shuffled(uint32_t count, std::mt19937_64* random) {
  std::vector<uint32_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0);
  std::shuffle(numbers.begin(), numbers.end(), *random);
  return numbers;
}

Entries RandomEntries(uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<uint32_t> pages = Shuffled(kPages, &random);
  pages.resize(kKeys);
  std::sort(pages.begin(), pages.end());
  const std::vector<uint32_t> ordinals = Shuffled(kKeys, &random);
  Entries entries;
  for (uint32_t i = 0; i < kKeys; ++i) {
    entries.push_back({PageNo(pages[i] + 1), ordinals[i], random()});
  }
  return entries;
}

Entries DenseEntries() {
  std::mt19937_64 random(1);
  Entries entries;
  for (uint32_t i = 0; i < kKeys; ++i) entries.push_back({PageNo(i + 1), i, random()});
  return entries;
}

// Takes bytes and keeps their number.
class CountingSink : public io::ByteSink {
 public:
  absl::Status Append(io::ByteView bytes) override {
    bytes_ += bytes.size();
    return absl::OkStatus();
  }
  uint64_t bytes() const { return bytes_; }

 private:
  uint64_t bytes_ = 0;
};

bool BuildInto(const Entries& entries, io::ByteSink* index, io::ByteSink* hashes) {
  PageIndexBuilder builder(index, hashes);
  for (const PageIndexEntry& entry : entries) {
    if (!builder.Add(entry).ok()) return false;
  }
  return builder.Finish().ok();
}

struct Map {
  Entries entries;
  std::vector<uint8_t> index_bytes, hash_bytes;
  std::unique_ptr<PageIndex> index;
};

std::unique_ptr<Map> MakeMap(Entries entries) {
  auto map = std::make_unique<Map>();
  map->entries = std::move(entries);
  io::MemorySink index, hashes;
  if (!BuildInto(map->entries, &index, &hashes)) std::abort();
  map->index_bytes = index.Release();
  map->hash_bytes = hashes.Release();
  map->index = *PageIndex::OverMemory(map->index_bytes, map->hash_bytes);
  return map;
}

const Map& RandomMap(size_t number) {
  static std::unique_ptr<Map> maps[kMaps];
  if (maps[number] == nullptr) maps[number] = MakeMap(RandomEntries(100 + number));
  return *maps[number];
}

void Build(benchmark::State& state, const Entries& entries, const char* label) {
  double bytes = 0;
  for (auto _ : state) {
    CountingSink index, hashes;
    if (!BuildInto(entries, &index, &hashes)) state.SkipWithError("not built");
    bytes = static_cast<double>(index.bytes());
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * entries.size()));
  state.counters["bytes_per_key"] = bytes / static_cast<double>(entries.size());
  state.SetLabel(label);
}

void BuildRandom(benchmark::State& state) {
  Build(state, RandomMap(0).entries, "fst: 6.7 M/s, 9.7 bytes a key");
}
BENCHMARK(BuildRandom);

void BuildDense(benchmark::State& state) { Build(state, DenseEntries(), "fst: 0.006 bytes a key"); }
BENCHMARK(BuildDense);

// Pages to look up: `present` in the map, or not.
std::vector<uint32_t> PagesToFind(const Map& map, bool present) {
  std::mt19937_64 random(7);
  std::vector<uint32_t> pages;
  while (pages.size() < kLookups) {
    const size_t at = random() % (map.entries.size() - 1);
    const uint32_t page = map.entries[at].page.value();
    if (present) {
      pages.push_back(page);
    } else if (map.entries[at + 1].page.value() > page + 1) {
      pages.push_back(page + 1);
    }
  }
  return pages;
}

void Lookup(benchmark::State& state, bool present) {
  const Map& map = RandomMap(0);
  const std::vector<uint32_t> pages = PagesToFind(map, present);
  size_t next = 0;
  for (auto _ : state) {
    const auto found = map.index->Find(PageNo(pages[next++ % kLookups]));
    if (!found.ok() || found->has_value() != present) state.SkipWithError("wrong");
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
  state.SetLabel("fst: 155 ns");
}
BENCHMARK_CAPTURE(Lookup, Present, true);
BENCHMARK_CAPTURE(Lookup, Absent, false);

// Each lookup waits for the one before it: no overlap.
void LookupChained(benchmark::State& state) {
  const Map& map = RandomMap(0);
  const std::vector<uint32_t> pages = PagesToFind(map, true);
  size_t next = 0;
  for (auto _ : state) {
    const auto found = map.index->Find(PageNo(pages[next]));
    if (!found.ok() || !found->has_value()) state.SkipWithError("wrong");
    next = (next + 1 + (**found >> 31)) % kLookups;  // ordinals are far below 2^31
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
  state.SetLabel("fst: 155 ns");
}
BENCHMARK(LookupChained);

void Iterate(benchmark::State& state) {
  const Map& map = RandomMap(0);
  PageIndexEntry batch[256];
  for (auto _ : state) {
    const auto iterator = map.index->NewIterator();
    size_t entries = 0;
    while (const size_t filled = iterator->NextBatch(absl::MakeSpan(batch)).value()) {
      entries += filled;
    }
    if (entries != map.entries.size()) state.SkipWithError("wrong");
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kKeys));
}
BENCHMARK(Iterate);

// Items are keys that go in.
void UnionOfEight(benchmark::State& state) {
  for (size_t i = 0; i < kMaps; ++i) RandomMap(i);
  UnionEntry batch[256];
  for (auto _ : state) {
    std::vector<UnionSource> sources(kMaps);
    for (size_t i = 0; i < kMaps; ++i) sources[i].index = RandomMap(i).index->NewIterator();
    PageUnion merged(std::move(sources), UINT32_MAX);
    size_t winners = 0;
    while (const size_t filled = merged.NextBatch(absl::MakeSpan(batch)).value()) {
      winners += filled;
    }
    if (winners < kKeys || winners > kPages) state.SkipWithError("wrong");
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kMaps * kKeys));
  state.SetLabel("fst: 6.6 M/s");
}
BENCHMARK(UnionOfEight);

}  // namespace
}  // namespace strata::segment

BENCHMARK_MAIN();

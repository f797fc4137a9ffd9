#include "segment/page_union.h"

#include <map>
#include <random>

#include "gtest/gtest.h"

namespace strata::segment {
namespace {

using Entries = std::vector<PageIndexEntry>;

class VectorIterator : public PageIndexIterator {
 public:
  explicit VectorIterator(Entries entries) : entries_(std::move(entries)) {}
  absl::StatusOr<std::optional<PageIndexEntry>> Next() override {
    if (next_ == entries_.size()) return std::nullopt;
    return entries_[next_++];
  }

 private:
  const Entries entries_;
  size_t next_ = 0;
};

class BrokenIterator : public PageIndexIterator {
 public:
  absl::StatusOr<std::optional<PageIndexEntry>> Next() override {
    return absl::DataLossError("broken");
  }
};

struct Source {
  Entries entries;
  uint32_t live_limit = UINT32_MAX;
};

struct Winner {
  uint32_t page;
  size_t source;
  uint32_t ordinal;
  uint64_t hash;
  bool operator==(const Winner&) const = default;
};

std::vector<Winner> SlowUnion(const std::vector<Source>& sources, uint32_t database_pages) {
  std::map<uint32_t, Winner> newest;
  for (size_t i = 0; i < sources.size(); ++i) {
    for (const PageIndexEntry& entry : sources[i].entries) {
      const uint32_t page = entry.page.value();
      if (page > sources[i].live_limit || page > database_pages) continue;
      newest[page] = {page, i, entry.ordinal, entry.page_hash};
    }
  }
  std::vector<Winner> winners;
  for (const auto& [page, winner] : newest) winners.push_back(winner);
  return winners;
}

std::vector<Winner> FastUnion(const std::vector<Source>& sources, uint32_t database_pages) {
  std::vector<UnionSource> inputs;
  for (const Source& source : sources) {
    inputs.push_back({std::make_unique<VectorIterator>(source.entries), source.live_limit});
  }
  PageUnion pages(std::move(inputs), database_pages);
  std::vector<Winner> winners;
  UnionEntry batch[100];
  for (size_t wanted = 1;; wanted = wanted % 100 + 1) {
    const auto filled = pages.NextBatch(absl::MakeSpan(batch, wanted));
    EXPECT_TRUE(filled.ok()) << filled.status();
    if (!filled.ok() || *filled == 0) return winners;
    for (const UnionEntry& entry : absl::MakeConstSpan(batch, *filled)) {
      winners.push_back({entry.page.value(), entry.source, entry.ordinal, entry.page_hash});
    }
  }
}

Source RandomSource(std::mt19937_64* random, uint32_t highest_page) {
  Source source;
  const uint64_t one_in = 1 + (*random)() % 5;
  for (uint32_t page = 1; page <= highest_page; ++page) {
    if ((*random)() % one_in != 0) continue;
    source.entries.push_back({PageNo(page), static_cast<uint32_t>((*random)()), (*random)()});
  }
  if ((*random)() % 2 == 0) source.live_limit = static_cast<uint32_t>((*random)() % highest_page);
  return source;
}

TEST(PageUnionTest, UnionIsSameAsTwin) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    std::vector<Source> sources(random() % 12);
    const uint32_t highest = 1 + static_cast<uint32_t>(random() % 1500);
    for (Source& source : sources) source = RandomSource(&random, highest);
    const uint32_t limit = seed % 2 == 0 ? UINT32_MAX : static_cast<uint32_t>(random() % highest);
    ASSERT_EQ(FastUnion(sources, limit), SlowUnion(sources, limit));
  }
}

// Stretches of all pages, of some and of next to none, each over many windows.
Source StretchedSource(std::mt19937_64* random) {
  Source source;
  uint64_t page = 0;
  while (source.entries.size() < 3000) {
    const uint64_t step = uint64_t{1} << (*random)() % 20;
    for (uint64_t left = (*random)() % 500; left > 0; --left) {
      page += 1 + (*random)() % step;
      const uint32_t ordinal = static_cast<uint32_t>((*random)());
      source.entries.push_back({PageNo(static_cast<uint32_t>(page)), ordinal, (*random)()});
    }
  }
  return source;
}

TEST(PageUnionTest, UnionOfDenseAndSparseStretchesIsSameAsTwin) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    std::vector<Source> sources(1 + random() % 9);
    for (Source& source : sources) source = StretchedSource(&random);
    ASSERT_EQ(FastUnion(sources, UINT32_MAX), SlowUnion(sources, UINT32_MAX));
  }
}

TEST(PageUnionTest, PageThatDiedInAShrinkDoesNotComeBack) {
  // The oldest source has pages 1 to 3; a newer one shrank the database to 1 page and grew it to 3
  // again without writing page 3.
  const Source oldest = {{{PageNo(1), 0, 10}, {PageNo(2), 1, 11}, {PageNo(3), 2, 12}}, 1};
  const Source newest = {{{PageNo(2), 0, 20}}, UINT32_MAX};
  const std::vector<Winner> expected = {{1, 0, 0, 10}, {2, 1, 0, 20}};
  EXPECT_EQ(FastUnion({oldest, newest}, 3), expected);
}

TEST(PageUnionTest, HighestPageNumberIsOnlyAPage) {
  const Source source = {{{PageNo(UINT32_MAX), 1, 2}}, UINT32_MAX};
  EXPECT_EQ(FastUnion({source, source}, UINT32_MAX), (std::vector<Winner>{{UINT32_MAX, 1, 1, 2}}));
}

TEST(PageUnionTest, ErrorOfASourceIsHandedOn) {
  std::vector<UnionSource> inputs;
  inputs.push_back({std::make_unique<VectorIterator>(Entries{{PageNo(1), 0, 0}}), UINT32_MAX});
  inputs.push_back({std::make_unique<BrokenIterator>(), UINT32_MAX});
  PageUnion pages(std::move(inputs), 10);
  EXPECT_EQ(pages.Next().status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace strata::segment

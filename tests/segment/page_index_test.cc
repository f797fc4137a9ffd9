#include "segment/page_index.h"

#include <map>
#include <random>

#include "gtest/gtest.h"
#include "io/memory_stream.h"
#include "segment/page_index_builder.h"
#include "tests/segment/index_repair.h"

namespace strata::segment {
namespace {

// The slow, obvious twin.
struct Value {
  uint32_t ordinal;
  uint64_t hash;
  bool operator==(const Value&) const = default;
};
using Twin = std::map<uint32_t, Value>;

struct Built {
  std::vector<uint8_t> index;
  std::vector<uint8_t> hashes;
};

Built Build(const Twin& twin) {
  io::MemorySink index, hashes;
  PageIndexBuilder builder(&index, &hashes);
  for (const auto& [page, value] : twin) {
    EXPECT_TRUE(builder.Add({PageNo(page), value.ordinal, value.hash}).ok());
  }
  EXPECT_TRUE(builder.Finish().ok());
  EXPECT_EQ(builder.entries(), twin.size());
  EXPECT_EQ(builder.index_bytes(), index.bytes().size());
  EXPECT_EQ(builder.hash_bytes(), hashes.bytes().size());
  return {index.Release(), hashes.Release()};
}

// The index at some place within a larger source.
absl::StatusOr<std::unique_ptr<PageIndex>> OpenStored(const Built& built, uint64_t keep_bytes) {
  std::vector<uint8_t> bytes(77, 0xEE);
  const PageIndexPlace place = {77, built.index.size(), 77 + built.index.size(),
                                built.hashes.size()};
  bytes.insert(bytes.end(), built.index.begin(), built.index.end());
  bytes.insert(bytes.end(), built.hashes.begin(), built.hashes.end());
  return PageIndex::Open(std::make_shared<io::MemorySource>(bytes, "sample"), place, keep_bytes);
}

Twin ReadAll(const PageIndex& index) {
  Twin twin;
  const std::unique_ptr<PageIndexIterator> iterator = index.NewIterator();
  uint32_t last = 0;
  while (true) {
    const auto entry = iterator->Next();
    EXPECT_TRUE(entry.ok()) << entry.status();
    if (!entry.ok() || !entry->has_value()) return twin;
    EXPECT_GT((*entry)->page.value(), last);
    last = (*entry)->page.value();
    twin[last] = {(*entry)->ordinal, (*entry)->page_hash};
  }
}

void ExpectFinds(const PageIndex& index, const Twin& twin, uint32_t page) {
  const auto found = index.Find(PageNo(page));
  ASSERT_TRUE(found.ok()) << found.status();
  const auto expected = twin.find(page);
  ASSERT_EQ(found->has_value(), expected != twin.end()) << "page " << page;
  ASSERT_EQ(found->value_or(0), found->has_value() ? expected->second.ordinal : 0);
}

void ExpectSameAsTwin(const PageIndex& index, const Twin& twin) {
  ASSERT_EQ(index.entries(), twin.size());
  ASSERT_EQ(ReadAll(index), twin);
  for (const auto& [page, value] : twin) {
    ExpectFinds(index, twin, page - 1);
    ExpectFinds(index, twin, page);
    ExpectFinds(index, twin, page + 1);
  }
  for (uint32_t page : {0u, 1u, 2u, 1000u, UINT32_MAX}) ExpectFinds(index, twin, page);
}

void ExpectEachWayIsSameAsTwin(const Twin& twin) {
  const Built built = Build(twin);
  const auto in_place = PageIndex::OverMemory(built.index, built.hashes);
  ASSERT_TRUE(in_place.ok()) << in_place.status();
  ExpectSameAsTwin(**in_place, twin);
  for (uint64_t keep_bytes : {uint64_t{0}, UINT64_MAX}) {
    const auto stored = OpenStored(built, keep_bytes);
    ASSERT_TRUE(stored.ok()) << stored.status();
    ExpectSameAsTwin(**stored, twin);
  }
}

Value RandomValue(std::mt19937_64* random) {
  return {static_cast<uint32_t>((*random)() % 100000), (*random)()};
}

Twin RandomTwin(std::mt19937_64* random, size_t entries, uint64_t highest_page) {
  Twin twin;
  while (twin.size() < entries) {
    twin[1 + static_cast<uint32_t>((*random)() % highest_page)] = RandomValue(random);
  }
  return twin;
}

// Runs of random length, ordered or not, with random gaps.
Twin ClusteredTwin(std::mt19937_64* random, size_t clusters) {
  Twin twin;
  uint32_t page = 1;
  for (size_t i = 0; i < clusters; ++i) {
    page += 1 + static_cast<uint32_t>((*random)() % 1000);
    const size_t length = 1 + (*random)() % ((*random)() % 2 == 0 ? 40 : 400);
    const bool ordered = (*random)() % 2 == 0;
    const uint32_t base = static_cast<uint32_t>((*random)() % 1000000);
    for (size_t k = 0; k < length; ++k, ++page) {
      twin[page] = RandomValue(random);
      if (ordered) twin[page].ordinal = base + static_cast<uint32_t>(k);
    }
  }
  return twin;
}

Twin DenseTwin(uint32_t first_page, uint32_t first_ordinal, uint32_t entries) {
  Twin twin;
  for (uint32_t i = 0; i < entries; ++i) twin[first_page + i] = {first_ordinal + i, i * 7ull};
  return twin;
}

TEST(PageIndexTest, EmptyIndexFindsNothing) { ExpectEachWayIsSameAsTwin({}); }

TEST(PageIndexTest, SinglePageIsFound) {
  for (uint32_t page : {1u, 2u, 77u, UINT32_MAX - 1, UINT32_MAX}) {
    ExpectEachWayIsSameAsTwin({{page, {5, 6}}});
  }
}

TEST(PageIndexTest, RandomPagesAreSameAsTwin) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const size_t entries = 1 + random() % 2000;
    const uint64_t highest = seed % 4 == 0 ? UINT32_MAX : entries * (1 + random() % 100);
    ExpectEachWayIsSameAsTwin(RandomTwin(&random, entries, highest));
  }
}

TEST(PageIndexTest, ClusteredPagesAreSameAsTwin) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    ExpectEachWayIsSameAsTwin(ClusteredTwin(&random, 1 + random() % 30));
  }
}

TEST(PageIndexTest, RunsOfEachLengthAreSameAsTwin) {
  for (uint32_t length :
       {1u, 31u, 32u, 33u, 127u, 128u, 129u, 254u, 255u, 256u, 286u, 287u, 288u, 5000u}) {
    SCOPED_TRACE(length);
    ExpectEachWayIsSameAsTwin(DenseTwin(1, 0, length));
    ExpectEachWayIsSameAsTwin(DenseTwin(3, 9, length));
    Twin two = DenseTwin(10, 20, length);
    two.merge(DenseTwin(10 + length + 1, 20 + length, length));
    ExpectEachWayIsSameAsTwin(two);
  }
}

TEST(PageIndexTest, BlockBoundariesAreSameAsTwin) {
  std::mt19937_64 random(3);
  for (size_t entries : {7, 8, 127, 128, 129, 254, 255, 256, 257, 510, 511}) {
    ExpectEachWayIsSameAsTwin(RandomTwin(&random, entries, 100000));
  }
}

TEST(PageIndexTest, HighestPagesAndOrdinalsAreSameAsTwin) {
  ExpectEachWayIsSameAsTwin(DenseTwin(UINT32_MAX - 99, UINT32_MAX - 99, 100));
  Twin wide;
  for (uint32_t i = 0; i < 128; ++i) wide[1 + i * 33000000u] = {i % 2 == 0 ? UINT32_MAX : 0, i};
  ExpectEachWayIsSameAsTwin(wide);
}

// The last page of a run is followed by nothing, so its ordinal cannot go up any more.
TEST(PageIndexTest, OrdinalsThatWrapAreNoRun) {
  Twin twin;
  for (uint32_t i = 0; i < 100; ++i) twin[1 + i] = {UINT32_MAX - 49 + i, i};
  ExpectEachWayIsSameAsTwin(twin);
}

// A thousand pages here and there: no hint leads straight to a line.
TEST(PageIndexTest, PagesInFarClustersAreSameAsTwin) {
  std::mt19937_64 random(9);
  Twin twin;
  for (uint32_t cluster : {1u, 5'000'000u, 5'100'000u, 4'000'000'000u}) {
    for (const auto& [page, value] : RandomTwin(&random, 2000, 60000)) {
      twin[cluster + page] = value;
    }
  }
  ExpectEachWayIsSameAsTwin(twin);
}

TEST(PageIndexTest, RandomOrderedPagesTakeAtMostOneAndAQuarterBytes) {
  std::mt19937_64 random(5);
  Twin twin = RandomTwin(&random, 20000, 200000);
  uint32_t ordinal = 0;
  for (auto& [page, value] : twin) value.ordinal = ordinal++;
  EXPECT_LE(Build(twin).index.size(), twin.size() * 5 / 4);
}

// The reference data of bench/index_bench.cc, a tenth of it: 16 bits an ordinal instead of 19.
TEST(PageIndexTest, RandomPagesTakeAtMostTwoPointEightBytes) {
  std::mt19937_64 random(6);
  Twin twin = RandomTwin(&random, 44200, 200000);
  for (auto& [page, value] : twin) value.ordinal %= 1 << 16;
  EXPECT_LE(Build(twin).index.size(), twin.size() * 14 / 5);
}

TEST(PageIndexTest, FarPagesTakeAtMostFourBytes) {
  std::mt19937_64 random(6);
  Twin twin = RandomTwin(&random, 4000, 1000000);
  for (auto& [page, value] : twin) value.ordinal %= 4096;
  EXPECT_LE(Build(twin).index.size(), twin.size() * 4);
}

TEST(PageIndexTest, DensePagesTakeNextToNothing) {
  EXPECT_LE(Build(DenseTwin(1, 0, 10000)).index.size(), 100u);
}

TEST(PageIndexTest, PagesOutOfOrderAreRefused) {
  io::MemorySink index, hashes;
  PageIndexBuilder builder(&index, &hashes);
  EXPECT_EQ(builder.Add({PageNo(0), 1, 1}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(builder.Add({PageNo(5), 1, 1}).ok());
  EXPECT_EQ(builder.Add({PageNo(5), 2, 1}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(builder.Add({PageNo(4), 3, 1}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(builder.Add({PageNo(6), 4, 1}).ok());
}

// Everything an index can be asked, in each way to open it; the first error.
absl::Status ReadEverything(const Built& built, const Twin& twin, uint64_t keep_bytes) {
  auto index = OpenStored(built, keep_bytes);
  if (!index.ok()) return index.status();
  for (const auto& [page, value] : twin) {
    const auto found = (*index)->Find(PageNo(page));
    if (!found.ok()) return found.status();
    EXPECT_EQ(found->value_or(UINT32_MAX), value.ordinal) << "wrong and silent";
  }
  const std::unique_ptr<PageIndexIterator> iterator = (*index)->NewIterator();
  auto expected = twin.begin();
  while (true) {
    const auto entry = iterator->Next();
    if (!entry.ok()) return entry.status();
    if (!entry->has_value()) return absl::OkStatus();
    EXPECT_EQ((*entry)->page.value(), expected->first);
    EXPECT_EQ((*entry)->page_hash, expected->second.hash);
    ++expected;
  }
}

Twin MixedTwin() {
  std::mt19937_64 random(11);
  Twin twin = RandomTwin(&random, 150, 600);  // a bitmap
  for (const auto& [page, value] : RandomTwin(&random, 40, 2000)) twin[1000 + page] = value;
  twin.merge(DenseTwin(3000, 10, 200));  // a run
  twin.merge(DenseTwin(4000, 500, 20));  // buckets, ordered
  return twin;
}

TEST(PageIndexTest, EveryFlippedByteIsDamage) {
  const Twin twin = MixedTwin();
  Built built = Build(twin);
  for (std::vector<uint8_t>* part : {&built.index, &built.hashes}) {
    for (size_t at = 0; at < part->size(); ++at) {
      (*part)[at] ^= 0x21;
      for (uint64_t keep_bytes : {uint64_t{0}, UINT64_MAX}) {
        EXPECT_EQ(ReadEverything(built, twin, keep_bytes).code(), absl::StatusCode::kDataLoss)
            << "offset " << at;
      }
      (*part)[at] ^= 0x21;
    }
  }
}

TEST(PageIndexTest, EveryTruncationIsDamage) {
  const Twin twin = MixedTwin();
  const Built built = Build(twin);
  for (size_t length = 0; length < built.index.size(); ++length) {
    Built cut = built;
    cut.index.resize(length);
    EXPECT_EQ(ReadEverything(cut, twin, 0).code(), absl::StatusCode::kDataLoss) << length;
  }
  for (size_t length = 0; length < built.hashes.size(); ++length) {
    Built cut = built;
    cut.hashes.resize(length);
    EXPECT_EQ(ReadEverything(cut, twin, 0).code(), absl::StatusCode::kDataLoss) << length;
  }
}

// False when a lookup or the iterator finds damage.
bool ReadAscending(const PageIndex& index) {
  bool well = true;
  for (uint32_t page = 0; page < 5000; page += 37) well &= index.Find(PageNo(page)).ok();
  const auto iterator = index.NewIterator();
  uint32_t last = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto entry = iterator->Next();
    if (!entry.ok()) return false;
    if (!entry->has_value()) break;
    EXPECT_GT((*entry)->page.value(), last);
    last = (*entry)->page.value();
  }
  return well;
}

// Changes up to `reach` bytes before the end at random, and makes the checksums right.
void ReadHostile(size_t reach) {
  const Built good = Build(MixedTwin());
  std::mt19937_64 random(13);
  size_t refused = 0;
  for (int round = 0; round < 20000; ++round) {
    Built built = good;
    for (uint64_t changes = 1 + random() % 3; changes > 0; --changes) {
      const size_t tail = std::min<size_t>(built.index.size(), reach);
      built.index[built.index.size() - 1 - random() % tail] = static_cast<uint8_t>(random());
    }
    MakeIndexChecksumsRight(absl::MakeSpan(built.index));
    const auto index = OpenStored(built, round % 2 == 0 ? 0 : UINT64_MAX);
    bool wrong = !index.ok();
    if (index.ok()) wrong = !ReadAscending(**index);
    refused += wrong;
  }
  EXPECT_GT(refused, 1000u);
  EXPECT_LT(refused, 19000u);
}

TEST(PageIndexTest, HostileDirectoryWithRightChecksumsNeverCrashes) { ReadHostile(120); }

TEST(PageIndexTest, HostileBlocksWithRightChecksumsNeverCrash) { ReadHostile(SIZE_MAX); }

}  // namespace
}  // namespace strata::segment

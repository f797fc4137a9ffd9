#include "wal/frame_index.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "io/random.h"
#include "wal/stable_vector.h"

namespace strata::wal {
namespace {

using segment::FrameNo;
using segment::PageNo;

// The same, slowly.
class SlowIndex {
 public:
  explicit SlowIndex(uint64_t floor) : floor_(floor), tip_(floor) {}
  void Append(uint32_t page) { versions_[page].insert(++tip_); }
  void RaiseFloor(uint64_t frame) { floor_ = frame; }
  uint64_t Find(uint32_t page, uint64_t at_most) const {
    const auto versions = versions_.find(page);
    if (versions == versions_.end()) return 0;
    const auto after = versions->second.upper_bound(at_most);
    if (after == versions->second.begin()) return 0;
    return *std::prev(after) > floor_ ? *std::prev(after) : 0;
  }
  uint64_t floor() const { return floor_; }
  uint64_t tip() const { return tip_; }

 private:
  std::map<uint32_t, std::set<uint64_t>> versions_;
  uint64_t floor_;
  uint64_t tip_;
};

// Works on an index and its slow twin at once.
void ActLikeTwin(uint64_t seed, uint64_t floor, uint32_t pages, int steps) {
  SCOPED_TRACE(testing::Message() << "seed " << seed << " floor " << floor << " pages " << pages);
  io::SeededRandom random(seed);
  FrameIndex index{FrameNo(floor)};
  SlowIndex slow(floor);
  for (int i = 0; i < steps; ++i) {
    const uint32_t page = 1 + static_cast<uint32_t>(random.Next64() % pages);
    index.Append(PageNo(page));
    slow.Append(page);
    ASSERT_EQ(index.PageOf(FrameNo(slow.tip())), PageNo(page));
    if (random.Next64() % 500 == 0) {
      const uint64_t to = slow.floor() + random.Next64() % (slow.tip() - slow.floor() + 1);
      index.RaiseFloor(FrameNo(to));
      slow.RaiseFloor(to);
      index.TakeRetired();  // nobody else looks
    }
    for (int look = 0; look < 4; ++look) {
      const uint32_t wanted = 1 + static_cast<uint32_t>(random.Next64() % (pages + 2));
      const uint64_t at = slow.floor() + random.Next64() % (slow.tip() - slow.floor() + 1);
      ASSERT_EQ(index.Find(PageNo(wanted), FrameNo(at)).value(), slow.Find(wanted, at))
          << wanted << " at " << at;
    }
  }
  EXPECT_EQ(index.tip().value(), slow.tip());
  EXPECT_EQ(index.floor().value(), slow.floor());
}

TEST(FrameIndexTest, AnswersLikeASlowTwin) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    ActLikeTwin(seed, 0, 10, 10'000);
    ActLikeTwin(seed, 4095, 3'000, 20'000);
    ActLikeTwin(seed, (1ull << 32) - 5'000, 300, 10'000);  // over the edge of the low 32 bits
  }
}

TEST(FrameIndexTest, EmptyIndexFindsNothing) {
  const FrameIndex index{FrameNo(7)};
  EXPECT_EQ(index.Find(PageNo(1), FrameNo(7)), FrameNo(0));
  EXPECT_EQ(index.tip(), FrameNo(7));
}

TEST(FrameIndexTest, MemoryShrinksWithTheFloor) {
  FrameIndex index{FrameNo(0)};
  for (uint32_t i = 1; i <= 100'000; ++i) index.Append(PageNo(i % 1000 + 1));
  const uint64_t full = index.memory_bytes();
  EXPECT_LT(full, 100'000 * 8 + 1'000 * 16 + 100'000u);  // as documented, and one chunk
  index.RaiseFloor(FrameNo(100'000));
  index.TakeRetired();
  EXPECT_LT(index.memory_bytes(), full / 4);
}

TEST(FrameIndexTest, LookupsAreRightWhileOthersAppend) {
  FrameIndex index{FrameNo(0)};
  std::atomic<uint64_t> published{0};
  ReaderRegistry::Garbage retired;  // alive as long as the readers
  constexpr uint64_t kFrames = 60'000;
  constexpr uint32_t kPages = 700;
  std::vector<std::thread> readers;
  for (uint64_t seed = 1; seed <= 2; ++seed) {
    readers.emplace_back([&, seed] {
      io::SeededRandom random(seed);
      while (published.load() < kFrames) {
        const uint64_t at = published.load();
        const uint32_t page = static_cast<uint32_t>(random.Next64() % kPages);
        // Frame f holds page f % kPages + 1.
        const uint64_t rest = (at + kPages - page) % kPages;
        const uint64_t expected = at > rest ? at - rest : 0;
        ASSERT_EQ(index.Find(PageNo(page + 1), FrameNo(at)).value(), expected) << "seed " << seed;
      }
    });
  }
  for (uint64_t frame = 1; frame <= kFrames; ++frame) {
    index.Append(PageNo(static_cast<uint32_t>(frame % kPages + 1)));
    auto fresh = index.TakeRetired();
    retired.splice(retired.end(), fresh);
    published.store(frame);
  }
  for (std::thread& reader : readers) reader.join();
}

TEST(StableVectorTest, ElementsStayWhereTheyAre) {
  StableVector<uint64_t> vector;
  vector.push_back(0);
  const uint64_t* first = &vector[0];
  for (uint64_t i = 1; i < 5'000; ++i) vector.push_back(i);
  EXPECT_EQ(first, &vector[0]);
  for (uint64_t i = 0; i < 5'000; ++i) ASSERT_EQ(vector[i], i);
  vector.Truncate(10);
  vector.push_back(77);
  EXPECT_EQ(vector.size(), 11u);
  EXPECT_EQ(vector[10], 77u);
}

TEST(StableVectorTest, ReadersSeeWholeElementsWhileOneAppends) {
  StableVector<uint64_t> vector;
  std::atomic<bool> done{false};
  std::thread reader([&] {
    while (!done) {
      const size_t size = vector.size();
      for (size_t i = size > 50 ? size - 50 : 0; i < size; ++i) ASSERT_EQ(vector[i], 3 * i);
    }
  });
  for (uint64_t i = 0; i < 100'000; ++i) vector.push_back(3 * i);
  done = true;
  reader.join();
}

}  // namespace
}  // namespace strata::wal

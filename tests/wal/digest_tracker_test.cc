#include "wal/digest_tracker.h"

#include <gtest/gtest.h>

#include <map>

#include "io/random.h"

namespace strata::wal {
namespace {

using segment::PageNo;
constexpr uint32_t kSize = 4096;

// Hash of each page; those that are not in it are zero pages.
using Database = std::map<uint32_t, uint64_t>;

uint64_t HashIn(const Database& database, uint32_t page) {
  const auto at = database.find(page);
  return at == database.end() ? segment::ZeroPageHash(PageNo(page), kSize) : at->second;
}

uint64_t DigestFromScratch(const Database& database, uint32_t pages) {
  segment::Digest digest;
  for (uint32_t page = 1; page <= pages; ++page) digest.Toggle(HashIn(database, page));
  return digest.value();
}

TEST(DigestTrackerTest, FollowsGrowthAndShrinking) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    io::SeededRandom random(seed);
    Database before;
    uint32_t pages = static_cast<uint32_t>(random.Next64() % 20);
    for (uint32_t page = 1; page <= pages; ++page) before[page] = random.Next64();
    Database now = before;
    std::map<uint32_t, int> asked;
    DigestTracker tracker(DigestFromScratch(before, pages), pages, kSize,
                          [&](PageNo page) -> absl::StatusOr<uint64_t> {
                            ++asked[page.value()];
                            return HashIn(before, page.value());
                          });
    for (int commit = 0; commit < 40; ++commit) {
      const uint32_t next = static_cast<uint32_t>(random.Next64() % 25);
      Database after = now;
      for (int i = static_cast<int>(random.Next64() % 6); i > 0; --i) {
        const uint32_t page =
            1 + static_cast<uint32_t>(random.Next64() % 25);  // also beyond the end
        const uint64_t hash = random.Next64();
        tracker.AddPage(PageNo(page), hash);
        after[page] = hash;
      }
      after.erase(after.upper_bound(next), after.end());
      const auto digest = tracker.Commit(next);
      ASSERT_TRUE(digest.ok());
      ASSERT_EQ(*digest, DigestFromScratch(after, next)) << "seed " << seed << " commit " << commit;
      now = after;
    }
    for (const auto& [page, times] : asked)
      EXPECT_EQ(times, 1) << "seed " << seed << " page " << page;
  }
}

TEST(DigestTrackerTest, TheLockBytePageIsSkipped) {
  const PageNo lock = segment::LockBytePage(65536);
  const auto never = [](PageNo page) -> absl::StatusOr<uint64_t> {
    return absl::InternalError("asked");
  };
  DigestTracker tracker(5, lock.value() - 1, 65536, never);
  tracker.AddPage(lock, 1234);
  EXPECT_EQ(*tracker.Commit(lock.value()), 5u);
  EXPECT_EQ(*tracker.Commit(lock.value() - 1), 5u);
  const PageNo next = lock.next();
  EXPECT_EQ(*tracker.Commit(next.value()), 5u ^ segment::ZeroPageHash(next, 65536));
}

TEST(DigestTrackerTest, AnUnreadablePageIsAnError) {
  DigestTracker tracker(
      5, 1, kSize, [](PageNo) -> absl::StatusOr<uint64_t> { return absl::InternalError("EIO"); });
  tracker.AddPage(PageNo(1), 7);
  EXPECT_TRUE(absl::IsInternal(tracker.Commit(1).status()));
}

}  // namespace
}  // namespace strata::wal

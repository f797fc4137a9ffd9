#include <filesystem>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "segment/dictionary_store.h"
#include "segment/dictionary_training.h"
#include "tests/compactor/store_fixture.h"

// Restores, merges and verification over segments of every codec, and over what they need and do
// not have.
namespace strata::compactor {
namespace {

using segment::Codec;
using segment::Dictionary;
using segment::DictionaryKind;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr uint32_t kPageBytes = 4096;

// Text of a few words, as every page of this database has it.
PageBytes TextPage(std::mt19937* random, const std::vector<uint8_t>& words) {
  PageBytes page(kPageBytes);
  for (size_t at = 0; at + 64 <= page.size(); at += 64) {
    const size_t from = (*random)() % (words.size() - 64);
    std::copy_n(words.begin() + static_cast<ptrdiff_t>(from), 64,
                page.begin() + static_cast<ptrdiff_t>(at));
  }
  return page;
}

class CodecTest : public StoreFixture {
 protected:
  CodecTest() : random_(11), words_(30'000) {
    for (uint8_t& byte : words_) byte = static_cast<uint8_t>('a' + random_() % 26);
  }

  // Transactions that change a few bytes of some pages, and now and then a page as a whole.
  void Commits(ModelLog* log, int commits, uint32_t pages) {
    for (int i = 0; i < commits; ++i) {
      std::map<uint32_t, PageBytes> changed;
      for (int w = 0; w < 3; ++w) {
        const uint32_t number = 1 + random_() % pages;
        const ModelLog::State* now = log->states().empty() ? nullptr : &log->states().back();
        const bool is_new = now == nullptr || number > now->pages.size() || random_() % 8 == 0;
        PageBytes page = is_new ? TextPage(&random_, words_) : now->pages[number - 1];
        for (int b = 0; b < 6; ++b) page[random_() % kPageBytes] = static_cast<uint8_t>(random_());
        changed[number] = page;
      }
      log->Commit(changed, pages);
    }
  }

  std::shared_ptr<const Dictionary> Train(DictionaryKind kind) {
    segment::TrainingSamples samples(kPageBytes);
    for (int i = 0; i < 300; ++i) samples.Offer(TextPage(&random_, words_));
    auto dictionary = segment::TrainDictionary(samples, kind, 3, 1).value();
    EXPECT_NE(dictionary, nullptr);
    return dictionary;
  }

  // Sealed segments of every codec one after the other, and the dictionary they need.
  std::shared_ptr<const Dictionary> MixedLog(ModelLog* log) {
    const auto dictionary = Train(DictionaryKind::kFrames);
    EXPECT_TRUE(segment::PutDictionary(store(), "app", *dictionary).ok());
    log->Claim(1, 1);
    for (int round = 0; round < 2; ++round) {
      for (uint32_t chain : {0u, 2u, 16u}) {
        for (Codec codec : {Codec::kRaw, Codec::kZstd, Codec::kZstdDictionary}) {
          log->set_encoding({codec, 3, codec == Codec::kZstdDictionary ? dictionary : nullptr},
                            chain);
          Commits(log, 12, 8);
          log->ShipSealed();
        }
      }
    }
    return dictionary;
  }

  void ExpectEveryCommitExact(const ModelLog& log) {
    for (const ModelLog::State& state : log.states()) {
      auto restored = RestoredAt(state.commit.frame.value());
      ASSERT_TRUE(restored.ok()) << restored.status();
      ASSERT_EQ(*restored, state.Bytes()) << "frame " << state.commit.frame.value();
    }
  }

  absl::StatusOr<CompactionResult> CompactAll(const CompactionOptions& options) {
    const NamespaceHistory history = LoadHistory(store(), "app").value();
    const auto plans = PlanCompactions(history, *history.live(), Strategy::kAll).value();
    BlockCache cache;
    return Compact(&store(), &cache, &io::SystemClock(), &io::SystemRandom(), history,
                   *history.live(), plans.at(0), options);
  }

  std::mt19937 random_;
  std::vector<uint8_t> words_;
};

TEST_F(CodecTest, EveryCommitOfAMixedSetIsRestoredAndVerified) {
  ModelLog log(&store(), "app", kPageBytes);
  MixedLog(&log);
  ExpectEveryCommitExact(log);
  EXPECT_THAT(VerifyNow(VerifyDepth::kFull).findings,
              testing::Each(testing::Field(&VerifyFinding::message, HasSubstr("integrity_check"))));
}

TEST_F(CodecTest, MergesTakeEveryCodecIntoEveryOther) {
  for (Codec codec : {Codec::kRaw, Codec::kZstd, Codec::kZstdDictionary}) {
    DeleteAllObjects();
    ModelLog log(&store(), "app", kPageBytes);
    MixedLog(&log);
    CompactionOptions options;
    options.encoding = {codec, 6, nullptr};
    const auto result = CompactAll(options);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_TRUE(result->digest_checked);
    ExpectEveryCommitExact(log);
  }
}

TEST_F(CodecTest, MergeTrainsADictionaryWhenThereAreEnoughPages) {
  ModelLog log(&store(), "app", kPageBytes);
  log.Claim(1, 1);
  Commits(&log, 400, 400);
  log.ForgetOldStates();
  log.ShipSealed();
  Commits(&log, 1, 400);
  log.ForgetOldStates();
  log.ShipSealed();
  CompactionOptions options;
  options.dictionary.fewest_pages = 300;
  ASSERT_TRUE(CompactAll(options).ok());
  const auto trained =
      segment::FindNewestDictionary(store(), "app", DictionaryKind::kPages).value();
  ASSERT_NE(trained, nullptr);
  EXPECT_EQ(*RestoredAt(), log.states().back().Bytes());

  // The next merge takes it as it is.
  Commits(&log, 1, 400);
  log.ForgetOldStates();
  log.ShipSealed();
  ASSERT_TRUE(CompactAll(options).ok());
  EXPECT_EQ(segment::FindNewestDictionary(store(), "app", DictionaryKind::kPages).value()->id(),
            trained->id());
  EXPECT_EQ(*RestoredAt(), log.states().back().Bytes());
}

TEST_F(CodecTest, MissingDictionaryIsNamedByRestoreAndVerify) {
  ModelLog log(&store(), "app", kPageBytes);
  const auto dictionary = MixedLog(&log);
  const std::string key = segment::BuildDictionaryKey("app", dictionary->id());
  ASSERT_TRUE(store().Delete(key).ok());
  const auto restored = RestoredAt();
  EXPECT_EQ(restored.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(restored.status().message()), HasSubstr(key));
  EXPECT_FALSE(std::filesystem::exists(OutputPath()));
  EXPECT_THAT(VerifyNow(VerifyDepth::kFull).findings,
              testing::Contains(testing::Field(&VerifyFinding::message, HasSubstr(key))));
}

TEST_F(CodecTest, AnotherDictionaryUnderTheRightNameIsDamage) {
  ModelLog log(&store(), "app", kPageBytes);
  const auto dictionary = MixedLog(&log);
  const auto other = Train(DictionaryKind::kFrames);
  ASSERT_NE(other->id(), dictionary->id());
  const std::string key = segment::BuildDictionaryKey("app", dictionary->id());
  ASSERT_TRUE(io::PutObject(store(), key, io::IfPresent::kReplace, EncodeDictionary(*other)).ok());
  const auto restored = RestoredAt();
  EXPECT_EQ(restored.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(restored.status().message()), HasSubstr(key));
  EXPECT_THAT(VerifyNow(VerifyDepth::kQuick).findings, Not(IsEmpty()));
}

TEST_F(CodecTest, DamagedDictionaryIsFoundByAQuickVerify) {
  ModelLog log(&store(), "app", kPageBytes);
  const auto dictionary = MixedLog(&log);
  const std::string key = segment::BuildDictionaryKey("app", dictionary->id());
  const std::vector<uint8_t> good = EncodeDictionary(*dictionary);
  for (size_t at :
       {size_t{0}, size_t{13}, size_t{20}, size_t{60}, good.size() / 2, good.size() - 1}) {
    std::vector<uint8_t> bad = good;
    bad[at] ^= 0x20;
    ASSERT_TRUE(io::PutObject(store(), key, io::IfPresent::kReplace, bad).ok());
    EXPECT_THAT(VerifyNow(VerifyDepth::kQuick).findings, Not(IsEmpty())) << at;
    EXPECT_FALSE(RestoredAt().ok()) << at;
  }
  ASSERT_TRUE(io::PutObject(store(), key, io::IfPresent::kReplace, good).ok());
  EXPECT_EQ(*RestoredAt(), log.states().back().Bytes());
}

}  // namespace
}  // namespace strata::compactor

#include "segment/dictionary.h"

#include "gtest/gtest.h"
#include "io/memory_stream.h"
#include "io/random.h"
#include "segment/dictionary_store.h"
#include "segment/dictionary_training.h"
#include "tests/segment/segment_samples.h"

// Format: docs/segment_format.md, "Dictionary".
namespace strata::segment {
namespace {

Sample CompactedSample() {
  SampleOptions options;
  options.state = SegmentState::kCompacted;
  options.quotes_dictionary = true;
  return MakeSample(options);
}

// Answers with another dictionary than it is asked for.
class OtherDictionaries : public DictionarySource {
 public:
  absl::StatusOr<std::shared_ptr<const Dictionary>> Get(const DictionaryRef& ref) override {
    const auto other =
        Dictionary::Create(DictionaryKind::kPages, std::vector<uint8_t>(2048, 7), 0, 0).value();
    if (absl::Status meant = CheckIsMeant("other", ref, *other); !meant.ok()) return meant;
    return other;
  }
};

// Does not check what it has.
class CarelessDictionaries : public DictionarySource {
 public:
  absl::StatusOr<std::shared_ptr<const Dictionary>> Get(const DictionaryRef&) override {
    return Dictionary::Create(DictionaryKind::kPages, std::vector<uint8_t>(2048, 7), 0, 0);
  }
};

absl::Status ReadAllWith(std::shared_ptr<DictionarySource> source, const Sample& sample) {
  auto bytes = std::make_shared<io::MemorySource>(WriteStored(sample, Codec::kZstdDictionary), "s");
  const auto reader = SegmentReader::Open(std::move(bytes), std::move(source)).value();
  std::vector<uint8_t> page(sample.header.page_size);
  absl::Status first;
  for (size_t i = 0; i < sample.frames.size(); ++i) {
    const auto read = reader->ReadFrame(i, absl::MakeSpan(page));
    EXPECT_TRUE(!read.ok() || page == sample.frames[i].page);
    first.Update(read.status());
  }
  EXPECT_EQ(reader->VerifyAll().ok(), first.ok());
  return first;
}

std::string Hex(uint32_t id) {
  char text[9];
  std::snprintf(text, sizeof text, "%08x", id);
  return text;
}

TEST(DictionaryTest, ObjectReadsBack) {
  const auto dictionary = SampleDictionary();
  const auto read = DecodeDictionary("object", EncodeDictionary(*dictionary));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ((*read)->ref(), dictionary->ref());
  EXPECT_EQ((*read)->kind(), dictionary->kind());
  EXPECT_EQ((*read)->created_us(), dictionary->created_us());
  EXPECT_EQ((*read)->sample_ratio(), 500u);
  EXPECT_EQ((*read)->zstd().content(), dictionary->zstd().content());
}

TEST(DictionaryTest, EveryFlippedByteAndTruncationOfTheObjectIsAnError) {
  std::vector<uint8_t> bytes = EncodeDictionary(*SampleDictionary());
  for (size_t at = 0; at < bytes.size(); ++at) {
    bytes[at] ^= 0x10;
    EXPECT_FALSE(DecodeDictionary("object", bytes).ok()) << at;
    bytes[at] ^= 0x10;
  }
  while (!bytes.empty()) {
    bytes.pop_back();
    EXPECT_FALSE(DecodeDictionary("object", bytes).ok()) << bytes.size();
  }
}

TEST(DictionaryTest, MissingSourceIsAnErrorThatNamesTheDictionary) {
  const absl::Status status = ReadAllWith(nullptr, CompactedSample());
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_NE(status.message().find(Hex(SampleDictionary()->id())), std::string::npos) << status;
}

TEST(DictionaryTest, AnotherDictionaryUnderTheSameNameIsAnError) {
  const absl::Status status = ReadAllWith(std::make_shared<OtherDictionaries>(), CompactedSample());
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(status.message().find(Hex(SampleDictionary()->id())), std::string::npos) << status;
}

TEST(DictionaryTest, WrongContentNobodyCheckedGivesNoWrongBytes) {
  EXPECT_FALSE(ReadAllWith(std::make_shared<CarelessDictionaries>(), CompactedSample()).ok());
}

TEST(DictionaryTest, KeysAreReadBackAndNothingElseIs) {
  EXPECT_EQ(BuildDictionaryKey("app", 0xBEEF), "app/dictionaries/0000beef.dict");
  EXPECT_EQ(ParseDictionaryKey("app", "app/dictionaries/0000beef.dict").value(), 0xBEEFu);
  for (const char* other :
       {"app/dictionaries/0000BEEF.dict", "app/dictionaries/00000000.dict",
        "app/dictionaries/0000beef.dic", "app/dictionaries/0000beef.dict2", "app/dictionaries/",
        "other/dictionaries/0000beef.dict", "app/segments/0000beef.dict"}) {
    EXPECT_FALSE(ParseDictionaryKey("app", other).ok()) << other;
  }
}

TEST(DictionaryTest, TrainingPaysOnPagesThatShareTheirText) {
  io::SeededRandom random(3);
  std::vector<uint8_t> words(20'000);
  for (uint8_t& byte : words) byte = static_cast<uint8_t>('a' + random.Next64() % 26);
  TrainingSamples samples(4096);
  std::vector<uint8_t> page(4096);
  for (int i = 0; i < 600; ++i) {
    for (size_t at = 0; at < page.size(); at += 64) {
      const size_t from = random.Next64() % (words.size() - 64);
      std::copy_n(words.begin() + static_cast<ptrdiff_t>(from), 64,
                  page.begin() + static_cast<ptrdiff_t>(at));
    }
    samples.Offer(page);
  }
  const auto dictionary = TrainDictionary(samples, DictionaryKind::kPages, 3, 1).value();
  ASSERT_NE(dictionary, nullptr);
  EXPECT_LE(dictionary->zstd().content().size(), kDictionaryBytes);
  EXPECT_LT(dictionary->sample_ratio(), 300u);
}

TEST(DictionaryTest, TrainingOnNoiseGivesNone) {
  io::SeededRandom random(4);
  TrainingSamples samples(512);
  std::vector<uint8_t> page(512);
  for (int i = 0; i < 500; ++i) {
    for (uint8_t& byte : page) byte = static_cast<uint8_t>(random.Next64());
    samples.Offer(page);
  }
  EXPECT_EQ(TrainDictionary(samples, DictionaryKind::kPages, 3, 1).value(), nullptr);
}

TEST(DictionaryTest, SamplesAreBoundedAndSpread) {
  TrainingSamples samples(512, 64 * 512);
  std::vector<uint8_t> page(512);
  for (uint32_t i = 0; i < 10'000; ++i) {
    io::StoreLittleEndian<uint32_t>(page.data(), i);
    samples.Offer(page);
  }
  EXPECT_EQ(samples.offered(), 10'000u);
  ASSERT_GE(samples.pages(), 32u);
  ASSERT_LE(samples.pages(), 64u);
  const uint32_t step = io::LoadLittleEndian<uint32_t>(samples.page(1).data());
  for (uint32_t i = 0; i < samples.pages(); ++i)
    EXPECT_EQ(io::LoadLittleEndian<uint32_t>(samples.page(i).data()), i * step);
}

}  // namespace
}  // namespace strata::segment

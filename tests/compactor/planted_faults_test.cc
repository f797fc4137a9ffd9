// A thousand planted faults, one at a time: verify --full finds each, and says where.
#include <filesystem>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/compactor/sqlite_store_fixture.h"

namespace strata::compactor {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int kFaults = 1000;

class PlantedFaults : public SqliteStoreFixture {
 protected:
  void SetUp() override {
    SqliteStoreFixture::SetUp();
    ModelLog log(&store(), "app", 1024);
    log.Claim(1, 1);
    log.StartManifests();
    FollowSqlite(&log, 12, false);
    ASSERT_TRUE(CompactOnce(Strategy::kAll).ok());
    for (const auto& entry : std::filesystem::recursive_directory_iterator(FileOf("app"))) {
      if (entry.is_regular_file())
        objects_.push_back(std::filesystem::relative(entry.path(), FileOf("")).string());
    }
    std::sort(objects_.begin(), objects_.end());
    // A claim, four sealed segments and the compacted one, a change for each of these and one
    // before them, and the hint.
    ASSERT_EQ(objects_.size(), 13u) << testing::PrintToString(objects_);
  }

  void Write(const std::string& object, const std::vector<uint8_t>& bytes) {
    std::ofstream(FileOf(object), std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }

  const std::string& AnyObject() { return objects_[random_() % objects_.size()]; }

  // Damage that has a place must be reported with the object and an offset.
  void ExpectFoundAt(const std::string& object, const std::string& fault) {
    EXPECT_THAT(findings_, Contains(AllOf(Field(&VerifyFinding::object, HasSubstr(object)),
                                          Field(&VerifyFinding::message, HasSubstr("offset")))))
        << fault << " of " << object << ": "
        << (findings_.empty() ? "found nothing" : findings_.front().message);
  }

  void VerifyFully() {
    VerifyOptions options;
    options.depth = VerifyDepth::kFull;
    options.scratch_directory = directory();
    const auto report =
        Verify(&store(), &io::PosixFileSystem(), &io::SystemRandom(), "app", options);
    ASSERT_TRUE(report.ok()) << report.status();
    findings_ = report->findings;
  }

  void FlipBits();
  void ZeroBlock();
  void CutShort();
  void AppendGarbage();
  void PutAnotherInItsPlace();
  void PlantAny(int kind);

  std::mt19937 random_{20261123};
  std::vector<std::string> objects_;
  std::vector<VerifyFinding> findings_;
};

void PlantedFaults::FlipBits() {
  const std::string object = AnyObject();
  const std::vector<uint8_t> good = ReadFile(FileOf(object));
  std::vector<uint8_t> bad = good;
  const size_t at = random_() % bad.size();
  bad[at] ^= static_cast<uint8_t>(1 + random_() % 255);
  Write(object, bad);
  VerifyFully();
  ExpectFoundAt(object, "flipped byte " + std::to_string(at));
  Write(object, good);
}

void PlantedFaults::ZeroBlock() {
  const std::string object = AnyObject();
  const std::vector<uint8_t> good = ReadFile(FileOf(object));
  std::vector<uint8_t> bad = good;
  const size_t at = random_() % bad.size() / 64 * 64;
  std::fill(bad.begin() + at, bad.begin() + std::min(at + 64, bad.size()), 0);
  if (bad == good) return FlipBits();
  Write(object, bad);
  VerifyFully();
  ExpectFoundAt(object, "zeros at " + std::to_string(at));
  Write(object, good);
}

void PlantedFaults::CutShort() {
  const std::string object = AnyObject();
  const std::vector<uint8_t> good = ReadFile(FileOf(object));
  Write(object, {good.begin(), good.begin() + random_() % good.size()});
  VerifyFully();
  EXPECT_THAT(findings_, Contains(Field(&VerifyFinding::object, HasSubstr(object)))) << "cut short";
  Write(object, good);
}

void PlantedFaults::AppendGarbage() {
  const std::string object = AnyObject();
  const std::vector<uint8_t> good = ReadFile(FileOf(object));
  std::vector<uint8_t> bad = good;
  bad.resize(good.size() + 1 + random_() % 5000, static_cast<uint8_t>(random_()));
  Write(object, bad);
  VerifyFully();
  EXPECT_THAT(findings_, Contains(Field(&VerifyFinding::object, HasSubstr(object)))) << "longer";
  Write(object, good);
}

void PlantedFaults::PutAnotherInItsPlace() {
  const std::string object = AnyObject();
  std::string other = AnyObject();
  while (other == object) other = AnyObject();
  const std::vector<uint8_t> good = ReadFile(FileOf(object));
  Write(object, ReadFile(FileOf(other)));
  VerifyFully();
  EXPECT_THAT(findings_, Contains(Field(&VerifyFinding::object, HasSubstr(object))))
      << "holds " << other;
  Write(object, good);
}

void PlantedFaults::PlantAny(int kind) {
  switch (kind) {
    case 0:
      return FlipBits();
    case 1:
      return ZeroBlock();
    case 2:
      return CutShort();
    case 3:
      return AppendGarbage();
    default:
      return PutAnotherInItsPlace();
  }
}

TEST_F(PlantedFaults, EachIsFoundAndNamed) {
  VerifyFully();
  ASSERT_THAT(findings_, IsEmpty());
  for (int i = 0; i < kFaults && !HasFailure(); ++i) PlantAny(i % 5);
  VerifyFully();
  EXPECT_THAT(findings_, IsEmpty()) << "after the last fault was mended";
}

}  // namespace
}  // namespace strata::compactor

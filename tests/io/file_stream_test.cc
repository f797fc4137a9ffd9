#include "io/file_stream.h"

#include <gtest/gtest.h>

#include "io/checksum.h"
#include "io/memory_stream.h"
#include "tests/support/disk_helpers.h"
#include "tests/support/simulated_disk.h"

namespace strata::io {
namespace {

using support::Bytes;
using support::ReadAll;

TEST(FileSink, AppendsFromItsOffsetAndKeepsTheChecksum) {
  support::SimulatedDisk disk;
  auto file = disk.Open("/f", OpenMode::kCreate).value();
  ASSERT_TRUE(file->Write(0, Bytes(4, 1)).ok());
  FileSink sink(file.get(), 4);
  ASSERT_TRUE(sink.Append(Bytes(3, 2)).ok());
  ASSERT_TRUE(sink.Append(Bytes(2, 3)).ok());
  const std::vector<uint8_t> appended = {2, 2, 2, 3, 3};
  EXPECT_EQ(sink.offset(), 9u);
  EXPECT_EQ(sink.crc32c(), Crc32c(0, appended));
  EXPECT_EQ(ReadAll(disk, "/f"), (std::vector<uint8_t>{1, 1, 1, 1, 2, 2, 2, 3, 3}));
}

TEST(FileSink, ABufferIsWrittenWhenFullAndAtFlush) {
  support::SimulatedDisk disk;
  auto file = disk.Open("/f", OpenMode::kCreate).value();
  FileSink sink(file.get(), 0, 10);
  ASSERT_TRUE(sink.Append(Bytes(10, 1)).ok());
  EXPECT_EQ(file->Size().value(), 0u);
  ASSERT_TRUE(sink.Append(Bytes(1, 2)).ok());
  EXPECT_EQ(file->Size().value(), 11u);
  ASSERT_TRUE(sink.Append(Bytes(2, 3)).ok());
  EXPECT_EQ(sink.offset(), 13u);
  ASSERT_TRUE(sink.Flush().ok());
  ASSERT_TRUE(sink.Flush().ok());
  auto expected = Bytes(10, 1);
  expected.insert(expected.end(), {2, 3, 3});
  EXPECT_EQ(ReadAll(disk, "/f"), expected);
}

TEST(FileSource, ReadsWithinItsSizeOnly) {
  support::SimulatedDisk disk;
  auto file = disk.Open("/f", OpenMode::kCreate).value();
  ASSERT_TRUE(file->Write(0, Bytes(100, 5)).ok());
  auto source = FileSource::Open(disk, "/f").value();
  EXPECT_EQ(source->size(), 100u);
  EXPECT_EQ(source->name(), "/f");
  std::vector<uint8_t> out(10);
  EXPECT_TRUE(source->ReadAt(90, absl::MakeSpan(out)).ok());
  EXPECT_EQ(out, Bytes(10, 5));
  EXPECT_TRUE(absl::IsOutOfRange(source->ReadAt(91, absl::MakeSpan(out))));
  EXPECT_TRUE(absl::IsOutOfRange(source->ReadAt(~uint64_t{0}, absl::MakeSpan(out))));
  ASSERT_TRUE(file->Truncate(50).ok());
  EXPECT_TRUE(absl::IsDataLoss(source->ReadAt(45, absl::MakeSpan(out))));
}

TEST(MemoryStream, GivesBackWhatWasAppended) {
  MemorySink sink;
  ASSERT_TRUE(sink.Append(Bytes(3, 1)).ok());
  ASSERT_TRUE(sink.Append({}).ok());
  ASSERT_TRUE(sink.Append(Bytes(1, 2)).ok());
  MemorySource source(sink.Release(), "test");
  std::vector<uint8_t> out(2);
  ASSERT_TRUE(source.ReadAt(2, absl::MakeSpan(out)).ok());
  EXPECT_EQ(out, (std::vector<uint8_t>{1, 2}));
  EXPECT_TRUE(absl::IsOutOfRange(source.ReadAt(3, absl::MakeSpan(out))));
}

}  // namespace
}  // namespace strata::io

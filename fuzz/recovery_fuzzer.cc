#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "fuzz/check.h"
#include "segment/frame.h"
#include "segment/segment_header.h"
#include "tests/support/disk_helpers.h"
#include "tests/wal/log_world.h"
#include "wal/identity.h"

// Recovery of a directory from arbitrary bytes: up to three log files whose headers are right and
// whose records' checksums are made right, so that it gets behind them. Whatever recovery takes can
// be opened, read, written to and recovered again.
namespace strata::wal {
namespace {

using segment::FrameNo;

constexpr size_t kIdentityBytes = 4;
constexpr uint64_t kSalt = 9;

Identity IdentityFrom(const uint8_t* bytes) {
  Identity identity;
  identity.log_id.bytes.fill(1);
  identity.page_size = kPageSize;
  identity.base_frame = FrameNo(bytes[0] % 8);
  if (bytes[1] % 2 == 1) {
    identity.clean =
        CleanState{.last_frame = FrameNo(bytes[2] % 16), .database_pages = bytes[3] % 8u};
  }
  return identity;
}

void MakeIntact(std::vector<uint8_t>* file, uint32_t seed) {
  uint32_t folded = 0;
  for (size_t at = segment::kSegmentHeaderSize; at + segment::kRecordHeaderSize <= file->size();) {
    uint8_t* record = file->data() + at;
    record[segment::kRecordMagicAt] = segment::kRecordMagic;
    auto header = segment::DecodeRecordHeader(record);
    if (!header.ok()) {
      at += segment::kRecordAlignment;
      continue;
    }
    if (header->stored_length > file->size() - at - segment::kRecordHeaderSize) break;
    if (header->is_commit && header->commit_time_us % 4 != 0) header->transaction_checksum = folded;
    const io::ByteView payload(record + segment::kRecordHeaderSize, header->stored_length);
    const uint32_t checksum = segment::EncodeRecordHeader(*header, payload, seed, record);
    folded = header->is_commit ? 0 : segment::FoldTransactionChecksum(folded, checksum);
    at += segment::kRecordHeaderSize + header->stored_length;
    at = (at + segment::kRecordAlignment - 1) / segment::kRecordAlignment *
         segment::kRecordAlignment;
  }
}

std::vector<uint8_t> LogFile(uint64_t sequence, const uint8_t* body, size_t size) {
  segment::SegmentHeader header;
  header.page_size = kPageSize;
  header.log_id.bytes.fill(1);
  header.sequence = sequence;
  header.salt = kSalt;
  std::vector<uint8_t> file(segment::kSegmentHeaderSize);
  segment::EncodeSegmentHeader(header, file.data());
  file.insert(file.end(), body, body + size);
  MakeIntact(&file, segment::RecordSeed(kSalt, header.log_id));
  return file;
}

std::unique_ptr<support::SimulatedDisk> DiskFrom(const uint8_t* data, size_t size) {
  auto disk = std::make_unique<support::SimulatedDisk>();
  FUZZ_CHECK(disk->CreateDirectory(LogWorld::kDirectory).ok());
  const std::string directory = LogWorld::kDirectory;
  FUZZ_CHECK(WriteIdentity(*disk, directory + "/identity", IdentityFrom(data), {}).ok());
  const size_t files = 1 + data[0] / 8 % 3;
  const size_t each = (size - kIdentityBytes) / files;
  for (size_t i = 0; i < files; ++i) {
    const std::vector<uint8_t> bytes = LogFile(i + 1, data + kIdentityBytes + i * each, each);
    FUZZ_CHECK(support::DurableFile(*disk, directory + "/" + SegmentFileName(i + 1), bytes).ok());
  }
  return disk;
}

void UseIt(std::unique_ptr<support::SimulatedDisk> disk, const RecoveredLog& recovered) {
  if (recovered.end.database_pages > 1'000) return;  // long to read
  LogWorld world(std::move(disk));
  FUZZ_CHECK(world.Open().ok());
  const auto versions = world.Read();
  FUZZ_CHECK(versions.ok());
  FUZZ_CHECK(world.CommitPages({{1, 5}}, 1).ok());
  world.Crash();
  FUZZ_CHECK(world.Open().ok());
  const auto after = world.Read();
  FUZZ_CHECK(after.ok() && *after == Versions{5});
}

}  // namespace
}  // namespace strata::wal

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata::wal;
  if (size < kIdentityBytes) return 0;
  auto disk = DiskFrom(data, size);
  const auto first = RecoverLog(*disk, LogWorld::kDirectory);
  const auto second = RecoverLog(*disk, LogWorld::kDirectory);
  FUZZ_CHECK(first.status() == second.status());
  if (!first.ok()) return 0;
  FUZZ_CHECK(first->end.frame == second->end.frame);
  FUZZ_CHECK(first->durable <= first->end.frame);
  UseIt(std::move(disk), *first);
  return 0;
}

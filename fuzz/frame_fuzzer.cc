#include <cstdint>
#include <cstring>
#include <vector>

#include "fuzz/check.h"
#include "io/memory_stream.h"
#include "segment/frame.h"
#include "segment/record_scanner.h"

// Records: what decodes encodes to the same bytes again; the scanner walks any bytes, with each
// record's checksum made right first, so that it gets behind them.
namespace strata::segment {
namespace {

constexpr uint32_t kSeed = 7;

void CheckReadsBack(const FrameHeader& header, const uint8_t* bytes, io::ByteView payload) {
  uint8_t again[kRecordHeaderSize];
  EncodeRecordHeader(header, payload, kSeed, again);
  FUZZ_CHECK(std::memcmp(again + 4, bytes + 4, kRecordHeaderSize - 4) == 0);
  FUZZ_CHECK(RecordIsIntact(again, payload, kSeed));
}

// Number of records that were made intact, one behind the other from the start.
size_t MakeIntact(std::vector<uint8_t>* log) {
  size_t records = 0;
  for (size_t at = 0; at + kRecordHeaderSize <= log->size(); ++records) {
    const auto header = DecodeRecordHeader(log->data() + at);
    if (!header.ok()) break;
    if (header->stored_length > log->size() - at - kRecordHeaderSize) break;
    const io::ByteView payload(log->data() + at + kRecordHeaderSize, header->stored_length);
    CheckReadsBack(*header, log->data() + at, payload);
    EncodeRecordHeader(*header, payload, kSeed, log->data() + at);
    at += kRecordHeaderSize + header->stored_length;
    at = (at + kRecordAlignment - 1) / kRecordAlignment * kRecordAlignment;
  }
  return records;
}

void Scan(std::vector<uint8_t> log, size_t intact) {
  io::MemorySource source(std::move(log));
  RecordScanner scanner(&source, kSeed, 0);
  size_t records = 0;
  while (true) {
    const auto record = scanner.Next();
    FUZZ_CHECK(record.ok());
    if (!record->has_value()) break;
    FUZZ_CHECK((*record)->offset + kRecordHeaderSize + (*record)->payload.size() <= source.size());
    ++records;
  }
  FUZZ_CHECK(records == intact);
  const auto later = scanner.FindIntactRecordAfter(scanner.offset());
  FUZZ_CHECK(later.ok());
  FUZZ_CHECK(!later->has_value() || (*later)->offset >= scanner.offset());
}

}  // namespace
}  // namespace strata::segment

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata::segment;
  std::vector<uint8_t> log(data, data + size);
  // A magic byte at every place a record could start saves the fuzzer from finding it.
  for (size_t at = 0; at + kRecordHeaderSize <= log.size(); at += 4 * kRecordAlignment) {
    log[at + kRecordMagicAt] = kRecordMagic;
  }
  const size_t intact = MakeIntact(&log);
  Scan(std::move(log), intact);
  return 0;
}

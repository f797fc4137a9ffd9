#include <cstdint>
#include <map>
#include <vector>

#include "fuzz/check.h"
#include "io/memory_stream.h"
#include "segment/page_index_builder.h"
#include "tests/segment/index_repair.h"

// Page index, in two ways by the first byte: built from the input and compared with a std::map; or
// the input taken for an index, with all checksums made right.
namespace strata::segment {
namespace {

void BuildAndCompare(io::ByteView data) {
  std::map<uint32_t, uint32_t> twin;
  uint32_t page = 0;
  uint32_t ordinal = 0;
  for (const uint8_t step : data) {
    page += step < 200 ? 1 : 1u << (step % 24);
    ordinal = step % 16 == 0 ? step * 7919u : ordinal + 1;
    twin[page] = ordinal;
  }
  io::MemorySink index_bytes, hashes;
  PageIndexBuilder builder(&index_bytes, &hashes);
  for (const auto& [key, value] : twin) {
    FUZZ_CHECK(builder.Add({PageNo(key), value, key * 3ull}).ok() || key == 0);
  }
  FUZZ_CHECK(builder.Finish().ok());
  const auto index = PageIndex::OverMemory(index_bytes.bytes(), hashes.bytes());
  FUZZ_CHECK(index.ok());
  const auto iterator = (*index)->NewIterator();
  for (const auto& [key, value] : twin) {
    if (key == 0) continue;
    const auto entry = iterator->Next();
    FUZZ_CHECK(entry.ok() && entry->has_value());
    FUZZ_CHECK((*entry)->page.value() == key && (*entry)->ordinal == value);
    FUZZ_CHECK((*entry)->page_hash == key * 3ull);
    FUZZ_CHECK((*index)->Find(PageNo(key)).value() == value);
    FUZZ_CHECK((*index)->Find(PageNo(key + 1)).value().has_value() == (twin.count(key + 1) > 0));
  }
  FUZZ_CHECK(!iterator->Next().value().has_value());
}

// The column of hashes that the trailer asks for, unless that is absurd.
std::vector<uint8_t> HashesFor(const std::vector<uint8_t>& index) {
  if (index.size() < kIndexTrailerSize) return {};
  const uint64_t entries = io::LoadLittleEndian<uint64_t>(index.data() + index.size() -
                                                          kIndexTrailerSize + kTrailerEntriesAt);
  io::MemorySink sink;
  HashColumnBuilder column(&sink);
  for (uint64_t i = 0; i < entries && i < 100000; ++i) FUZZ_CHECK(column.Add(i).ok());
  FUZZ_CHECK(column.Finish().ok());
  return sink.Release();
}

void ReadHostile(io::ByteView data) {
  std::vector<uint8_t> bytes(data.begin(), data.end());
  MakeIndexChecksumsRight(absl::MakeSpan(bytes));
  const PageIndexPlace place = {0, bytes.size(), bytes.size(), HashesFor(bytes).size()};
  const std::vector<uint8_t> hashes = HashesFor(bytes);
  bytes.insert(bytes.end(), hashes.begin(), hashes.end());
  const auto source = std::make_shared<io::MemorySource>(std::move(bytes));
  for (const uint64_t keep_bytes : {uint64_t{0}, UINT64_MAX}) {
    const auto index = PageIndex::Open(source, place, keep_bytes);
    if (!index.ok()) continue;
    for (uint32_t page = 1; page != 0; page *= 2) (void)(*index)->Find(PageNo(page));
    const auto iterator = (*index)->NewIterator();
    uint32_t last = 0;
    while (true) {
      const auto entry = iterator->Next();
      if (!entry.ok() || !entry->has_value()) break;
      FUZZ_CHECK((*entry)->page.value() > last);
      last = (*entry)->page.value();
    }
  }
}

}  // namespace
}  // namespace strata::segment

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const strata::io::ByteView rest(data + 1, size - 1);
  if (data[0] % 2 == 0) {
    strata::segment::BuildAndCompare(rest);
  } else {
    strata::segment::ReadHostile(rest);
  }
  return 0;
}

#include "tests/crash/database_state.h"

#include <algorithm>
#include <cstring>

#include "segment/digest.h"

namespace strata::crash {

void FillPage(uint32_t page, uint64_t version, absl::Span<uint8_t> out) {
  std::fill(out.begin(), out.end(), 0);
  if (version == 0) return;
  uint64_t word = (static_cast<uint64_t>(page) << 40 ^ version) * 0x9E3779B97F4A7C15u;
  for (size_t at = 0; at < out.size(); at += sizeof word) {
    word = word * 6364136223846793005u + 1442695040888963407u;
    std::memcpy(out.data() + at, &word, sizeof word);
  }
  if (page != 1) return;
  const uint16_t stored = out.size() == 65536 ? 1 : static_cast<uint16_t>(out.size());
  out[16] = static_cast<uint8_t>(stored >> 8);
  out[17] = static_cast<uint8_t>(stored);
}

DatabaseState DatabaseState::WithDigest(uint32_t page_size, uint64_t digest) {
  DatabaseState state(page_size);
  state.digest_ = digest;
  return state;
}

uint64_t DatabaseState::HashOf(uint32_t page) const {
  thread_local std::vector<uint8_t> bytes;
  bytes.resize(page_size_);
  FillPage(page, versions_[page - 1], absl::MakeSpan(bytes));
  return segment::PageHash(segment::PageNo(page), bytes);
}

void DatabaseState::Set(uint32_t page, uint64_t version) {
  digest_ ^= HashOf(page);
  versions_[page - 1] = version;
  digest_ ^= HashOf(page);
}

void DatabaseState::Resize(uint32_t pages) {
  for (uint32_t page = pages + 1; page <= this->pages(); ++page) digest_ ^= HashOf(page);
  const uint32_t before = this->pages();
  versions_.resize(pages);
  for (uint32_t page = before + 1; page <= pages; ++page) digest_ ^= HashOf(page);
}

}  // namespace strata::crash

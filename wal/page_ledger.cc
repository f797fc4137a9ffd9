#include "wal/page_ledger.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "io/checksum.h"
#include "io/status_macros.h"
#include "wal/current_segment.h"

namespace strata::wal {

using segment::FrameNo;
using segment::PageNo;

namespace {

constexpr uint64_t kMagic = 0x3167644c72745300;  // "\0StrLdg1"
constexpr size_t kHeaderBytes = 64;
constexpr size_t kChecksummedBytes = 48;  // of the header
constexpr size_t kPageBytes = 16;
constexpr uint64_t kMostBytes = 16 << 20;
constexpr uint64_t kImpossibleBytes = 1 << 30;  // not read as a whole

uint32_t Checksum(const uint8_t* block, size_t pages) {
  const uint32_t header = io::Crc32c(0, {block, kChecksummedBytes});
  return io::Crc32c(header, {block + kHeaderBytes, pages * kPageBytes});
}

std::vector<uint8_t> Encode(const segment::LogId& log_id, const LedgerCheckpoint& checkpoint) {
  std::vector<uint8_t> block(kHeaderBytes + checkpoint.pages.size() * kPageBytes);
  uint8_t* to = block.data();
  io::StoreLittleEndian<uint64_t>(to, kMagic);
  std::copy(log_id.bytes.begin(), log_id.bytes.end(), to + 8);
  io::StoreLittleEndian<uint64_t>(to + 24, checkpoint.from.value());
  io::StoreLittleEndian<uint64_t>(to + 32, checkpoint.to.frame.value());
  io::StoreLittleEndian<uint32_t>(to + 40, checkpoint.to.database_pages);
  io::StoreLittleEndian<uint32_t>(to + 44, static_cast<uint32_t>(checkpoint.pages.size()));
  uint8_t* at = to + kHeaderBytes;
  for (const LedgerPage& page : checkpoint.pages) {
    io::StoreLittleEndian<uint64_t>(at, page.hash);
    io::StoreLittleEndian<uint32_t>(at + 8, page.page.value());
    at += kPageBytes;
  }
  io::StoreLittleEndian<uint32_t>(to + kChecksummedBytes, Checksum(to, checkpoint.pages.size()));
  return block;
}

// The block that begins at `at`, and its length; nullopt: none.
std::optional<std::pair<LedgerCheckpoint, size_t>> Decode(io::ByteView bytes, size_t at,
                                                          const segment::LogId& log_id) {
  const size_t left = bytes.size() - at;
  const uint8_t* from = bytes.data() + at;
  if (left < kHeaderBytes || io::LoadLittleEndian<uint64_t>(from) != kMagic) return std::nullopt;
  if (!std::equal(log_id.bytes.begin(), log_id.bytes.end(), from + 8)) return std::nullopt;
  const size_t pages = io::LoadLittleEndian<uint32_t>(from + 44);
  if (pages > (left - kHeaderBytes) / kPageBytes) return std::nullopt;
  if (io::LoadLittleEndian<uint32_t>(from + kChecksummedBytes) != Checksum(from, pages))
    return std::nullopt;
  LedgerCheckpoint checkpoint;
  checkpoint.from = FrameNo(io::LoadLittleEndian<uint64_t>(from + 24));
  checkpoint.to.frame = FrameNo(io::LoadLittleEndian<uint64_t>(from + 32));
  checkpoint.to.database_pages = io::LoadLittleEndian<uint32_t>(from + 40);
  for (const uint8_t* page = from + kHeaderBytes; checkpoint.pages.size() < pages;
       page += kPageBytes) {
    checkpoint.pages.push_back(
        {PageNo(io::LoadLittleEndian<uint32_t>(page + 8)), io::LoadLittleEndian<uint64_t>(page)});
  }
  return std::pair(std::move(checkpoint), kHeaderBytes + pages * kPageBytes);
}

// Intact blocks that follow each other, up to the last one. Who was killed leaves a piece of one.
std::vector<LedgerCheckpoint> DecodeAll(io::ByteView bytes, const segment::LogId& log_id) {
  std::vector<LedgerCheckpoint> blocks;
  for (size_t at = 0; at < bytes.size();) {
    auto block = Decode(bytes, at, log_id);
    at += block.has_value() ? block->second : kPageBytes;
    if (!block.has_value()) continue;
    if (!blocks.empty() && block->first.from > blocks.back().to.frame) blocks.clear();
    blocks.push_back(std::move(block->first));
  }
  return blocks;
}

// The newest hash of each page; a page that was cut off since is not known.
LedgerCheckpoint Merge(std::vector<LedgerCheckpoint> blocks) {
  LedgerCheckpoint all{blocks.front().from, blocks.back().to, {}};
  uint32_t pages_since = std::numeric_limits<uint32_t>::max();
  for (auto block = blocks.rbegin(); block != blocks.rend(); ++block) {
    pages_since = std::min(pages_since, block->to.database_pages);
    for (const LedgerPage& page : block->pages)
      if (page.page.value() <= pages_since) all.pages.push_back(page);
  }
  const auto by_page = [](const LedgerPage& a, const LedgerPage& b) { return a.page < b.page; };
  const auto same = [](const LedgerPage& a, const LedgerPage& b) { return a.page == b.page; };
  std::stable_sort(all.pages.begin(), all.pages.end(), by_page);
  all.pages.erase(std::unique(all.pages.begin(), all.pages.end(), same), all.pages.end());
  return all;
}

// One that is still long when merged is left out: knowledge begins with what follows.
absl::Status Shorten(io::FileSystem& files, const std::string& path, const io::Ownership& ownership,
                     const segment::LogId& log_id) {
  STRATA_ASSIGN_OR_RETURN(const auto known, ReadLedger(files, path, log_id));
  std::vector<uint8_t> block;
  if (known.has_value()) block = Encode(log_id, *known);
  if (block.size() > kMostBytes / 2) block.clear();
  const std::string temporary = path + kTemporarySuffix;
  const absl::Status removed = files.Unlink(temporary);
  if (!removed.ok() && !absl::IsNotFound(removed)) return removed;
  STRATA_ASSIGN_OR_RETURN(auto file, files.Open(temporary, io::OpenMode::kCreate, ownership));
  STRATA_RETURN_IF_ERROR(file->Write(0, block));
  return files.Rename(temporary, path);
}

}  // namespace

absl::Status AppendToLedger(io::FileSystem& files, const std::string& path,
                            const io::Ownership& ownership, const segment::LogId& log_id,
                            const LedgerCheckpoint& checkpoint) {
  STRATA_ASSIGN_OR_RETURN(auto file, files.Open(path, io::OpenMode::kCreateOrOpen, ownership));
  STRATA_ASSIGN_OR_RETURN(uint64_t size, file->Size());
  if (size > kMostBytes) {
    STRATA_RETURN_IF_ERROR(Shorten(files, path, ownership, log_id));
    STRATA_ASSIGN_OR_RETURN(file, files.Open(path, io::OpenMode::kReadWrite, ownership));
    STRATA_ASSIGN_OR_RETURN(size, file->Size());
  }
  const uint64_t end = (size + kPageBytes - 1) / kPageBytes * kPageBytes;
  return file->Write(end, Encode(log_id, checkpoint));
}

absl::StatusOr<std::optional<LedgerCheckpoint>> ReadLedger(io::FileSystem& files,
                                                           const std::string& path,
                                                           const segment::LogId& log_id) {
  const auto file = files.Open(path, io::OpenMode::kReadOnly);
  if (absl::IsNotFound(file.status())) return std::nullopt;
  STRATA_RETURN_IF_ERROR(file.status());
  STRATA_ASSIGN_OR_RETURN(const uint64_t size, (*file)->Size());
  if (size > kImpossibleBytes) return std::nullopt;
  std::vector<uint8_t> bytes(size);
  STRATA_ASSIGN_OR_RETURN(const size_t read, (*file)->ReadAt(0, absl::MakeSpan(bytes)));
  bytes.resize(read);
  std::vector<LedgerCheckpoint> blocks = DecodeAll(bytes, log_id);
  if (blocks.empty()) return std::nullopt;
  return Merge(std::move(blocks));
}

}  // namespace strata::wal

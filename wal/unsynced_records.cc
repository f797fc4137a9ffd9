#include "wal/unsynced_records.h"

#include <algorithm>
#include <utility>

namespace strata::wal {

UnsyncedRecords::Part UnsyncedRecords::NewPart(uint64_t offset, size_t size) {
  return {offset, size, std::make_shared_for_overwrite<uint8_t[]>(size), 0};
}

void UnsyncedRecords::Add(Part part) {
  const size_t size = part.size;
  part.number = added_;
  parts_.push_back(std::move(part));
  ++added_;
  kept_bytes_ += size;
  unwritten_bytes_ += size;
}

void UnsyncedRecords::TakeBackLast() {
  kept_bytes_ -= parts_.back().size;
  unwritten_bytes_ -= parts_.back().size;
  parts_.pop_back();
  --added_;
}

UnsyncedRecords::Parts UnsyncedRecords::Unwritten(uint64_t below) const {
  Parts parts;
  for (uint64_t i = written_; i < below && parts.size() < kMostAtOnce; ++i) {
    const Part& part = parts_[i - first_kept_];
    if (!parts.empty() && parts.back().end() != part.offset) break;
    parts.push_back(part);
  }
  return parts;
}

void UnsyncedRecords::NoteWritten(uint64_t below) {
  for (; written_ < below; ++written_) unwritten_bytes_ -= parts_[written_ - first_kept_].size;
}

void UnsyncedRecords::NoteSynced(uint64_t below) {
  NoteWritten(below);
  synced_ = std::max(synced_, below);
  Drop(below);
  if (synced_ >= first_kept_) dropped_from_ = UINT64_MAX;
}

void UnsyncedRecords::DropWritten() { Drop(written_); }

void UnsyncedRecords::Drop(uint64_t below) {
  for (; first_kept_ < below && !parts_.empty(); ++first_kept_) {
    if (first_kept_ >= synced_) dropped_from_ = std::min(dropped_from_, parts_.front().offset);
    kept_bytes_ -= parts_.front().size;
    parts_.pop_front();
  }
}

void UnsyncedRecords::OweFrom(uint64_t offset) {
  written_ = ++added_;
  first_kept_ = added_;
  dropped_from_ = offset;
}

uint64_t UnsyncedRecords::LowestOffset() const {
  uint64_t lowest = dropped_from_;
  for (const Part& part : parts_) lowest = std::min(lowest, part.offset);
  return lowest;
}

const uint8_t* UnsyncedRecords::Find(uint64_t offset, size_t size, size_t parts) const {
  const uint64_t looked_at = added_ - std::min<uint64_t>(parts, added_);
  const uint64_t first = std::max(first_kept_, std::min(written_, looked_at));
  for (uint64_t i = first_kept_ + parts_.size(); i-- > first;) {
    const Part& part = parts_[i - first_kept_];
    if (part.offset <= offset && offset + size <= part.end())
      return part.bytes.get() + (offset - part.offset);
  }
  return nullptr;
}

}  // namespace strata::wal

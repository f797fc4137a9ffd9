#include "wal/current_segment.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "io/status_macros.h"

namespace strata::wal {

using segment::FrameHeader;
using segment::FrameNo;
using segment::kRecordHeaderSize;
using segment::RecordKind;

namespace {

constexpr uint64_t kBlock = 4096;
constexpr size_t kBatchPages = 512;  // one write each

constexpr size_t kLookedAtForReading = 16;

uint64_t BlockStart(uint64_t offset) { return offset / kBlock * kBlock; }

// A pager that has not read page 1 yet may have pages of another size.
void CopyPage(io::ByteView from, io::MutableBytes to) {
  std::memcpy(to.data(), from.data(), std::min(to.size(), from.size()));
  if (to.size() > from.size()) std::memset(to.data() + from.size(), 0, to.size() - from.size());
}

}  // namespace

std::string SegmentFileName(uint64_t sequence) { return absl::StrFormat("%010d.log", sequence); }

uint64_t ParseSegmentFileName(const std::string& name) {
  uint64_t sequence = 0;
  if (name.size() < 14 || name.compare(name.size() - 4, 4, ".log") != 0) return 0;
  if (!absl::SimpleAtoi(name.substr(0, name.size() - 4), &sequence)) return 0;
  return SegmentFileName(sequence) == name ? sequence : 0;
}

// A record's checksum is a bijection of its seed, so that one seed verifies it and no other does.
uint64_t NewSalt(uint64_t random, const segment::LogId& log_id,
                 const std::vector<uint32_t>& past_seeds) {
  uint64_t salt = random;
  while (std::find(past_seeds.begin(), past_seeds.end(), segment::RecordSeed(salt, log_id)) !=
         past_seeds.end()) {
    ++salt;
  }
  return salt;
}

CurrentSegment::CurrentSegment(std::unique_ptr<io::File> file, std::string path,
                               const segment::SegmentHeader& header)
    : file_(std::move(file)),
      path_(std::move(path)),
      header_(header),
      seed_(segment::RecordSeed(header.salt, header.log_id)) {}

absl::StatusOr<std::shared_ptr<CurrentSegment>> CurrentSegment::Create(
    io::FileSystem& files, const std::string& directory, const segment::SegmentHeader& header,
    const io::Ownership& ownership) {
  const std::string path = absl::StrCat(directory, "/", SegmentFileName(header.sequence));
  const std::string temporary = path + kTemporarySuffix;
  // Never one that is there: a sync of it may have failed, and its blocks would not become durable
  // any more.
  const absl::Status removed = files.Unlink(temporary);
  if (!removed.ok() && !absl::IsNotFound(removed)) return removed;
  STRATA_ASSIGN_OR_RETURN(auto file, files.Open(temporary, io::OpenMode::kCreate, ownership));
  auto begun = Begin(std::move(file), path, header);
  if (!begun.ok()) files.Unlink(temporary).IgnoreError();
  return begun;
}

absl::StatusOr<std::shared_ptr<CurrentSegment>> CurrentSegment::Reuse(
    io::FileSystem& files, const std::string& directory, const segment::SegmentHeader& header,
    const UsedFile& used) {
  STRATA_ASSIGN_OR_RETURN(auto file, files.Open(used.path, io::OpenMode::kReadWrite));
  STRATA_ASSIGN_OR_RETURN(
      auto segment, Begin(std::move(file),
                          absl::StrCat(directory, "/", SegmentFileName(header.sequence)), header));
  segment->past_seeds_ = used.past_seeds;
  segment->written_before_ = used.bytes;
  return segment;
}

// Writes the header.
absl::StatusOr<std::shared_ptr<CurrentSegment>> CurrentSegment::Begin(
    std::unique_ptr<io::File> file, std::string path, const segment::SegmentHeader& header) {
  std::vector<uint8_t> bytes(segment::kSegmentHeaderSize);
  EncodeSegmentHeader(header, bytes.data());
  STRATA_RETURN_IF_ERROR(file->Write(0, bytes));
  std::string unpublished = file->path();
  auto segment =
      std::shared_ptr<CurrentSegment>(new CurrentSegment(std::move(file), std::move(path), header));
  segment->unpublished_path_ = std::move(unpublished);
  segment->reusable_ = true;
  return segment;
}

absl::Status CurrentSegment::Publish(io::FileSystem& files, const std::string& directory) {
  const uint64_t begun = unsynced_.added();
  absl::Status status = Sync();
  if (status.ok()) {
    FinishSync(begun);
    status = files.Rename(unpublished_path_, path_);
  }
  if (status.ok()) return files.SyncDirectory(directory);
  files.Unlink(unpublished_path_).IgnoreError();  // the next try takes another number
  return status;
}

std::optional<UsedFile> CurrentSegment::Used(const std::string& set_aside_as) const {
  if (!reusable_ || needs_sync()) return std::nullopt;
  UsedFile used{set_aside_as, std::max(written_before_, end_offset_), past_seeds_};
  used.past_seeds.push_back(seed_);
  return used;
}

std::shared_ptr<CurrentSegment> CurrentSegment::Recovered(std::unique_ptr<io::File> file,
                                                          const segment::SegmentHeader& header,
                                                          const std::vector<FrameRun>& runs,
                                                          FrameNo last, uint64_t end_offset) {
  std::string path = file->path();
  auto recovered =
      std::shared_ptr<CurrentSegment>(new CurrentSegment(std::move(file), std::move(path), header));
  for (const FrameRun& run : runs) recovered->runs_.push_back(run);
  recovered->committed_runs_.store(runs.size(), std::memory_order_release);
  if (!runs.empty())
    recovered->first_frame_.store(runs.front().first_frame, std::memory_order_release);
  recovered->last_commit_ = last;
  recovered->end_offset_ = end_offset;
  return recovered;
}

absl::Status CurrentSegment::AppendFrames(FrameNo first, absl::Span<const PageRef> pages,
                                          const CommitMark* commit, Placing placing) {
  if (open_first_ == FrameNo(0)) {
    open_first_ = first;
    open_offset_ = end_offset_;
  }
  const FrameNo before = first.previous();
  while (!pages.empty()) {
    const auto batch = pages.subspan(0, kBatchPages);
    pages.remove_prefix(batch.size());
    const absl::Status status =
        AppendBatch(first, batch, pages.empty() ? commit : nullptr, placing);
    if (!status.ok()) {
      Abandon(before);
      return status;
    }
    first = FrameNo(first.value() + batch.size());
  }
  if (commit != nullptr) CloseTransaction(first.previous());
  return absl::OkStatus();
}

absl::Status CurrentSegment::AppendBatch(FrameNo first, absl::Span<const PageRef> pages,
                                         const CommitMark* commit, Placing placing) {
  const size_t size = pages.size() * record_bytes();
  UnsyncedRecords::Part part = UnsyncedRecords::NewPart(end_offset_, size);
  const size_t checksums_before = open_checksums_.size();
  const size_t runs_before = runs_.size();
  auto forget = absl::MakeCleanup([&] {
    // The batches before, if any, are the caller's to abandon.
    open_checksums_.resize(checksums_before);
    runs_.Truncate(runs_before);
  });
  NoteFrames(first);
  for (size_t i = 0; i < pages.size(); ++i) {
    const bool last = i + 1 == pages.size();
    open_checksums_.push_back(EncodeFrame(FrameNo(first.value() + i), pages[i],
                                          last ? commit : nullptr,
                                          part.bytes.get() + i * record_bytes()));
  }
  STRATA_RETURN_IF_ERROR(Place(std::move(part), placing));
  std::move(forget).Cancel();
  end_offset_ += size;
  return absl::OkStatus();
}

uint32_t CurrentSegment::EncodeFrame(FrameNo frame, const PageRef& page, const CommitMark* commit,
                                     uint8_t* to) const {
  FrameHeader header;
  header.frame = frame;
  header.page = page.page;
  header.stored_length = header_.page_size;
  if (commit != nullptr) {
    header.is_commit = true;
    header.database_pages = commit->database_pages;
    header.commit_time_us = commit->time_us;
    header.durable = commit->durable;
    header.transaction_first = open_first_;
    for (uint32_t checksum : open_checksums_) {
      header.transaction_checksum =
          segment::FoldTransactionChecksum(header.transaction_checksum, checksum);
    }
  }
  std::memcpy(to + kRecordHeaderSize, page.data, header_.page_size);
  return EncodeRecordHeader(header, {to + kRecordHeaderSize, header_.page_size}, seed_, to);
}

// Starts a run where the frames do not follow directly on the last one.
void CurrentSegment::NoteFrames(FrameNo first) {
  if (runs_.size() > 0) {
    const FrameRun& last = runs_[runs_.size() - 1];
    if (last.offset + (first.value() - last.first_frame) * record_bytes() == end_offset_) return;
  }
  runs_.push_back({first.value(), end_offset_});
}

void CurrentSegment::CloseTransaction(FrameNo last) {
  committed_runs_.store(runs_.size(), std::memory_order_release);
  if (first_frame() == FrameNo(0))
    first_frame_.store(open_first_.value(), std::memory_order_release);
  last_commit_ = last;
  open_first_ = FrameNo(0);
  open_checksums_.clear();
}

void CurrentSegment::Follow(const std::vector<FrameRun>& runs, FrameNo last, uint64_t end_offset) {
  for (const FrameRun& run : runs) {
    if (runs_.size() > 0) {
      const FrameRun& before = runs_[runs_.size() - 1];
      if (before.offset + (run.first_frame - before.first_frame) * record_bytes() == run.offset)
        continue;
    }
    runs_.push_back(run);
  }
  committed_runs_.store(runs_.size(), std::memory_order_release);
  if (first_frame() == FrameNo(0) && !runs.empty())
    first_frame_.store(runs.front().first_frame, std::memory_order_release);
  last_commit_ = last;
  end_offset_ = end_offset;
}

void CurrentSegment::Resume(uint64_t end_offset, FrameNo synced, bool others_wrote) {
  moved_away_ = false;
  if (others_wrote) GiveUp();  // whoever synced meanwhile synced this too
  end_offset_ = end_offset;
  if (first_frame() == FrameNo(0) || last_commit_ <= synced) return;
  unsynced_.OweFrom(OffsetOf(std::max(first_frame(), synced.next())));
}

absl::Status CurrentSegment::Place(UnsyncedRecords::Part part, Placing placing) {
  if (placing == Placing::kNow) STRATA_RETURN_IF_ERROR(WriteUnwritten());
  unsynced_.Add(std::move(part));  // first: what is in the file is known here
  if (placing == Placing::kWithSync) return absl::OkStatus();
  const absl::Status status = WriteUnwritten();
  if (!status.ok()) unsynced_.TakeBackLast();
  return status;
}

absl::Status CurrentSegment::WriteUnwritten() {
  while (unsynced_.written() < unsynced_.added()) {
    const UnsyncedRecords::Parts parts = unsynced_.Unwritten(unsynced_.added());
    STRATA_RETURN_IF_ERROR(Write(parts));
    NoteWritten(parts);
  }
  return absl::OkStatus();
}

absl::Status CurrentSegment::Write(const UnsyncedRecords::Parts& parts) {
  absl::InlinedVector<io::ByteView, UnsyncedRecords::kMostAtOnce> views;
  for (const UnsyncedRecords::Part& part : parts) views.push_back(part.view());
  return file_->WriteAt(parts.front().offset, views);
}

absl::Status CurrentSegment::OverwriteFrame(FrameNo frame, const PageRef& page) {
  const size_t size = record_bytes();
  UnsyncedRecords::Part part = UnsyncedRecords::NewPart(OffsetOf(frame), size);
  const uint32_t checksum = EncodeFrame(frame, page, nullptr, part.bytes.get());
  STRATA_RETURN_IF_ERROR(Place(std::move(part), Placing::kNow));
  open_checksums_[frame.value() - open_first_.value()] = checksum;
  return absl::OkStatus();
}

void CurrentSegment::Abandon(FrameNo last) {
  if (open_first_ == FrameNo(0)) return;
  if (last >= open_first_) {
    const uint64_t keep = last.value() - open_first_.value() + 1;
    if (keep >= open_checksums_.size()) return;
    end_offset_ = OffsetOf(last.next());
    open_checksums_.resize(keep);
  } else {
    end_offset_ = open_offset_;
    open_checksums_.clear();
    open_first_ = FrameNo(0);
  }
  size_t runs = runs_.size();
  while (runs > committed_runs_.load(std::memory_order_relaxed) &&
         runs_[runs - 1].offset >= end_offset_)
    --runs;
  runs_.Truncate(runs);
}

absl::Status CurrentSegment::AppendMark(FrameNo last, FrameNo durable,
                                        const segment::MarkRecord& mark) {
  uint8_t payload[segment::kMarkPayloadSize];
  EncodeMark(mark, payload);
  FrameHeader header;
  header.kind = RecordKind::kMark;
  header.frame = last;
  header.durable = durable;
  return AppendRecord(header, payload, Placing::kNow);
}

absl::Status CurrentSegment::PadToBlock(Placing placing) {
  const uint64_t block = BlockStart(end_offset_);
  if (block == end_offset_) return absl::OkStatus();
  const std::vector<uint8_t> zeros(block + kBlock - end_offset_ - kRecordHeaderSize);
  FrameHeader header;
  header.kind = RecordKind::kPadding;
  header.frame = last_commit_;
  return AppendRecord(header, zeros, placing);
}

absl::Status CurrentSegment::AppendRecord(const FrameHeader& fields, io::ByteView payload,
                                          Placing placing) {
  const size_t size = kRecordHeaderSize + payload.size();
  UnsyncedRecords::Part part = UnsyncedRecords::NewPart(end_offset_, size);
  FrameHeader header = fields;
  header.stored_length = static_cast<uint32_t>(payload.size());
  EncodeRecordHeader(header, payload, seed_, part.bytes.get());
  if (!payload.empty())
    std::memcpy(part.bytes.get() + kRecordHeaderSize, payload.data(), payload.size());
  STRATA_RETURN_IF_ERROR(Place(std::move(part), placing));
  end_offset_ += size;
  return absl::OkStatus();
}

uint64_t CurrentSegment::OffsetIn(size_t runs, FrameNo frame) const {
  size_t low = 0;
  while (runs - low > 1) {
    const size_t middle = (low + runs) / 2;
    (runs_[middle].first_frame <= frame.value() ? low : runs) = middle;
  }
  return runs_[low].offset + (frame.value() - runs_[low].first_frame) * record_bytes();
}

uint64_t CurrentSegment::OffsetOf(FrameNo frame) const { return OffsetIn(runs_.size(), frame); }

absl::StatusOr<FrameHeader> CurrentSegment::ReadFrame(FrameNo frame, io::MutableBytes page) const {
  return ReadRecord(OffsetIn(committed_runs_.load(std::memory_order_acquire), frame), frame, page);
}

absl::StatusOr<FrameHeader> CurrentSegment::ReadOpenFrame(FrameNo frame,
                                                          io::MutableBytes page) const {
  return ReadRecord(OffsetOf(frame), frame, page);
}

absl::StatusOr<FrameHeader> CurrentSegment::ReadRecord(uint64_t offset, FrameNo frame,
                                                       io::MutableBytes page) const {
  thread_local std::vector<uint8_t> record;
  record.resize(record_bytes());
  absl::StatusOr<size_t> read = file_->ReadAt(offset, absl::MakeSpan(record));
  if (!read.ok()) read = file_->ReadAt(offset, absl::MakeSpan(record));  // one retry
  if (!read.ok()) return read.status();
  const io::ByteView payload(record.data() + kRecordHeaderSize, header_.page_size);
  if (*read != record.size() || !segment::RecordIsIntact(record.data(), payload, seed_)) {
    return absl::DataLossError(absl::StrCat(path(), ": frame ", frame.value(), " at offset ",
                                            offset, " is damaged: checksum does not match"));
  }
  STRATA_ASSIGN_OR_RETURN(FrameHeader header, segment::DecodeRecordHeader(record.data()));
  if (header.frame != frame) {
    return absl::DataLossError(absl::StrCat(path(), ": offset ", offset, " holds frame ",
                                            header.frame.value(), ", expected ", frame.value()));
  }
  CopyPage(payload, page);
  return header;
}

absl::StatusOr<FrameHeader> CurrentSegment::ReadKept(FrameNo frame, io::MutableBytes page) const {
  const uint8_t* record = unsynced_.Find(OffsetOf(frame), record_bytes(), kLookedAtForReading);
  if (record == nullptr) return absl::NotFoundError("");
  CopyPage({record + kRecordHeaderSize, header_.page_size}, page);
  return segment::DecodeRecordHeader(record);
}

absl::Status CurrentSegment::OpenSecondHandle() {
  if (second_handle_ != nullptr) return absl::OkStatus();
  STRATA_ASSIGN_OR_RETURN(second_handle_, file_->OpenForSync());
  return absl::OkStatus();
}

void CurrentSegment::MoveAway() {
  GiveUp();
  moved_away_ = true;
}

void CurrentSegment::GiveUp() {
  unsynced_.NoteSynced(unsynced_.added());
  reusable_ = false;
}

uint64_t CurrentSegment::FirstDoubtfulByte() const {
  return BlockStart(std::min(end_offset_, unsynced_.LowestOffset()));
}

absl::StatusOr<std::vector<uint8_t>> CurrentSegment::IntendedRecord(FrameNo frame) const {
  const uint64_t offset = OffsetOf(frame);
  const uint8_t* kept = unsynced_.Find(offset, record_bytes(), SIZE_MAX);
  if (kept != nullptr) return std::vector<uint8_t>(kept, kept + record_bytes());
  std::vector<uint8_t> record(record_bytes());
  STRATA_ASSIGN_OR_RETURN(const size_t read, file_->ReadAt(offset, absl::MakeSpan(record)));
  const io::ByteView payload(record.data() + kRecordHeaderSize, header_.page_size);
  if (read != record.size() || !segment::RecordIsIntact(record.data(), payload, seed_)) {
    return absl::DataLossError(
        absl::StrCat(path(), ": frame ", frame.value(), " at offset ", offset, " is damaged"));
  }
  return record;
}

}  // namespace strata::wal

#include "wal/sealer.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "io/object_stream.h"
#include "io/status_macros.h"
#include "segment/store_layout.h"
#include "wal/digest_tracker.h"

namespace strata::wal {

using segment::FrameHeader;
using segment::FrameNo;
using segment::PageNo;

namespace {

segment::SegmentHeader StoredHeader(const LogState& state, segment::SegmentState kind,
                                    const segment::SegmentKey& key) {
  segment::SegmentHeader header;
  header.state = kind;
  header.page_size = state.identity.page_size;
  header.log_id = key.log_id;
  header.parent_log_id = state.identity.parent_log_id;
  header.parent_frame = state.identity.parent_frame;
  header.salt = state.environment.random->Next64();
  header.created_us = state.environment.clock->NowMicros();
  header.digest_kind = segment::DigestKind::kXorXxh3;
  header.epoch = key.epoch;
  header.first_frame = key.first;
  header.last_frame = key.last;
  header.level = key.level;
  return header;
}

std::string NameOf(const LogState& state, const segment::SegmentKey& key) {
  return segment::BuildSegmentKey(state.identity.name_space, key);
}

absl::Status FinishObject(segment::SegmentWriter& writer, io::ObjectWriter& object,
                          SealedSegment* sealed) {
  STRATA_ASSIGN_OR_RETURN(const segment::SegmentWriter::Summary summary, writer.Finish());
  sealed->facts.size = summary.bytes;
  sealed->facts.crc32c = summary.crc32c;
  return object.Commit(summary.crc32c);
}

void NoteCommit(int64_t time_us, segment::SegmentFacts* facts) {
  if (facts->commits++ == 0) facts->first_time_us = time_us;
  facts->last_time_us = time_us;
}

}  // namespace

absl::StatusOr<FrameNo> Sealer::EndOfNext(FrameNo up_to) {
  FrameNo sealed;
  {
    io::MutexLock lock(&state_.append_mutex);
    sealed = state_.progress.sealed;
  }
  if (state_.BytesOf(up_to.value() - sealed.value()) <= state_.options.seal_bytes) return up_to;
  std::vector<uint8_t> page(state_.identity.page_size);
  const auto list = state_.files.list();
  const uint64_t frames = std::max<uint64_t>(1, state_.options.seal_bytes / state_.BytesOf(1));
  for (FrameNo frame(sealed.value() + frames); frame < up_to; frame = frame.next()) {
    STRATA_RETURN_IF_ERROR(state_.CheckMayShip());
    STRATA_ASSIGN_OR_RETURN(const FrameHeader header,
                            ReadLogFrame(*list, frame, absl::MakeSpan(page)));
    if (header.is_commit) return frame;
  }
  return up_to;
}

segment::SegmentKey Sealer::KeyOf(FrameNo last) {
  io::MutexLock lock(&state_.append_mutex);
  return {state_.identity.log_id, state_.progress.sealed.next(), last, state_.identity.epoch,
          segment::kSealedLevel};
}

absl::StatusOr<SealedSegment> Sealer::Write(FrameNo last, io::ObjectStore& store) {
  SealedSegment sealed;
  sealed.key = KeyOf(last);
  {
    io::MutexLock lock(&state_.append_mutex);
    sealed.digest = state_.progress.sealed_digest;
  }
  const segment::SegmentHeader header =
      StoredHeader(state_, segment::SegmentState::kSealed, sealed.key);
  STRATA_ASSIGN_OR_RETURN(const segment::SegmentWriterOptions options, WriterOptions(store));
  STRATA_ASSIGN_OR_RETURN(auto object, store.Put(NameOf(state_, sealed.key), io::IfPresent::kFail));
  io::ObjectSink sink(object.get());
  STRATA_ASSIGN_OR_RETURN(auto writer, segment::SegmentWriter::Create(&sink, header, options));
  STRATA_RETURN_IF_ERROR(WriteFrames(*writer, &sealed));
  STRATA_RETURN_IF_ERROR(FinishObject(*writer, *object, &sealed));
  return sealed;
}

// Previous versions are read back from the log, so that no page is kept for them.
absl::StatusOr<segment::SegmentWriterOptions> Sealer::WriterOptions(io::ObjectStore& store) {
  segment::SegmentWriterOptions options;
  STRATA_ASSIGN_OR_RETURN(options.encoding, dictionary_.EncodingOfNext(store));
  options.longest_chain = state_.options.longest_chain;
  options.read_frame = [list = state_.files.list()](FrameNo frame, io::MutableBytes page) {
    return ReadLogFrame(*list, frame, page).status();
  };
  options.on_keyframe = [this](io::ByteView page) { dictionary_.Offer(page); };
  return options;
}

absl::Status Sealer::WriteFrames(segment::SegmentWriter& writer, SealedSegment* sealed) {
  const FrameNo before = sealed->key.first.previous();
  STRATA_ASSIGN_OR_RETURN(const uint32_t pages_before, DatabasePagesAt(before));
  DigestTracker tracker(sealed->digest, pages_before, state_.identity.page_size,
                        [&](PageNo page) { return HashBefore(page, before); });
  const auto list = state_.files.list();
  std::vector<uint8_t> page(state_.identity.page_size);
  for (FrameNo frame = sealed->key.first; frame <= sealed->key.last; frame = frame.next()) {
    STRATA_RETURN_IF_ERROR(state_.CheckMayShip());
    STRATA_ASSIGN_OR_RETURN(const FrameHeader header,
                            ReadLogFrame(*list, frame, absl::MakeSpan(page)));
    STRATA_RETURN_IF_ERROR(writer.AddFrame(header, page));
    tracker.AddPage(header.page, segment::PageHash(header.page, page));
    if (!header.is_commit) continue;
    STRATA_ASSIGN_OR_RETURN(sealed->digest, tracker.Commit(header.database_pages));
    STRATA_RETURN_IF_ERROR(writer.AddCommit({frame, header.commit_time_us, header.database_pages,
                                             header.database_pages, sealed->digest}));
    NoteCommit(header.commit_time_us, &sealed->facts);
  }
  return absl::OkStatus();
}

// The database's size at the sealed commit: its own frame says so, or it is the checkpointed one.
absl::StatusOr<uint32_t> Sealer::DatabasePagesAt(FrameNo commit) {
  {
    io::MutexLock lock(&state_.append_mutex);
    if (state_.progress.checkpointed.frame == commit)
      return state_.progress.checkpointed.database_pages;
  }
  std::vector<uint8_t> page(state_.identity.page_size);
  STRATA_ASSIGN_OR_RETURN(const FrameHeader header,
                          ReadLogFrame(*state_.files.list(), commit, absl::MakeSpan(page)));
  return header.database_pages;
}

// A page as it was at commit `at`: in the log, else in the database file, which never runs ahead of
// `at`.
absl::StatusOr<uint64_t> Sealer::HashBefore(PageNo page, FrameNo at) {
  std::vector<uint8_t> bytes(state_.identity.page_size);
  const FrameNo frame = state_.index->Find(page, at);
  if (frame != FrameNo(0)) {
    STRATA_RETURN_IF_ERROR(
        ReadLogFrame(*state_.files.list(), frame, absl::MakeSpan(bytes)).status());
  } else {
    STRATA_ASSIGN_OR_RETURN(io::File * database, checkpointer_.database());
    const uint64_t offset = (page.value() - 1) * static_cast<uint64_t>(bytes.size());
    STRATA_RETURN_IF_ERROR(database->ReadAt(offset, absl::MakeSpan(bytes)).status());
  }
  return segment::PageHash(page, bytes);
}

segment::SegmentKey KeyOfBase(const LogState& state) {
  return {state.identity.log_id, FrameNo(1), state.identity.base_frame, state.identity.epoch,
          segment::kBaseLevel};
}

absl::StatusOr<SealedSegment> WriteBaseImage(LogState& state, io::File& database,
                                             io::ObjectStore& store) {
  SealedSegment sealed;
  sealed.key = KeyOfBase(state);
  const FrameNo last = sealed.key.last;
  const segment::SegmentHeader header =
      StoredHeader(state, segment::SegmentState::kCompacted, sealed.key);
  segment::SegmentWriterOptions options;
  STRATA_ASSIGN_OR_RETURN(
      options.encoding,
      EncodingOfBase(state, database, static_cast<uint32_t>(last.value()), store));
  STRATA_ASSIGN_OR_RETURN(auto object, store.Put(NameOf(state, sealed.key), io::IfPresent::kFail));
  io::ObjectSink sink(object.get());
  STRATA_ASSIGN_OR_RETURN(auto writer, segment::SegmentWriter::Create(&sink, header, options));
  segment::Digest digest;
  std::vector<uint8_t> bytes(header.page_size);
  const uint32_t pages = static_cast<uint32_t>(last.value());
  for (uint32_t page = 1; page <= pages; ++page) {
    if (PageNo(page) == segment::LockBytePage(header.page_size)) continue;
    STRATA_RETURN_IF_ERROR(state.CheckMayShip());
    std::fill(bytes.begin(), bytes.end(), 0);
    const uint64_t offset = static_cast<uint64_t>(page - 1) * header.page_size;
    STRATA_RETURN_IF_ERROR(database.ReadAt(offset, absl::MakeSpan(bytes)).status());
    FrameHeader frame;
    frame.frame = FrameNo(page);
    frame.page = PageNo(page);
    frame.stored_length = header.page_size;
    STRATA_RETURN_IF_ERROR(writer->AddFrame(frame, bytes));
    digest.Toggle(segment::PageHash(PageNo(page), bytes));
  }
  sealed.digest = digest.value();
  STRATA_RETURN_IF_ERROR(
      writer->AddCommit({last, state.identity.created_us, pages, pages, sealed.digest}));
  NoteCommit(state.identity.created_us, &sealed.facts);
  STRATA_RETURN_IF_ERROR(FinishObject(*writer, *object, &sealed));
  return sealed;
}

}  // namespace strata::wal

#include "wal/frame_repair.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "io/object_stream.h"
#include "io/status_macros.h"
#include "segment/dictionary_store.h"
#include "segment/segment_reader.h"
#include "segment/store_layout.h"
#include "segment/store_listing.h"

namespace strata::wal {

using segment::FrameHeader;
using segment::FrameNo;
using segment::StoredSegment;

namespace {

// Of those that hold the frame the one of the highest epoch: an older writer that went on unseen
// may have stored other frames of the same numbers.
absl::StatusOr<StoredSegment> FindSealed(LogState& state, FrameNo frame) {
  STRATA_ASSIGN_OR_RETURN(
      const std::vector<StoredSegment> stored,
      segment::ListSegments(*state.store, state.identity.name_space, state.identity.log_id));
  const StoredSegment* found = nullptr;
  for (const StoredSegment& each : stored) {
    const bool holds = each.key.level == segment::kSealedLevel && each.key.first <= frame &&
                       frame <= each.key.last && each.key.epoch <= state.identity.epoch;
    if (holds && (found == nullptr || each.key.epoch > found->key.epoch)) found = &each;
  }
  if (found != nullptr) return *found;
  return absl::NotFoundError(absl::StrCat("no sealed segment has frame ", frame.value()));
}

absl::Status ReadStored(LogState& state, FrameNo frame, io::MutableBytes page) {
  STRATA_ASSIGN_OR_RETURN(const StoredSegment stored, FindSealed(state, frame));
  STRATA_ASSIGN_OR_RETURN(
      auto source, io::ObjectSource::Open(state.store, segment::BuildSegmentKey(
                                                           state.identity.name_space, stored.key)));
  segment::DictionaryCache dictionaries;
  STRATA_ASSIGN_OR_RETURN(
      const auto reader,
      segment::SegmentReader::Open(std::move(source),
                                   std::make_shared<segment::StoredDictionaries>(
                                       state.store, &dictionaries, state.identity.name_space)));
  if (reader->header().page_size != page.size())
    return absl::DataLossError(absl::StrCat(reader->source().name(), ": another page size"));
  STRATA_ASSIGN_OR_RETURN(const FrameHeader header,
                          reader->ReadFrame(frame.value() - stored.key.first.value(), page));
  if (header.frame == frame) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(reader->source().name(), ": expected frame ",
                                          frame.value(), ", found ", header.frame.value()));
}

bool IsShipped(LogState& state, FrameNo frame) {
  io::MutexLock lock(&state.append_mutex);
  return frame <= state.progress.shipped;
}

}  // namespace

absl::Status RepairFrame(LogState& state, FrameNo frame, const absl::Status& damage,
                         io::MutableBytes page) {
  if (state.store == nullptr || !IsShipped(state, frame)) return damage;
  const absl::Status stored = ReadStored(state, frame, page);
  state.environment.logger->Log(
      stored.ok() ? io::Severity::kWarning : io::Severity::kError,
      absl::StrCat(damage.message(),
                   stored.ok() ? "; taken from the store" : "; in the store: ", stored.message()));
  return stored.ok() ? stored : damage;
}

absl::Status ReadOrRepairFrame(LogState& state, const LogFiles::List& files, FrameNo frame,
                               io::MutableBytes page) {
  if (ReadLogFrame(files, frame, page).ok()) return absl::OkStatus();
  const absl::Status again = ReadLogFrame(files, frame, page).status();
  return again.ok() ? again : RepairFrame(state, frame, again, page);
}

}  // namespace strata::wal

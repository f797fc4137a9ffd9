#include "wal/frame_repair.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
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
using segment::PageNo;
using segment::StoredSegment;

namespace {

// What is known of a frame that the store may have.
struct Sought {
  FrameNo frame;
  PageNo page;
  std::string name_space;
  segment::LogId log_id;
  segment::Epoch epoch;
};

std::optional<Sought> Describe(LogState& state, FrameNo frame) {
  io::MutexLock lock(&state.append_mutex);
  // Below the floor the index says nothing, and the database file has the page.
  if (frame > state.progress.shipped || frame <= state.index->floor()) return std::nullopt;
  return Sought{frame, state.index->PageOf(frame), state.identity.name_space, state.identity.log_id,
                state.identity.epoch};
}

// Of those that hold the frame the one of the highest epoch: an older writer that went on unseen
// may have stored other frames of the same numbers. Two of one epoch come from two copies of the
// log directory, and nothing says which of them is this one.
absl::StatusOr<StoredSegment> FindSealed(io::ObjectStore& store, const Sought& sought) {
  STRATA_ASSIGN_OR_RETURN(const std::vector<StoredSegment> stored,
                          segment::ListSegments(store, sought.name_space, sought.log_id));
  const StoredSegment* found = nullptr;
  bool sure = false;
  for (const StoredSegment& each : stored) {
    const bool holds = each.key.level == segment::kSealedLevel && each.key.first <= sought.frame &&
                       sought.frame <= each.key.last && each.key.epoch <= sought.epoch;
    if (!holds || (found != nullptr && each.key.epoch < found->key.epoch)) continue;
    sure = found == nullptr || each.key.epoch > found->key.epoch;
    found = &each;
  }
  if (found != nullptr && sure) return *found;
  return absl::NotFoundError(absl::StrCat(found == nullptr ? "no" : "more than one",
                                          " sealed segment has frame ", sought.frame.value()));
}

absl::Status ReadStored(io::ObjectStore& store, const Sought& sought, io::MutableBytes page) {
  STRATA_ASSIGN_OR_RETURN(const StoredSegment stored, FindSealed(store, sought));
  STRATA_ASSIGN_OR_RETURN(
      auto source,
      io::ObjectSource::Open(&store, segment::BuildSegmentKey(sought.name_space, stored.key)));
  segment::DictionaryCache dictionaries;
  STRATA_ASSIGN_OR_RETURN(const auto reader,
                          segment::SegmentReader::Open(
                              std::move(source), std::make_shared<segment::StoredDictionaries>(
                                                     &store, &dictionaries, sought.name_space)));
  if (reader->header().page_size != page.size())
    return absl::DataLossError(absl::StrCat(reader->source().name(), ": another page size"));
  STRATA_ASSIGN_OR_RETURN(const FrameHeader header,
                          reader->ReadFrame(sought.frame.value() - stored.key.first.value(), page));
  if (header.frame == sought.frame && header.page == sought.page) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(reader->source().name(), ": expected frame ",
                                          sought.frame.value(), " of page ", sought.page.value(),
                                          ", found frame ", header.frame.value(), " of page ",
                                          header.page.value()));
}

}  // namespace

absl::Status RepairFrame(LogState& state, FrameNo frame, const absl::Status& damage,
                         io::MutableBytes page) {
  if (state.store == nullptr) return damage;
  const std::optional<Sought> sought = Describe(state, frame);
  if (!sought.has_value()) return damage;
  const absl::Status stored = ReadStored(*state.store, *sought, page);
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

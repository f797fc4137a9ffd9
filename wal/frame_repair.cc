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
#include "segment/manifest_log.h"
#include "segment/segment_reader.h"
#include "segment/store_layout.h"
#include "segment/store_listing.h"

namespace strata::wal {

using segment::FrameHeader;
using segment::FrameNo;
using segment::ManifestEdits;
using segment::PageNo;
using segment::SegmentKey;
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

// What counts in the namespace; of an older release, which left no manifests, what is listed.
absl::StatusOr<ManifestEdits> ReadNamespace(LogState& state, const Sought& sought) {
  io::ObjectStore& store = *state.store;
  segment::ManifestLog manifests(&store, sought.name_space, state.environment.clock,
                                 state.environment.random);
  STRATA_RETURN_IF_ERROR(manifests.Refresh());
  if (manifests.tip().number != 0) return manifests.ReadAll();
  ManifestEdits listed;
  STRATA_ASSIGN_OR_RETURN(const std::vector<StoredSegment> stored,
                          segment::ListSegments(store, sought.name_space, sought.log_id));
  for (const StoredSegment& each : stored) listed.adds[each.key].size = each.size;
  STRATA_ASSIGN_OR_RETURN(const std::vector<segment::EpochClaim> claims,
                          segment::ListEpochs(store, sought.name_space));
  for (const segment::EpochClaim& claim : claims) listed.claims[claim.epoch] = claim;
  return listed;
}

// Of those that count and hold the frame the one of the highest epoch. Two of one epoch come from
// two copies of the log directory, and nothing says which of them is this one.
absl::StatusOr<SegmentKey> FindSealed(const ManifestEdits& all, const Sought& sought) {
  const SegmentKey* found = nullptr;
  bool sure = false;
  for (const auto& [key, facts] : all.adds) {
    const bool holds = key.log_id == sought.log_id && key.level == segment::kSealedLevel &&
                       key.first <= sought.frame && key.epoch <= sought.epoch &&
                       sought.frame <= segment::CountsUpTo(all, key);
    if (!holds || (found != nullptr && key.epoch < found->epoch)) continue;
    sure = found == nullptr || key.epoch > found->epoch;
    found = &key;
  }
  if (found != nullptr && sure) return *found;
  return absl::NotFoundError(absl::StrCat(found == nullptr ? "no" : "more than one",
                                          " sealed segment that counts has frame ",
                                          sought.frame.value()));
}

absl::Status ReadStored(LogState& state, const Sought& sought, io::MutableBytes page) {
  io::ObjectStore& store = *state.store;
  STRATA_ASSIGN_OR_RETURN(const ManifestEdits all, ReadNamespace(state, sought));
  STRATA_ASSIGN_OR_RETURN(const SegmentKey key, FindSealed(all, sought));
  STRATA_ASSIGN_OR_RETURN(auto source, io::ObjectSource::Open(&store, segment::BuildSegmentKey(
                                                                          sought.name_space, key)));
  segment::DictionaryCache dictionaries;
  STRATA_ASSIGN_OR_RETURN(const auto reader,
                          segment::SegmentReader::Open(
                              std::move(source), std::make_shared<segment::StoredDictionaries>(
                                                     &store, &dictionaries, sought.name_space)));
  if (reader->header().page_size != page.size())
    return absl::DataLossError(absl::StrCat(reader->source().name(), ": another page size"));
  STRATA_ASSIGN_OR_RETURN(const FrameHeader header,
                          reader->ReadFrame(sought.frame.value() - key.first.value(), page));
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
  const absl::Status stored = ReadStored(state, *sought, page);
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

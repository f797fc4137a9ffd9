#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/file.h"
#include "io/object_store.h"
#include "segment/dictionary_training.h"
#include "segment/frame_codec.h"
#include "wal/log_state.h"

namespace strata::wal {

// The dictionary that sealed segments are encoded with: the newest in the store, or one trained on
// frames that were sealed before. One call at a time (LogState::maintenance). Memory: 8 MiB of
// samples while there is no dictionary.
class FrameDictionary {
 public:
  explicit FrameDictionary(LogState* state) : state_(*state) {}

  // How keyframes of the next segment are encoded. Looks into the store at the first call, and
  // trains when enough frames were seen (about a second, once); what it trained is in the store
  // before it is handed out. Errors are those of the store.
  absl::StatusOr<segment::PageEncoding> EncodingOfNext(io::ObjectStore& store);

  // A page that was sealed as a keyframe.
  void Offer(io::ByteView page);

 private:
  absl::Status Train(io::ObjectStore& store);

  LogState& state_;
  bool looked_ = false;
  uint64_t next_training_ = 0;  // frames that must have been seen
  uint64_t seen_ = 0;
  std::shared_ptr<const segment::Dictionary> dictionary_;
  std::optional<segment::TrainingSamples> samples_;
};

// How the pages of a base image are encoded: with a dictionary trained on pages all over
// `database`, which is put into the store, when there are enough of them and it pays.
absl::StatusOr<segment::PageEncoding> EncodingOfBase(const LogState& state, io::File& database,
                                                     uint32_t pages, io::ObjectStore& store);

}  // namespace strata::wal

#include "segment/page_union.h"

#include <algorithm>

#include "io/status_macros.h"
#include "segment/union_input.h"
#include "segment/union_tournament.h"
#include "segment/union_window.h"

namespace strata::segment {

// Windows while they are well filled; where one is not, a stretch of tournament before the next.
struct PageUnion::State {
  absl::Status Start();
  absl::StatusOr<bool> GoOn();

  // Entries below which the tournament is cheaper than another window.
  uint64_t WorthAWindow() const { return 32 + inputs.size() / 4; }

  std::vector<UnionInput> inputs;
  UnionTournament tournament{&inputs};
  UnionWindow window{&inputs};
  bool started = false;
  bool in_tournament = false;
  uint64_t window_entries = UINT64_MAX;  // in the last window
};

absl::Status PageUnion::State::Start() {
  for (UnionInput& input : inputs) STRATA_RETURN_IF_ERROR(input.Advance(0));
  started = true;
  return absl::OkStatus();
}

// What was begun is used up: begins the next window or stretch. False at the end.
absl::StatusOr<bool> PageUnion::State::GoOn() {
  if (!in_tournament && window_entries < WorthAWindow()) {
    in_tournament = true;
    tournament.Start(16 * WorthAWindow());
    return true;
  }
  in_tournament = false;
  STRATA_ASSIGN_OR_RETURN(window_entries, window.Fill());
  return window_entries > 0;
}

PageUnion::PageUnion(std::vector<UnionSource> sources, uint32_t database_pages)
    : state_(std::make_unique<State>()) {
  state_->inputs.reserve(sources.size());
  for (UnionSource& source : sources) {
    state_->inputs.emplace_back(std::move(source.index),
                                std::min(source.live_limit, database_pages));
  }
}

PageUnion::~PageUnion() = default;

absl::StatusOr<size_t> PageUnion::NextBatch(absl::Span<UnionEntry> out) {
  State& state = *state_;
  if (!state.started) STRATA_RETURN_IF_ERROR(state.Start());
  size_t filled = 0;
  while (true) {
    if (state.in_tournament) {
      STRATA_ASSIGN_OR_RETURN(const size_t taken, state.tournament.Take(out.subspan(filled)));
      filled += taken;
    } else {
      filled += state.window.Take(out.subspan(filled));
    }
    if (filled == out.size()) return filled;
    STRATA_ASSIGN_OR_RETURN(const bool more, state.GoOn());
    if (!more) return filled;
  }
}

absl::StatusOr<std::optional<UnionEntry>> PageUnion::Next() {
  UnionEntry entry;
  STRATA_ASSIGN_OR_RETURN(const size_t filled, NextBatch(absl::MakeSpan(&entry, 1)));
  if (filled == 0) return std::nullopt;
  return entry;
}

}  // namespace strata::segment

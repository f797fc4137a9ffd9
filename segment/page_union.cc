#include "segment/page_union.h"

#include <algorithm>
#include <array>
#include <bit>

#include "io/status_macros.h"

namespace strata::segment {
namespace {

constexpr size_t kBatch = 256;
constexpr uint64_t kExhausted = UINT64_MAX;

}  // namespace

// A tournament over the sources' next pages: tree[0] is the winner, tree[1..leaves) hold the loser
// of each match. A key is the page and, for equal pages, an order that puts the newest source
// first.
struct PageUnion::State {
  struct Source {
    std::unique_ptr<PageIndexIterator> index;
    uint32_t limit = 0;  // highest page that counts
    std::array<PageIndexEntry, kBatch> entries;
    size_t count = 0;
    size_t next = 0;
  };

  uint64_t KeyOf(size_t source) const {
    const Source& from = sources[source];
    const uint64_t page = from.entries[from.next].page.value();
    return page << 32 | (sources.size() - 1 - source);
  }
  size_t SourceOf(uint64_t key) const { return sources.size() - 1 - (key & UINT32_MAX); }

  absl::StatusOr<uint64_t> Refill(size_t source);
  absl::StatusOr<uint64_t> Advance(size_t source);
  absl::Status Start();
  void Replay(size_t source, uint64_t key);

  std::vector<Source> sources;
  std::vector<uint64_t> tree;
  size_t leaves = 1;
  bool started = false;
  uint32_t last_page = 0;
};

// The key of the source's next entry; kExhausted at its end.
absl::StatusOr<uint64_t> PageUnion::State::Refill(size_t source) {
  Source& from = sources[source];
  STRATA_ASSIGN_OR_RETURN(from.count, from.index->NextBatch(absl::MakeSpan(from.entries)));
  from.next = 0;
  return from.count == 0 || from.entries[0].page.value() > from.limit ? kExhausted : KeyOf(source);
}

absl::StatusOr<uint64_t> PageUnion::State::Advance(size_t source) {
  Source& from = sources[source];
  if (++from.next == from.count) return Refill(source);
  return from.entries[from.next].page.value() > from.limit ? kExhausted : KeyOf(source);
}

// Plays all matches once.
absl::Status PageUnion::State::Start() {
  leaves = std::bit_ceil(std::max<size_t>(sources.size(), 1));
  std::vector<uint64_t> winners(2 * leaves, kExhausted);
  for (size_t source = 0; source < sources.size(); ++source) {
    STRATA_ASSIGN_OR_RETURN(winners[leaves + source], Refill(source));
  }
  tree.assign(leaves, kExhausted);
  for (size_t match = leaves; match-- > 1;) {
    winners[match] = std::min(winners[2 * match], winners[2 * match + 1]);
    tree[match] = std::max(winners[2 * match], winners[2 * match + 1]);
  }
  tree[0] = winners[1];
  started = true;
  return absl::OkStatus();
}

// Plays the matches of one source again, from its leaf up.
void PageUnion::State::Replay(size_t source, uint64_t key) {
  for (size_t match = (leaves + source) / 2; match > 0; match /= 2) {
    const uint64_t rival = tree[match];
    tree[match] = std::max(key, rival);
    key = std::min(key, rival);
  }
  tree[0] = key;
}

PageUnion::PageUnion(std::vector<UnionSource> sources, uint32_t database_pages)
    : state_(std::make_unique<State>()) {
  state_->sources.resize(sources.size());
  for (size_t i = 0; i < sources.size(); ++i) {
    state_->sources[i].index = std::move(sources[i].index);
    state_->sources[i].limit = std::min(sources[i].live_limit, database_pages);
  }
}

PageUnion::~PageUnion() = default;

absl::StatusOr<size_t> PageUnion::NextBatch(absl::Span<UnionEntry> out) {
  State& state = *state_;
  if (!state.started) STRATA_RETURN_IF_ERROR(state.Start());
  size_t filled = 0;
  while (filled < out.size() && state.tree[0] != kExhausted) {
    const size_t source = state.SourceOf(state.tree[0]);
    State::Source& from = state.sources[source];
    const PageIndexEntry& entry = from.entries[from.next];
    if (entry.page.value() != state.last_page) {
      state.last_page = entry.page.value();
      out[filled++] = {entry.page, source, entry.ordinal, entry.page_hash};
    }
    STRATA_ASSIGN_OR_RETURN(const uint64_t key, state.Advance(source));
    state.Replay(source, key);
  }
  return filled;
}

absl::StatusOr<std::optional<UnionEntry>> PageUnion::Next() {
  UnionEntry entry;
  STRATA_ASSIGN_OR_RETURN(const size_t filled, NextBatch(absl::MakeSpan(&entry, 1)));
  if (filled == 0) return std::nullopt;
  return entry;
}

}  // namespace strata::segment

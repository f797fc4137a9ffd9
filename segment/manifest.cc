#include "segment/manifest.h"

#include <algorithm>

namespace strata::segment {
namespace {

void FoldClaims(const ManifestEdits& later, ManifestEdits* fold) {
  for (const auto& [epoch, claim] : later.claims) {
    fold->claims[epoch] = claim;
    const auto end = fold->ends.find(claim.log_id);
    if (end != fold->ends.end()) end->second = std::min(end->second, claim.first_frame.previous());
  }
}

void FoldSegments(const ManifestEdits& later, FoldKind kind, ManifestEdits* fold) {
  for (const auto& [key, facts] : later.adds) {
    fold->marks.erase(key);
    fold->forgets.erase(key);
    fold->adds[key] = facts;
    FrameNo& end = fold->ends[key.log_id];
    end = std::max(end, key.last);
  }
  for (const auto& [key, mark] : later.marks) {
    fold->adds.erase(key);
    fold->forgets.erase(key);
    fold->marks[key] = mark;
  }
  for (const SegmentKey& key : later.forgets) {
    fold->adds.erase(key);
    fold->marks.erase(key);
    if (kind == FoldKind::kPartial) fold->forgets.insert(key);
  }
}

}  // namespace

void Fold(const ManifestEdits& later, FoldKind kind, ManifestEdits* fold) {
  FoldClaims(later, fold);
  FoldSegments(later, kind, fold);
  for (const auto& [log_id, end] : later.ends) fold->ends[log_id] = end;
  for (const auto& [name, pin] : later.pins) {
    if (pin.has_value() || kind == FoldKind::kPartial) {
      fold->pins[name] = pin;
    } else {
      fold->pins.erase(name);
    }
  }
  if (later.policy) fold->policy = later.policy;
}

namespace {

// The frame before the first one that a later epoch of the key's log took over, or the key's last.
FrameNo UnfencedUpTo(const ManifestEdits& state, const SegmentKey& key) {
  FrameNo upto = key.last;
  for (auto at = state.claims.upper_bound(key.epoch); at != state.claims.end(); ++at) {
    if (at->second.log_id == key.log_id) upto = std::min(upto, at->second.first_frame.previous());
  }
  return upto;
}

}  // namespace

bool IsUnfenced(const ManifestEdits& state, const SegmentKey& key) {
  return UnfencedUpTo(state, key) == key.last;
}

FrameNo CountsUpTo(const ManifestEdits& state, const SegmentKey& key) {
  const auto claim = state.claims.find(key.epoch);
  if (claim == state.claims.end() || claim->second.log_id != key.log_id) return FrameNo();
  const FrameNo upto = UnfencedUpTo(state, key);
  const bool is_whole = upto == key.last;
  const bool counts = is_whole || (key.level == kSealedLevel && key.first <= upto);
  return counts ? upto : FrameNo();
}

FrameNo ReachableEnd(const ManifestEdits& state, const LogId& log_id) {
  FrameNo reached;
  SegmentKey from;
  from.log_id = log_id;
  for (auto at = state.adds.lower_bound(from); at != state.adds.end(); ++at) {
    const SegmentKey& key = at->first;
    if (key.log_id != log_id || key.first > reached.next()) break;
    reached = std::max(reached, CountsUpTo(state, key));
  }
  return reached;
}

}  // namespace strata::segment

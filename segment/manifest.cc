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

bool IsUnfenced(const ManifestEdits& state, const SegmentKey& key) {
  for (auto at = state.claims.upper_bound(key.epoch); at != state.claims.end(); ++at) {
    if (at->second.log_id == key.log_id && at->second.first_frame <= key.last) return false;
  }
  return true;
}

}  // namespace strata::segment

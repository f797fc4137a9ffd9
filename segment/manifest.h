#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "segment/ids.h"
#include "segment/store_layout.h"

// What a namespace consists of, as changes one after the other. Format and rules:
// docs/store_layout.md, "Manifests"; bytes: segment/manifest_codec.h; in a store:
// segment/manifest_log.h; tested in tests/segment/manifest_test.cc.
namespace strata::segment {

// What is known of a segment without opening it. Zeros where an older store did not say.
struct SegmentFacts {
  uint64_t size = 0;  // bytes of the object
  uint32_t crc32c = 0;
  uint64_t commits = 0;
  int64_t first_time_us = 0;  // of its first and last commit, microseconds since 1970
  int64_t last_time_us = 0;

  friend bool operator==(const SegmentFacts&, const SegmentFacts&) = default;
};

// A segment that is no longer part of the namespace; its object goes when the grace period is over.
// A compacted one's name, which could be made again, stays a while longer, with size 0.
struct MarkedSegment {
  uint64_t size = 0;
  int64_t marked_us = 0;  // when it was marked; of a name: when its object was deleted

  bool is_deleted() const { return size == 0; }

  friend bool operator==(const MarkedSegment&, const MarkedSegment&) = default;
};

// A commit that retention keeps, by name.
struct Pin {
  LogId log_id;
  FrameNo frame;
  int64_t time_us = 0;  // of the commit
  int64_t created_us = 0;

  friend bool operator==(const Pin&, const Pin&) = default;
};

// What changes. No segment key stands in more than one of adds, marks and forgets.
struct ManifestEdits {
  std::map<Epoch, EpochClaim> claims;
  // The highest frame that was ever added to a log, as far as the newest claim let it stand. An
  // add raises it, a claim cuts it to below its first frame; what stands here sets it.
  std::map<LogId, FrameNo> ends;
  absl::btree_map<SegmentKey, SegmentFacts> adds;
  absl::btree_map<SegmentKey, MarkedSegment> marks;
  absl::btree_set<SegmentKey> forgets;             // their objects are deleted
  std::map<std::string, std::optional<Pin>> pins;  // nullopt: unpinned
  std::optional<std::string> policy;               // of retention; empty: none

  bool empty() const {
    return claims.empty() && ends.empty() && segments() == 0 && pins.empty() && !policy;
  }
  size_t segments() const { return adds.size() + marks.size() + forgets.size(); }
  const EpochClaim* newest_claim() const {
    return claims.empty() ? nullptr : &claims.rbegin()->second;
  }
  FrameNo end_of(const LogId& log_id) const {
    const auto at = ends.find(log_id);
    return at == ends.end() ? FrameNo() : at->second;
  }

  friend bool operator==(const ManifestEdits&, const ManifestEdits&) = default;
};

// Which changes `fold` holds: all from the first one on, so that what is gone may be forgotten, or
// some, to be laid over others.
enum class FoldKind { kComplete, kPartial };

// Lays `later` over `fold`.
void Fold(const ManifestEdits& later, FoldKind kind, ManifestEdits* fold);

// Whether no later epoch of its log took over at or before the segment's end.
bool IsUnfenced(const ManifestEdits& state, const SegmentKey& key);

// The last frame for which a segment counts, 0 for none: docs/store_layout.md, "What counts".
FrameNo CountsUpTo(const ManifestEdits& state, const SegmentKey& key);

// How far the segments in `state.adds` that count reach from frame 1 on without a gap.
FrameNo ReachableEnd(const ManifestEdits& state, const LogId& log_id);

// An object that holds the segments of a range of changes, folded.
struct ManifestPart {
  uint64_t from = 0;  // numbers of the first and last change
  uint64_t to = 0;
  uint64_t nonce = 0;  // in its name
  uint64_t size = 0;   // bytes of the object
  uint32_t crc32c = 0;
  uint32_t segments = 0;  // adds, marks and forgets in it

  friend bool operator==(const ManifestPart&, const ManifestPart&) = default;
};

enum class ManifestKind : uint32_t {
  kChange = 1,  // one numbered change; with parts it stands for all changes before it too
  kHint = 2,    // everything up to a change, as parts and what came after them
  kPart = 3,
};

// One object. Its edits fold the changes [from, to]; its parts, if any, those of [1, from).
struct Manifest {
  ManifestKind kind = ManifestKind::kChange;
  uint64_t from = 0;
  uint64_t to = 0;
  uint64_t nonce = 0;  // to tell a retry of one's own change from another's
  int64_t created_us = 0;
  bool is_base = false;  // a change that stands for all before it too
  std::vector<ManifestPart> parts;
  ManifestEdits edits;

  friend bool operator==(const Manifest&, const Manifest&) = default;
};

// Changes whose number this divides are bases: who lost the thread finds it again there, and
// changes before one may go. A part of the format.
constexpr uint64_t kBaseEvery = 1024;

}  // namespace strata::segment

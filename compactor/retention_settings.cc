#include <functional>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "compactor/retention.h"
#include "io/status_macros.h"
#include "segment/manifest_codec.h"
#include "segment/manifest_log.h"

// What people tell retention: policies, pins, and what it is to take back.
namespace strata::compactor {
namespace {

using segment::ManifestEdits;
using segment::ManifestLog;
using segment::StoredSegment;

absl::Status CheckPinName(const std::string& name) {
  bool good = !name.empty() && name.size() <= segment::kMaxPinName;
  for (char c : name) good = good && absl::ascii_isprint(static_cast<unsigned char>(c));
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("pin \"", absl::CHexEscape(name.substr(0, 128)),
                                                 "\": expected 1 to 128 printable characters"));
}

// One change, and the hint behind it.
absl::Status PublishOne(const RetentionWorld& world,
                        const std::function<absl::StatusOr<ManifestEdits>(
                            const NamespaceHistory&, const ManifestEdits&)>& make) {
  ManifestLog manifests(world.store, world.ns, world.clock, world.random);
  STRATA_RETURN_IF_ERROR(
      manifests.Publish([&](const ManifestEdits&) -> absl::StatusOr<ManifestEdits> {
        STRATA_ASSIGN_OR_RETURN(const ManifestEdits state, manifests.ReadAll());
        STRATA_ASSIGN_OR_RETURN(const NamespaceHistory history,
                                HistoryOf(world.ns, manifests.tip(), state));
        if (history.logs.empty()) {
          return NotInTheStore(world.ns);
        }
        return make(history, state);
      }));
  return manifests.WriteHint();
}

}  // namespace

absl::Status SetRetention(const RetentionWorld& world, absl::string_view policy) {
  std::string text;
  if (!policy.empty()) {
    STRATA_ASSIGN_OR_RETURN(const RetentionPolicy parsed, ParseRetentionPolicy(policy));
    text = ToString(parsed);
  }
  return PublishOne(
      world, [&](const NamespaceHistory&, const ManifestEdits&) -> absl::StatusOr<ManifestEdits> {
        ManifestEdits edits;
        edits.policy = text;
        return edits;
      });
}

absl::Status AddPin(const RetentionWorld& world, const std::string& name,
                    const ResolvedTarget& target) {
  STRATA_RETURN_IF_ERROR(CheckPinName(name));
  const segment::Pin pin{target.log->log_id, target.commit.frame, target.commit.time_us,
                         world.clock->NowMicros()};
  return PublishOne(
      world,
      [&](const NamespaceHistory& now, const ManifestEdits&) -> absl::StatusOr<ManifestEdits> {
        if (now.pins.contains(name)) {
          return absl::AlreadyExistsError(
              absl::StrCat("namespace ", world.ns, ": a pin \"", name, "\" is there already"));
        }
        const LogHistory* log = now.Find(pin.log_id);
        const std::vector<GraphSegment> graph =
            log ? BuildGraph(*log) : std::vector<GraphSegment>();
        if (!NotRestorable(graph, std::vector<bool>(graph.size(), true), {pin.frame}).empty()) {
          return absl::FailedPreconditionError(absl::StrCat("namespace ", world.ns, ": frame ",
                                                            pin.frame.value(),
                                                            " cannot be restored any more"));
        }
        ManifestEdits edits;
        edits.pins[name] = pin;
        return edits;
      });
}

absl::Status RemovePin(const RetentionWorld& world, const std::string& name) {
  return PublishOne(
      world,
      [&](const NamespaceHistory& now, const ManifestEdits&) -> absl::StatusOr<ManifestEdits> {
        if (!now.pins.contains(name)) {
          return absl::NotFoundError(
              absl::StrCat("namespace ", world.ns, ": no pin \"", absl::CHexEscape(name), "\""));
        }
        ManifestEdits edits;
        edits.pins[name] = std::nullopt;
        return edits;
      });
}

absl::StatusOr<std::vector<StoredSegment>> TakeBackMarks(const RetentionWorld& world) {
  std::vector<StoredSegment> taken;
  STRATA_RETURN_IF_ERROR(PublishOne(
      world,
      [&](const NamespaceHistory&, const ManifestEdits& state) -> absl::StatusOr<ManifestEdits> {
        ManifestEdits edits;
        taken.clear();
        for (const auto& [key, mark] : state.marks) {
          if (mark.is_deleted() || segment::CountsUpTo(state, key) == segment::FrameNo()) continue;
          const auto tail = world.store->GetTail(segment::BuildSegmentKey(world.ns, key), 0);
          if (absl::IsNotFound(tail.status())) continue;  // a run of retention was cut short there
          STRATA_RETURN_IF_ERROR(tail.status());
          edits.adds[key].size = mark.size;
          edits.ends[key.log_id] = state.end_of(key.log_id);  // an old segment is no new end
          taken.push_back({key, mark.size});
        }
        return edits;
      }));
  return taken;
}

}  // namespace strata::compactor

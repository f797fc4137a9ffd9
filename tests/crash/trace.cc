#include "tests/crash/trace.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace strata::crash {

Trace::Trace(const DatabaseState& initial, uint64_t frame) {
  Append({initial, frame, 0, kNever, "the start"});
  Promised(Promise::kPower, 0, 0);
}

size_t Trace::Append(Commit commit) {
  by_digest_[commit.state.digest()].push_back(commits_.size());
  commits_.push_back(std::move(commit));
  return commits_.size() - 1;
}

void Trace::Promised(Promise promise, size_t commit, uint64_t operations) {
  std::vector<Kept>& kept = Of(promise);
  if (kept.empty() || kept.back().commit < commit) kept.push_back({operations, commit});
  if (promise == Promise::kPower) Promised(Promise::kProcess, commit, operations);
}

void Trace::AtFrame(size_t commit, uint64_t frame) {
  if (commits_[commit].frame == kNever) commits_[commit].frame = frame;
}

void Trace::Found(size_t found, uint64_t operations) {
  for (size_t i = found + 1; i < commits_.size(); ++i)
    commits_[i].gone_at = std::min(commits_[i].gone_at, operations);
  Promised(Promise::kProcess, found, operations);
}

void Trace::PromisedUpToFrame(Promise promise, uint64_t frame, uint64_t operations) {
  for (size_t i = commits_.size(); i-- > 0;) {
    if (commits_[i].gone_at != kNever || commits_[i].frame > frame) continue;
    Promised(promise, i, operations);
    return;
  }
}

bool Trace::WasClosed(uint64_t operations) const {
  return std::find(closed_.begin(), closed_.end(), operations) != closed_.end();
}

size_t Trace::LastAlive() const {
  size_t last = commits_.size() - 1;
  while (commits_[last].gone_at != kNever) --last;
  return last;
}

size_t Trace::Oldest(Promise promise, uint64_t operations) const {
  const std::vector<Kept>& kept = promise == Promise::kPower ? power_ : process_;
  const auto after =
      std::upper_bound(kept.begin(), kept.end(), operations,
                       [](uint64_t at, const Kept& each) { return at < each.operations; });
  return after == kept.begin() ? 0 : std::prev(after)->commit;
}

bool Trace::IsPossible(size_t commit, uint64_t operations) const {
  const Commit& at = commits_[commit];
  return commit == 0 || (at.begun_at < operations && operations < at.gone_at);
}

Trace::Verdict Trace::Judge(uint64_t digest, uint64_t frame, Promise promise,
                            uint64_t operations) const {
  const size_t oldest = Oldest(promise, operations);
  const auto found = by_digest_.find(digest);
  if (found == by_digest_.end()) return {std::nullopt, "the state is that of no commit"};
  Verdict possible;
  for (const size_t commit : found->second) {
    if (commit < oldest || !IsPossible(commit, operations)) continue;
    if (!possible.commit.has_value() || commits_[commit].frame == frame) possible.commit = commit;
  }
  if (possible.commit.has_value()) return possible;
  const size_t commit = found->second.back();
  const char* what =
      commit < oldest ? "acknowledged commits are lost" : "a commit appears that cannot be there";
  return {commit, absl::StrCat(what, ": found commit ", commit, " (", commits_[commit].what,
                               "), promised ", oldest, " (", commits_[oldest].what, ")")};
}

std::optional<uint64_t> Trace::DigestAt(uint64_t frame) const {
  for (size_t i = commits_.size(); i-- > 0;) {
    if (commits_[i].frame == frame && commits_[i].gone_at == kNever)
      return commits_[i].state.digest();
  }
  const auto earlier = earlier_.find(frame);
  if (earlier == earlier_.end()) return std::nullopt;
  return earlier->second;
}

Trace Trace::After(size_t commit) const {
  Trace after(commits_[commit].state, commits_[commit].frame);
  after.earlier_ = earlier_;
  for (size_t i = 0; i < commit; ++i) {
    if (commits_[i].gone_at == kNever)
      after.earlier_[commits_[i].frame] = commits_[i].state.digest();
  }
  return after;
}

}  // namespace strata::crash

#include "compactor/commit_selection.h"

#include <algorithm>

namespace strata::compactor {

using segment::CommitEntry;

std::vector<CommitEntry> SelectCommits(std::vector<CommitEntry> commits, size_t limit) {
  if (commits.size() <= limit) return commits;
  auto smaller = [](const CommitEntry& a, const CommitEntry& b) {
    return a.min_database_pages < b.min_database_pages;
  };
  const size_t smallest =
      std::min_element(commits.begin(), commits.end(), smaller) - commits.begin();
  const size_t stride = limit > 2 ? (commits.size() + limit - 3) / (limit - 2) : commits.size();
  std::vector<CommitEntry> selected;
  for (size_t i = 0; i < commits.size(); ++i) {
    bool evenly = limit > 2 && i % stride == 0;
    if (evenly || i == smallest || i + 1 == commits.size()) selected.push_back(commits[i]);
  }
  return selected;
}

}  // namespace strata::compactor

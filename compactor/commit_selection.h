#pragma once

#include <vector>

#include "segment/commit_table.h"

namespace strata::compactor {

// At most `limit` (2 or more) of the commits of a chain for the table of the segment that it
// becomes: the last one, one with the smallest database (which is what older segments must know
// about shrinks), and the others evenly thinned out. Entries are kept as they are: folding the size
// of one that is left out into its successor would declare pages dead that were written after a
// shrink.
std::vector<segment::CommitEntry> SelectCommits(std::vector<segment::CommitEntry> commits,
                                                size_t limit);

}  // namespace strata::compactor

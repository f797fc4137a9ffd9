#include "segment/index_directory.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "io/status_macros.h"
#include "segment/index_block.h"

namespace strata::segment {
namespace {

absl::Status Wrong(absl::string_view what, uint64_t expected, uint64_t found) {
  return absl::DataLossError(absl::StrCat(what, ": expected ", expected, ", found ", found));
}

absl::Status CheckRun(const IndexLine& line) {
  const uint64_t last_page = uint64_t{line.first_page} + line.entries - 1;
  const uint64_t last_ordinal = uint64_t{line.lowest_ordinal} + line.entries - 1;
  if (last_page > UINT32_MAX) return Wrong("last page at most", UINT32_MAX, last_page);
  if (last_ordinal > UINT32_MAX) return Wrong("ordinal at most", UINT32_MAX, last_ordinal);
  return absl::OkStatus();
}

absl::Status CheckShape(const IndexLine& line) {
  const bool is_bitmap = line.kind == IndexBlockKind::kBitmap;
  if (!is_bitmap && line.kind != IndexBlockKind::kBuckets) {
    return Wrong("kind at most", 3, static_cast<uint64_t>(line.kind));
  }
  if (is_bitmap && line.page_shape == 0) return Wrong("cells at least", 1, 0);
  if (!is_bitmap && line.page_shape > kMaxLowWidth) {
    return Wrong("low bits at most", kMaxLowWidth, line.page_shape);
  }
  if (line.ordinal_width > 32 && line.ordinal_width != kOrderedWidth) {
    return Wrong("ordinal width at most", 32, line.ordinal_width);
  }
  return absl::OkStatus();
}

absl::Status CheckLine(const IndexLine& line, uint64_t next_page, uint64_t next_place) {
  if (line.first_page < next_page) return Wrong("page at least", next_page, line.first_page);
  if (line.entries == 0) return Wrong("entries at least", 1, 0);
  if (line.kind == IndexBlockKind::kRun) return CheckRun(line);
  if (line.place != next_place) return Wrong("place", next_place, line.place);
  return CheckShape(line);
}

}  // namespace

absl::Status IndexDirectory::Attach(const uint8_t* lines, size_t count, uint64_t entries,
                                    uint64_t block_bytes) {
  lines_ = lines;
  size_ = count;
  STRATA_RETURN_IF_ERROR(Check(entries, block_bytes));
  MakeHints();
  return absl::OkStatus();
}

absl::Status IndexDirectory::Check(uint64_t entries, uint64_t block_bytes) const {
  uint64_t described = 0;
  uint64_t next_page = 1;
  uint64_t next_place = 0;
  for (size_t number = 0; number < size_; ++number) {
    const IndexLine line = Line(number);
    const absl::Status checked = CheckLine(line, next_page, next_place);
    if (!checked.ok()) {
      return absl::DataLossError(absl::StrCat("line ", number, ": ", checked.message()));
    }
    described += line.entries;
    next_page = uint64_t{line.first_page} + (line.kind == IndexBlockKind::kRun ? line.entries : 1);
    next_place += IndexBlockBytes(line);
  }
  if (described != entries) return Wrong("pages of all lines", entries, described);
  if (next_place != block_bytes) return Wrong("bytes of blocks", next_place, block_bytes);
  return absl::OkStatus();
}

// Between one and two buckets a line, so that in pages spread evenly a bucket has few starts.
void IndexDirectory::MakeHints() {
  if (size_ == 0) return;
  first_page_ = FirstPage(0);
  const uint64_t span = FirstPage(size_ - 1) - first_page_;
  shift_ = 0;
  while (span >> shift_ >= 2 * size_) ++shift_;
  hints_.resize((span >> shift_) + 2);
  size_t line = 0;
  for (size_t bucket = 0; bucket < hints_.size(); ++bucket) {
    const uint64_t start = first_page_ + (uint64_t{bucket} << shift_);
    while (line + 1 < size_ && FirstPage(line + 1) <= start) ++line;
    hints_[bucket] = static_cast<uint32_t>(line);
  }
}

}  // namespace strata::segment

#include "wal/write_transaction.h"

#include <utility>

#include "absl/cleanup/cleanup.h"
#include "io/status_macros.h"

namespace strata::wal {

using segment::FrameNo;
using segment::PageNo;

void WriteTransaction::Begin(const CommitPoint& from) {
  End();
  begun_ = true;
  before_ = from.frame;
}

void WriteTransaction::End() {
  begun_ = prepared_ = committed_ = false;
  pages_.clear();
  frames_.clear();
}

FrameNo WriteTransaction::Find(PageNo page) const {
  if (frames_.empty()) return FrameNo(0);
  const auto at = frames_.find(page.value());
  return at == frames_.end() ? FrameNo(0) : at->second;
}

absl::Status WriteTransaction::Prepare() {
  if (prepared_) return absl::OkStatus();
  STRATA_RETURN_IF_ERROR(appender_.BeginTransaction());
  prepared_ = true;
  return absl::OkStatus();
}

absl::StatusOr<std::vector<PageRef>> WriteTransaction::OverwriteKnown(
    absl::Span<const PageRef> pages) {
  std::vector<PageRef> unknown;
  unknown.reserve(pages.size());
  for (const PageRef& page : pages) {
    const FrameNo frame = Find(page.page);
    if (frame == FrameNo(0)) {
      unknown.push_back(page);
    } else {
      STRATA_RETURN_IF_ERROR(appender_.Overwrite(frame, page));
    }
  }
  return unknown;
}

void WriteTransaction::Note(absl::Span<const PageRef> pages) {
  for (const PageRef& page : pages) {
    pages_.push_back(page.page);
    frames_[page.page.value()] = last();
  }
}

absl::Status WriteTransaction::Spill(absl::Span<const PageRef> pages) {
  STRATA_RETURN_IF_ERROR(Prepare());
  STRATA_ASSIGN_OR_RETURN(const std::vector<PageRef> fresh, OverwriteKnown(pages));
  if (fresh.empty()) return absl::OkStatus();
  const uint64_t before = pages_.size();
  const FrameNo first = last().next();
  auto forget = absl::MakeCleanup([&] { Forget(before); });
  Note(fresh);  // first: what is in the log is known here
  STRATA_RETURN_IF_ERROR(appender_.Append(first, fresh));
  std::move(forget).Cancel();
  return absl::OkStatus();
}

absl::Status WriteTransaction::Commit(absl::Span<const PageRef> pages, uint32_t database_pages,
                                      Durability durability) {
  STRATA_RETURN_IF_ERROR(Prepare());
  std::vector<PageRef> unknown;
  absl::Span<const PageRef> fresh = pages;
  if (!frames_.empty()) {
    STRATA_ASSIGN_OR_RETURN(unknown, OverwriteKnown(pages.first(pages.size() - 1)));
    unknown.push_back(pages.back());
    fresh = unknown;
  }
  pages_.reserve(pages_.size() + fresh.size());  // no memory is needed behind a commit
  STRATA_RETURN_IF_ERROR(
      appender_.Commit(last().next(), fresh, pages_, database_pages, durability));
  committed_ = true;
  for (const PageRef& page : fresh) pages_.push_back(page.page);
  return absl::OkStatus();
}

void WriteTransaction::Forget(uint64_t frames) {
  for (size_t i = frames; i < pages_.size(); ++i) {
    const auto at = frames_.find(pages_[i].value());
    if (at != frames_.end() && at->second.value() == before_.value() + i + 1) frames_.erase(at);
  }
  if (frames < pages_.size()) pages_.resize(frames);
}

void WriteTransaction::TruncateTo(uint64_t frames) {
  Forget(frames);
  if (!committed_ && prepared_) appender_.Abandon(last());
}

std::vector<PageNo> WriteTransaction::TakeBack() {
  std::vector<PageNo> pages = std::exchange(pages_, {});
  frames_.clear();
  TruncateTo(0);
  return pages;
}

}  // namespace strata::wal

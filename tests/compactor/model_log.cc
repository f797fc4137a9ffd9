#include "tests/compactor/model_log.h"

#include <algorithm>
#include <random>

#include "gtest/gtest.h"
#include "io/clock.h"
#include "io/object_stream.h"
#include "io/random.h"
#include "segment/digest.h"
#include "segment/manifest_log.h"

namespace strata::compactor {

using segment::CommitEntry;
using segment::Epoch;
using segment::FrameNo;
using segment::PageNo;
using segment::SegmentKey;

std::vector<uint8_t> ModelLog::State::Bytes() const {
  std::vector<uint8_t> bytes;
  for (const PageBytes& page : pages) bytes.insert(bytes.end(), page.begin(), page.end());
  return bytes;
}

ModelLog::ModelLog(io::ObjectStore* store, std::string ns, uint32_t page_size, uint8_t log_id_fill,
                   uint64_t epoch)
    : store_(store), ns_(std::move(ns)), page_size_(page_size), epoch_(epoch) {
  log_id_.bytes.fill(log_id_fill);
}

void ModelLog::Claim(uint64_t epoch, uint64_t first_frame) {
  segment::EpochClaim claim;
  claim.log_id = log_id_;
  claim.epoch = Epoch(epoch);
  claim.first_frame = FrameNo(first_frame);
  claim.page_size = page_size_;
  absl::Status put = io::PutObject(*store_, segment::BuildEpochKey(ns_, claim.epoch),
                                   io::IfPresent::kFail, segment::EncodeEpochClaim(claim));
  ASSERT_TRUE(put.ok()) << put;
  epoch_ = Epoch(epoch);
  segment::ManifestEdits edits;
  edits.claims[claim.epoch] = claim;
  Publish(edits, false);
}

void ModelLog::Publish(const segment::ManifestEdits& edits, bool also_first) {
  segment::ManifestLog manifests(store_, ns_, &io::SystemClock(), &io::SystemRandom());
  const absl::Status refreshed = manifests.Refresh();
  ASSERT_TRUE(refreshed.ok()) << refreshed;
  if (manifests.tip().number == 0 && !also_first) return;
  const absl::Status published =
      manifests.Publish([&](const segment::ManifestEdits&) { return edits; });
  ASSERT_TRUE(published.ok()) << published;
}

void ModelLog::StartManifests() {
  segment::ManifestEdits edits;
  edits.policy = "";
  Publish(edits, true);
}

PageBytes ModelLog::Page(uint64_t seed) const {
  std::mt19937_64 random(seed);
  PageBytes page(page_size_);
  const size_t noisy = random() % page_size_;
  for (size_t i = 0; i < page.size(); ++i)
    page[i] = static_cast<uint8_t>(i < noisy ? random() : seed);
  return page;
}

uint64_t ModelLog::DigestNow() const {
  segment::Digest digest;
  for (uint32_t i = 0; i < pages_.size(); ++i) {
    PageNo page(i + 1);
    if (page != segment::LockBytePage(page_size_))
      digest.Toggle(segment::PageHash(page, pages_[i]));
  }
  return digest.value();
}

void ModelLog::Commit(const std::map<uint32_t, PageBytes>& pages, uint32_t database_pages) {
  ASSERT_FALSE(pages.empty());
  const uint64_t transaction_first = next_frame_;
  for (const auto& [number, page] : pages) {
    Frame frame;
    frame.header.frame = FrameNo(next_frame_++);
    frame.header.page = PageNo(number);
    frame.page = page;
    if (pages_.size() < number) pages_.resize(number, PageBytes(page_size_, 0));
    pages_[number - 1] = page;
    unshipped_.push_back(std::move(frame));
  }
  pages_.resize(database_pages, PageBytes(page_size_, 0));
  time_us_ += 1'000'000;
  CommitEntry commit{FrameNo(next_frame_ - 1), time_us_, database_pages, database_pages,
                     DigestNow()};
  segment::FrameHeader& last = unshipped_.back().header;
  last.is_commit = true;
  last.database_pages = database_pages;
  last.commit_time_us = time_us_;
  last.transaction_first = FrameNo(transaction_first);
  unshipped_commits_.push_back(commit);
  states_.push_back({commit, pages_});
}

segment::SegmentHeader ModelLog::HeaderFor(const SegmentKey& key) const {
  segment::SegmentHeader header;
  header.state =
      key.level == 0 ? segment::SegmentState::kSealed : segment::SegmentState::kCompacted;
  header.page_size = page_size_;
  header.log_id = log_id_;
  header.salt = key.first.value() * 1000 + key.last.value();
  header.created_us = time_us_;
  header.codecs = 3;
  header.digest_kind = segment::DigestKind::kXorXxh3;
  header.epoch = key.epoch;
  header.first_frame = key.first;
  header.last_frame = key.last;
  header.level = key.level;
  return header;
}

void ModelLog::Ship(const SegmentKey& key, const std::vector<Frame>& frames,
                    const std::vector<CommitEntry>& commits) {
  auto object = store_->Put(segment::BuildSegmentKey(ns_, key), io::IfPresent::kFail);
  ASSERT_TRUE(object.ok()) << object.status();
  io::ObjectSink sink(object->get());
  segment::SegmentWriterOptions options;
  options.encoding = encoding_;
  if (key.level == 0) options.longest_chain = longest_chain_;
  options.read_frame = [&](FrameNo frame, io::MutableBytes page) {
    const PageBytes& bytes = frames.at(frame.value() - key.first.value()).page;
    std::copy(bytes.begin(), bytes.end(), page.begin());
    return absl::OkStatus();
  };
  auto writer = segment::SegmentWriter::Create(&sink, HeaderFor(key), options);
  ASSERT_TRUE(writer.ok()) << writer.status();
  for (const Frame& frame : frames) {
    absl::Status added = (*writer)->AddFrame(frame.header, frame.page);
    ASSERT_TRUE(added.ok()) << added;
  }
  for (const CommitEntry& commit : commits) {
    absl::Status added = (*writer)->AddCommit(commit);
    ASSERT_TRUE(added.ok()) << added;
  }
  auto summary = (*writer)->Finish();
  ASSERT_TRUE(summary.ok()) << summary.status();
  absl::Status committed = (*object)->Commit(summary->crc32c);
  ASSERT_TRUE(committed.ok()) << committed;
  segment::ManifestEdits edits;
  edits.adds[key] = {summary->bytes, summary->crc32c, commits.size(), commits.front().time_us,
                     commits.back().time_us};
  Publish(edits, false);
}

void ModelLog::ShipBase(const std::vector<PageBytes>& pages) {
  ASSERT_EQ(next_frame_, 1u);
  pages_ = pages;
  std::vector<Frame> frames;
  for (const PageBytes& page : pages) {
    Frame frame;
    frame.header.frame = FrameNo(next_frame_);
    frame.header.page = PageNo(static_cast<uint32_t>(next_frame_++));
    frame.page = page;
    frames.push_back(std::move(frame));
  }
  const uint32_t count = static_cast<uint32_t>(pages.size());
  time_us_ += 1'000'000;
  CommitEntry commit{FrameNo(count), time_us_, count, count, DigestNow()};
  frames.back().header.is_commit = true;
  frames.back().header.database_pages = count;
  frames.back().header.commit_time_us = time_us_;
  frames.back().header.transaction_first = FrameNo(1);
  Ship({log_id_, FrameNo(1), FrameNo(count), epoch_, segment::kBaseLevel}, frames, {commit});
  states_.push_back({commit, pages_});
}

SegmentKey ModelLog::ShipSealed() {
  SegmentKey key{log_id_, unshipped_.front().header.frame, unshipped_.back().header.frame, epoch_,
                 0};
  Ship(key, unshipped_, unshipped_commits_);
  unshipped_.clear();
  unshipped_commits_.clear();
  return key;
}

const ModelLog::State* ModelLog::StateAt(uint64_t frame) const {
  const State* found = nullptr;
  for (const State& state : states_) {
    if (state.commit.frame.value() <= frame) found = &state;
  }
  return found;
}

}  // namespace strata::compactor

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "io/object_store.h"
#include "segment/manifest.h"
#include "segment/segment_header.h"
#include "segment/segment_writer.h"
#include "segment/store_layout.h"

namespace strata::compactor {

using PageBytes = std::vector<uint8_t>;

// The obvious twin of a log: a database held in memory, every state of which is kept, that ships
// segments to a store as a writer would: with manifests, once the namespace has some.
class ModelLog {
 public:
  struct State {
    segment::CommitEntry commit;
    std::vector<PageBytes> pages;  // page i + 1
    std::vector<uint8_t> Bytes() const;
  };

  ModelLog(io::ObjectStore* store, std::string ns, uint32_t page_size, uint8_t log_id_fill = 1,
           uint64_t epoch = 1);

  void Claim(uint64_t epoch, uint64_t first_frame);

  // From now on the namespace has manifests.
  void StartManifests();

  // A transaction: page number -> content, and the size of the database after it (at least one
  // page).
  void Commit(const std::map<uint32_t, PageBytes>& pages, uint32_t database_pages);

  // A page filled from `seed`.
  PageBytes Page(uint64_t seed) const;

  // The pages as they are now become segment [1..P]; must come first.
  void ShipBase(const std::vector<PageBytes>& pages);

  // Ships what was committed since the last segment as a sealed one; returns its key.
  segment::SegmentKey ShipSealed();

  const std::vector<State>& states() const { return states_; }
  const segment::LogId& log_id() const { return log_id_; }
  uint32_t page_size() const { return page_size_; }
  segment::FrameNo last_frame() const { return segment::FrameNo(next_frame_ - 1); }
  void set_epoch(uint64_t epoch) { epoch_ = segment::Epoch(epoch); }
  // How the segments that follow are encoded; deltas in sealed ones only.
  void set_encoding(segment::PageEncoding encoding, uint32_t longest_chain) {
    encoding_ = std::move(encoding);
    longest_chain_ = longest_chain;
  }
  void set_time_us(int64_t time_us) { time_us_ = time_us; }

  // Keeps only the newest state: for databases that are large.
  void ForgetOldStates() { states_.erase(states_.begin(), states_.end() - 1); }

  // The state after the last commit at or before `frame`; nullptr when there is none.
  const State* StateAt(uint64_t frame) const;

 private:
  void Publish(const segment::ManifestEdits& edits, bool also_first);
  struct Frame {
    segment::FrameHeader header;
    PageBytes page;
  };

  segment::SegmentHeader HeaderFor(const segment::SegmentKey& key) const;
  void Ship(const segment::SegmentKey& key, const std::vector<Frame>& frames,
            const std::vector<segment::CommitEntry>& commits);
  uint64_t DigestNow() const;

  io::ObjectStore* store_;
  std::string ns_;
  uint32_t page_size_;
  segment::LogId log_id_;
  segment::Epoch epoch_;
  uint64_t next_frame_ = 1;
  int64_t time_us_ = 1'700'000'000'000'000;
  segment::PageEncoding encoding_;
  uint32_t longest_chain_ = 0;
  std::vector<PageBytes> pages_;
  std::vector<State> states_;
  std::vector<Frame> unshipped_;
  std::vector<segment::CommitEntry> unshipped_commits_;
};

}  // namespace strata::compactor

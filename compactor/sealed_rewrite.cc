#include "compactor/sealed_rewrite.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "io/checksum.h"
#include "io/memory_stream.h"
#include "io/status_macros.h"

namespace strata::compactor {
namespace {

using segment::CommitEntry;
using segment::DirectoryEntry;
using segment::FrameHeader;
using segment::FrameNo;
using segment::RecentPages;
using segment::SegmentReader;
using segment::SegmentWriter;

// One rewrite on its way.
class Rewrite {
 public:
  explicit Rewrite(const SegmentReader& reader)
      : reader_(reader), page_(reader.header().page_size) {}

  absl::StatusOr<std::vector<uint8_t>> Encode(const segment::PageEncoding& encoding,
                                              uint32_t longest_chain, uint64_t salt);

  // DataLoss unless `other` has the same frames and commits.
  absl::Status Compare(const SegmentReader& other);

 private:
  absl::Status ReadAgain(FrameNo frame, io::MutableBytes page);
  absl::Status AddAll(SegmentWriter* writer);
  absl::Status CompareFrame(size_t i, const FrameHeader& found) const;

  const SegmentReader& reader_;
  std::vector<DirectoryEntry> directory_;
  std::vector<uint32_t> checksums_;  // of the plain pages, in order
  RecentPages written_;              // by ordinal: what deltas are made against
  std::vector<uint8_t> page_;
};

// The encoder asks for the newest version of a page that was written, so it is mostly at hand.
absl::Status Rewrite::ReadAgain(FrameNo frame, io::MutableBytes page) {
  const auto found =
      std::lower_bound(directory_.begin(), directory_.end(), frame,
                       [](const DirectoryEntry& entry, FrameNo no) { return entry.frame < no; });
  if (found == directory_.end() || found->frame != frame) {
    return absl::InternalError(
        absl::StrCat(reader_.source().name(), ": frame ", frame.value(), " is not in it"));
  }
  const uint64_t ordinal = static_cast<uint64_t>(found - directory_.begin());
  const io::ByteView known = written_.Find(found->page, ordinal);
  if (known.empty()) return reader_.ReadFrame(*found, page).status();
  std::copy(known.begin(), known.end(), page.begin());
  return absl::OkStatus();
}

absl::Status Rewrite::AddAll(SegmentWriter* writer) {
  RecentPages recent;
  for (size_t i = 0; i < directory_.size(); ++i) {
    STRATA_ASSIGN_OR_RETURN(const FrameHeader header,
                            reader_.ReadFrame(i, directory_[i], &recent, absl::MakeSpan(page_)));
    STRATA_RETURN_IF_ERROR(writer->AddFrame(header, page_));
    written_.Put(header.page, i, page_);
    checksums_.push_back(io::Crc32c(0, page_));
  }
  for (const CommitEntry& commit : reader_.commits()) {
    STRATA_RETURN_IF_ERROR(writer->AddCommit(commit));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<uint8_t>> Rewrite::Encode(const segment::PageEncoding& encoding,
                                                     uint32_t longest_chain, uint64_t salt) {
  STRATA_ASSIGN_OR_RETURN(directory_, reader_.ReadDirectory(0, reader_.footer().frames));
  segment::SegmentWriterOptions options;
  options.encoding = encoding;
  options.longest_chain = longest_chain;
  options.read_frame = [this](FrameNo frame, io::MutableBytes page) {
    return ReadAgain(frame, page);
  };
  segment::SegmentHeader header = reader_.header();
  header.salt = salt;
  io::MemorySink sink;
  STRATA_ASSIGN_OR_RETURN(auto writer, SegmentWriter::Create(&sink, header, options));
  STRATA_RETURN_IF_ERROR(AddAll(writer.get()));
  STRATA_RETURN_IF_ERROR(writer->Finish().status());
  return sink.Release();
}

absl::Status Rewrite::CompareFrame(size_t i, const FrameHeader& found) const {
  const DirectoryEntry& expected = directory_[i];
  const bool same = found.frame == expected.frame && found.page == expected.page &&
                    found.is_commit == expected.is_commit && io::Crc32c(0, page_) == checksums_[i];
  if (same) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(reader_.source().name(), ": encoded anew, frame ",
                                          expected.frame.value(), " is another"));
}

absl::Status Rewrite::Compare(const SegmentReader& other) {
  STRATA_RETURN_IF_ERROR(other.VerifyAll());
  if (reader_.commits() != other.commits() || other.footer().frames != directory_.size()) {
    return absl::DataLossError(
        absl::StrCat(reader_.source().name(), ": encoded anew, frames or commits are others"));
  }
  RecentPages recent;
  STRATA_ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> entries,
                          other.ReadDirectory(0, directory_.size()));
  for (size_t i = 0; i < entries.size(); ++i) {
    STRATA_ASSIGN_OR_RETURN(const FrameHeader found,
                            other.ReadFrame(i, entries[i], &recent, absl::MakeSpan(page_)));
    STRATA_RETURN_IF_ERROR(CompareFrame(i, found));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<uint8_t>> RewriteSealed(
    const SegmentReader& reader, const segment::PageEncoding& encoding, uint32_t longest_chain,
    uint64_t salt, std::shared_ptr<segment::DictionarySource> dictionaries) {
  Rewrite rewrite(reader);
  STRATA_ASSIGN_OR_RETURN(std::vector<uint8_t> bytes,
                          rewrite.Encode(encoding, longest_chain, salt));
  STRATA_ASSIGN_OR_RETURN(const auto written,
                          SegmentReader::Open(std::make_shared<io::MemorySource>(
                                                  bytes, reader.source().name() + ", encoded anew"),
                                              std::move(dictionaries)));
  STRATA_RETURN_IF_ERROR(rewrite.Compare(*written));
  return bytes;
}

}  // namespace strata::compactor

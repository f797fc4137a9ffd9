#include "segment/segment_writer.h"

#include "absl/strings/str_cat.h"
#include "io/checksum.h"
#include "io/status_macros.h"
#include "segment/dense_record.h"
#include "segment/digest.h"

namespace strata::segment {
namespace {

constexpr size_t kWriteBuffer = 256 << 10;

absl::Status Invalid(absl::string_view what, uint64_t expected, uint64_t found) {
  return absl::InvalidArgumentError(
      absl::StrCat("segment writer: ", what, ": expected ", expected, ", found ", found));
}

absl::Status CheckHeader(const SegmentHeader& header) {
  if (header.state == SegmentState::kCurrent) return Invalid("state above", 1, 1);
  if (!IsValidPageSize(header.page_size)) {
    return Invalid("page size of a power of two at least", kMinPageSize, header.page_size);
  }
  if (header.epoch.value() == 0) return Invalid("epoch at least", 1, 0);
  if (header.first_frame.value() == 0) return Invalid("first frame at least", 1, 0);
  if (header.last_frame < header.first_frame) {
    return Invalid("last frame at least", header.first_frame.value(), header.last_frame.value());
  }
  return absl::OkStatus();
}

absl::Status CheckChains(const SegmentHeader& header, const SegmentWriterOptions& options) {
  if (options.longest_chain > kLongestChain) {
    return Invalid("chain of deltas at most", kLongestChain, options.longest_chain);
  }
  if (options.longest_chain == 0) return absl::OkStatus();
  if (header.state != SegmentState::kSealed) {
    return Invalid("chain of deltas outside a sealed segment", 0, options.longest_chain);
  }
  if (!options.read_frame) return Invalid("readers of earlier frames", 1, 0);
  return absl::OkStatus();
}

constexpr uint32_t CodecBit(Codec codec) { return 1u << static_cast<int>(codec); }

}  // namespace

SegmentWriter::SegmentWriter(io::ByteSink* sink, const SegmentHeader& header,
                             const SegmentWriterOptions& options)
    : sink_(sink),
      header_(header),
      options_(options),
      seed_(RecordSeed(header.salt, header.log_id)),
      tail_(header),
      chains_(header.page_size, options.longest_chain, options.read_frame) {}

absl::StatusOr<std::unique_ptr<SegmentWriter>> SegmentWriter::Create(
    io::ByteSink* sink, const SegmentHeader& header, const SegmentWriterOptions& options) {
  STRATA_RETURN_IF_ERROR(CheckHeader(header));
  STRATA_RETURN_IF_ERROR(CheckChains(header, options));
  SegmentHeader written = header;
  written.must_know_flags |= kDenseLayout;
  written.codecs = CodecBit(Codec::kRaw) | CodecBit(options.encoding.codec);
  if (options.longest_chain > 0) written.codecs |= CodecBit(Codec::kDelta);
  written.dictionaries = {};
  if (options.encoding.dictionary != nullptr) {
    written.dictionaries[0] = options.encoding.dictionary->ref();
  }
  std::unique_ptr<SegmentWriter> writer(new SegmentWriter(sink, written, options));
  uint8_t bytes[kSegmentHeaderSize];
  EncodeSegmentHeader(written, bytes);
  STRATA_RETURN_IF_ERROR(writer->Write(bytes));
  return writer;
}

absl::Status SegmentWriter::AddFrame(const FrameHeader& header, io::ByteView page) {
  if (page.size() != header_.page_size) return Invalid("page of", header_.page_size, page.size());
  FrameHeader encoded = header;
  if (options_.longest_chain == 0) {
    STRATA_ASSIGN_OR_RETURN(encoded.codec, EncodePage(page, options_.encoding, &encoded_));
  } else {
    STRATA_ASSIGN_OR_RETURN(encoded.codec, chains_.Encode(header.page, header.frame, page,
                                                          options_.encoding, &encoded_));
  }
  const io::ByteView payload = encoded.codec == Codec::kRaw ? page : io::ByteView(encoded_);
  encoded.stored_length = static_cast<uint32_t>(payload.size());
  encoded.page_checksum = io::Crc32c(0, page);
  if (options_.on_keyframe && encoded.codec != Codec::kDelta) options_.on_keyframe(page);
  return Append(encoded, payload, PageHash(header.page, page));
}

absl::Status SegmentWriter::CheckEncoded(const FrameHeader& header, io::ByteView payload) const {
  if (header.stored_length != payload.size()) {
    return Invalid("payload of", header.stored_length, payload.size());
  }
  const bool is_raw = header.codec == Codec::kRaw;
  if (payload.size() > header_.page_size || (is_raw && payload.size() < header_.page_size)) {
    return Invalid("payload of a page of", header_.page_size, payload.size());
  }
  if ((header_.codecs & CodecBit(header.codec)) == 0 || header.codec == Codec::kDelta) {
    return Invalid("codec within the header's", header_.codecs, static_cast<int>(header.codec));
  }
  const bool has_dictionary = header.codec == Codec::kZstdDictionary;
  if (has_dictionary && header.dictionary_id != header_.dictionaries[0].id) {
    return Invalid("dictionary", header_.dictionaries[0].id, header.dictionary_id);
  }
  return absl::OkStatus();
}

absl::Status SegmentWriter::AddEncodedFrame(const FrameHeader& header, io::ByteView payload,
                                            uint64_t page_hash) {
  STRATA_RETURN_IF_ERROR(CheckEncoded(header, payload));
  return Append(header, payload, page_hash);
}

absl::Status SegmentWriter::Append(FrameHeader header, io::ByteView payload, uint64_t page_hash) {
  if (header.kind != RecordKind::kFrame) {
    return Invalid("record kind", 1, static_cast<uint8_t>(header.kind));
  }
  // Of a compacted segment only the commit table says what is a commit.
  header.is_commit = header.is_commit && header_.state == SegmentState::kSealed;
  header.dictionary_id = header.codec == Codec::kZstdDictionary ? header_.dictionaries[0].id : 0;
  DirectoryEntry entry;
  entry.frame = header.frame;
  entry.page = header.page;
  entry.offset = summary_.bytes;
  entry.stored_length = header.stored_length;
  entry.codec = header.codec;
  entry.is_commit = header.is_commit;
  STRATA_RETURN_IF_ERROR(tail_.AddFrame(entry, page_hash));
  uint8_t bytes[kDenseHeaderSize];
  EncodeDenseHeader(header, payload, seed_, bytes);
  ++summary_.frames;
  STRATA_RETURN_IF_ERROR(Write(bytes));
  return Write(payload);
}

absl::Status SegmentWriter::AddCommit(const CommitEntry& commit) { return tail_.AddCommit(commit); }

absl::Status SegmentWriter::Write(io::ByteView bytes) {
  summary_.crc32c = io::Crc32c(summary_.crc32c, bytes);
  summary_.bytes += bytes.size();
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  return buffer_.size() < kWriteBuffer ? absl::OkStatus() : Flush();
}

absl::Status SegmentWriter::Flush() {
  STRATA_RETURN_IF_ERROR(sink_->Append(buffer_));
  buffer_.clear();
  return absl::OkStatus();
}

absl::StatusOr<SegmentWriter::Summary> SegmentWriter::Finish() {
  // The tail goes through Write, so that the summary's checksum covers it.
  struct Through : io::ByteSink {
    explicit Through(SegmentWriter* to) : writer(to) {}
    absl::Status Append(io::ByteView bytes) override { return writer->Write(bytes); }
    SegmentWriter* const writer;
  } through(this);
  STRATA_RETURN_IF_ERROR(
      tail_.Finish(header_.state, header_.epoch, summary_.bytes, summary_.crc32c, &through));
  STRATA_RETURN_IF_ERROR(Flush());
  return summary_;
}

}  // namespace strata::segment

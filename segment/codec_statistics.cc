#include "segment/codec_statistics.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "io/status_macros.h"

namespace strata::segment {
namespace {

constexpr uint64_t kDirectoryPiece = 1024;

}  // namespace

absl::StatusOr<SegmentStatistics> CollectStatistics(const SegmentReader& reader, io::Clock& clock,
                                                    uint64_t timed_frames) {
  SegmentStatistics statistics = {};
  const uint64_t frames = reader.footer().frames;
  const uint32_t page_size = reader.header().page_size;
  const uint64_t step = std::max<uint64_t>(1, frames / std::max<uint64_t>(1, timed_frames));
  std::vector<uint8_t> page(page_size);
  for (uint64_t at = 0; at < frames; at += kDirectoryPiece) {
    STRATA_ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> entries,
                            reader.ReadDirectory(at, kDirectoryPiece));
    for (size_t i = 0; i < entries.size(); ++i) {
      const size_t codec = static_cast<size_t>(entries[i].codec);
      if (codec >= kCodecs) {
        return absl::UnimplementedError(
            absl::StrCat(reader.source().name(), ": codec ", codec, " of a later release"));
      }
      CodecStatistics& sum = statistics[codec];
      ++sum.frames;
      sum.plain_bytes += page_size;
      sum.stored_bytes += entries[i].stored_length;
      if (timed_frames == 0 || (at + i) % step != 0) continue;
      const int64_t started = clock.MonotonicMicros();
      STRATA_RETURN_IF_ERROR(reader.ReadFrame(entries[i], absl::MakeSpan(page)).status());
      sum.decode_us += clock.MonotonicMicros() - started;
      ++sum.timed_frames;
    }
  }
  return statistics;
}

void AddStatistics(const SegmentStatistics& of_one, SegmentStatistics* sum) {
  for (size_t i = 0; i < kCodecs; ++i) {
    (*sum)[i].frames += of_one[i].frames;
    (*sum)[i].plain_bytes += of_one[i].plain_bytes;
    (*sum)[i].stored_bytes += of_one[i].stored_bytes;
    (*sum)[i].timed_frames += of_one[i].timed_frames;
    (*sum)[i].decode_us += of_one[i].decode_us;
  }
}

const char* CodecName(Codec codec) {
  switch (codec) {
    case Codec::kRaw:
      return "raw";
    case Codec::kZstd:
      return "zstd";
    case Codec::kZstdDictionary:
      return "dictionary";
    case Codec::kDelta:
      return "delta";
    case Codec::kColumnar:
      return "columnar";
  }
  return "unknown";
}

}  // namespace strata::segment

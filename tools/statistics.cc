#include "tools/statistics.h"

#include <algorithm>
#include <iostream>

#include "absl/strings/str_format.h"
#include "tools/format.h"

namespace strata::tools {
namespace {

using segment::Codec;
using segment::CodecStatistics;

double DecodeMicros(const CodecStatistics& of) {
  return static_cast<double>(of.decode_us) /
         static_cast<double>(std::max<uint64_t>(1, of.timed_frames));
}

double Percent(const CodecStatistics& of) {
  return 100.0 * static_cast<double>(of.stored_bytes) /
         static_cast<double>(std::max<uint64_t>(1, of.plain_bytes));
}

}  // namespace

Json StatisticsJson(const segment::SegmentStatistics& statistics) {
  Json codecs = Json::object();
  for (size_t i = 0; i < segment::kCodecs; ++i) {
    const CodecStatistics& of = statistics[i];
    if (of.frames == 0) continue;
    codecs[segment::CodecName(static_cast<Codec>(i))] = {{"frames", of.frames},
                                                         {"plain_bytes", of.plain_bytes},
                                                         {"stored_bytes", of.stored_bytes},
                                                         {"timed_frames", of.timed_frames},
                                                         {"decode_us", DecodeMicros(of)}};
  }
  return codecs;
}

void PrintStatistics(const segment::SegmentStatistics& statistics) {
  for (size_t i = 0; i < segment::kCodecs; ++i) {
    const CodecStatistics& of = statistics[i];
    if (of.frames == 0) continue;
    std::cout << absl::StrFormat(
        "  %-10s %9d frames  %10s -> %10s  %5.1f%%", segment::CodecName(static_cast<Codec>(i)),
        of.frames, FormatBytes(of.plain_bytes), FormatBytes(of.stored_bytes), Percent(of));
    if (of.timed_frames > 0) std::cout << absl::StrFormat("  %.1f us", DecodeMicros(of));
    std::cout << "\n";
  }
}

}  // namespace strata::tools

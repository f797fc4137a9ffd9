#pragma once

#include "segment/codec_statistics.h"
#include "tools/command.h"

// What the codecs of a segment did, for people and machines.
namespace strata::tools {

// An object for each codec that occurs: frames, plain and stored bytes, microseconds to decode one.
Json StatisticsJson(const segment::SegmentStatistics& statistics);

// A line for each, on stdout.
void PrintStatistics(const segment::SegmentStatistics& statistics);

}  // namespace strata::tools

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/compression/scratch.h"
#include "bench/compression/sql.h"
#include "bench/compression/workloads.h"
#include "io/memory_stream.h"
#include "segment/dictionary_training.h"
#include "segment/segment_reader.h"
#include "segment/segment_writer.h"

// The five workloads: what their history comes to in sealed segments with each codec, and what
// encoding and decoding a frame takes.
//   compression_history [DIRECTORY [SEED [WORKLOAD]]]
namespace strata::bench {
namespace {

using segment::Codec;
using segment::FrameNo;
using segment::SegmentReader;

constexpr uint32_t kPageSize = 4096;
constexpr size_t kSegmentFrames = 4096;
constexpr uint64_t kDictionaryFrames = 2000;
constexpr int kZstdLevel = 3;
constexpr std::streamsize kLogHeader = 32;
constexpr size_t kLogFrameHeader = 24;

uint32_t LoadBigEndian(const uint8_t* from) {
  return uint32_t{from[0]} << 24 | uint32_t{from[1]} << 16 | uint32_t{from[2]} << 8 | from[3];
}

// The frames of one sealed segment, plain.
struct PlainSegment {
  segment::SegmentHeader header;
  std::vector<segment::FrameHeader> headers;
  std::vector<std::vector<uint8_t>> pages;
  std::vector<segment::CommitEntry> commits;
};

struct Encoded {
  uint64_t bytes = 0;
  double seconds = 0;
};

std::vector<uint8_t> Encode(const PlainSegment& plain, const segment::PageEncoding& encoding,
                            uint32_t chain, std::function<void(io::ByteView)> on_keyframe,
                            Encoded* sum) {
  const double started = Seconds();
  segment::SegmentWriterOptions options;
  options.encoding = encoding;
  options.longest_chain = chain;
  options.on_keyframe = std::move(on_keyframe);
  options.read_frame = [&](FrameNo frame, io::MutableBytes page) {
    const auto& bytes = plain.pages.at(frame.value() - plain.header.first_frame.value());
    std::copy(bytes.begin(), bytes.end(), page.begin());
    return absl::OkStatus();
  };
  io::MemorySink sink;
  auto writer = Take(segment::SegmentWriter::Create(&sink, plain.header, options));
  for (size_t i = 0; i < plain.pages.size(); ++i)
    Check(writer->AddFrame(plain.headers[i], plain.pages[i]));
  for (const auto& commit : plain.commits) Check(writer->AddCommit(commit));
  Check(writer->Finish().status());
  sum->seconds += Seconds() - started;
  sum->bytes += sink.bytes().size();
  return sink.Release();
}

struct Decoded {
  double in_order = 0;  // seconds for all frames
  double deepest = 0;   // seconds for those at the end of a full chain
  uint64_t frames = 0;
  uint64_t deepest_frames = 0;
};

void Decode(std::vector<uint8_t> bytes, std::shared_ptr<segment::DictionarySource> dictionaries,
            uint32_t chain, Decoded* sum) {
  const auto reader = Take(SegmentReader::Open(std::make_shared<io::MemorySource>(std::move(bytes)),
                                               std::move(dictionaries)));
  const auto entries = Take(reader->ReadDirectory(0, reader->footer().frames));
  std::vector<uint8_t> page(reader->header().page_size);
  segment::RecentPages recent;
  double started = Seconds();
  for (size_t i = 0; i < entries.size(); ++i)
    Check(reader->ReadFrame(i, entries[i], &recent, absl::MakeSpan(page)).status());
  sum->in_order += Seconds() - started;
  sum->frames += entries.size();
  std::vector<uint32_t> depth(entries.size(), 0);
  started = Seconds();
  for (size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].codec == Codec::kDelta) depth[i] = depth[entries[i].previous - 1] + 1;
    if (depth[i] != chain) continue;
    Check(reader->ReadFrame(entries[i], absl::MakeSpan(page)).status());
    ++sum->deepest_frames;
  }
  sum->deepest += Seconds() - started;
}

double Micros(double seconds, uint64_t frames) {
  return 1e6 * seconds / static_cast<double>(std::max<uint64_t>(1, frames));
}

// Frames as SQLite logged them, cut into segments of at most kSegmentFrames that end with a commit.
std::vector<PlainSegment> ReadLog(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<uint8_t> frame(kLogFrameHeader + kPageSize);
  file.ignore(kLogHeader);
  std::vector<PlainSegment> segments;
  uint64_t number = 1;
  while (file.read(reinterpret_cast<char*>(frame.data()),
                   static_cast<std::streamsize>(frame.size()))) {
    if (segments.empty() || (segments.back().pages.size() >= kSegmentFrames &&
                             segments.back().headers.back().is_commit))
      segments.emplace_back();
    PlainSegment& last = segments.back();
    segment::FrameHeader header;
    header.frame = FrameNo(number++);
    header.page = segment::PageNo(LoadBigEndian(frame.data()));
    header.database_pages = LoadBigEndian(frame.data() + 4);
    header.is_commit = header.database_pages != 0;
    if (header.is_commit)
      last.commits.push_back({header.frame, static_cast<int64_t>(number), header.database_pages,
                              header.database_pages, number * 0x9E3779B97F4A7C15});
    last.headers.push_back(header);
    last.pages.emplace_back(frame.begin() + kLogFrameHeader, frame.end());
  }
  for (PlainSegment& s : segments) {
    s.header.state = segment::SegmentState::kSealed;
    s.header.page_size = kPageSize;
    s.header.log_id.bytes.fill(1);
    s.header.epoch = segment::Epoch(1);
    s.header.digest_kind = segment::DigestKind::kXorXxh3;
    s.header.first_frame = s.headers.front().frame;
    s.header.last_frame = s.headers.back().frame;
  }
  return segments;
}

// Hands out the one dictionary of this run.
class OneDictionary : public segment::DictionarySource {
 public:
  explicit OneDictionary(std::shared_ptr<const segment::Dictionary> dictionary)
      : dictionary_(std::move(dictionary)) {}
  absl::StatusOr<std::shared_ptr<const segment::Dictionary>> Get(
      const segment::DictionaryRef&) override {
    return dictionary_;
  }

 private:
  const std::shared_ptr<const segment::Dictionary> dictionary_;
};

// Encodes a history segment by segment, as the sealer does: the dictionary is trained on the first
// frames that were stored whole, and used from the next segment on.
class History {
 public:
  History(std::vector<PlainSegment> segments) : segments_(std::move(segments)) {
    for (const PlainSegment& s : segments_) frames_ += s.pages.size();
  }

  void Print(const Workload& workload) {
    const uint64_t raw = frames_ * (segment::kRecordHeaderSize + kPageSize);
    std::printf("%s: %s; %llu frames in %zu segments, %.1f MB of log\n", workload.name,
                workload.what, static_cast<unsigned long long>(frames_), segments_.size(),
                static_cast<double>(raw) / 1e6);
    Compare("zstd", 0, false, raw);
    Compare("dictionary", 0, true, raw);
    Compare("delta 16", 16, false, raw);
    Compare("delta 16, dictionary", 16, true, raw);
  }

 private:
  void Compare(const char* name, uint32_t chain, bool train, uint64_t raw) {
    Encoded encoded;
    Decoded decoded;
    std::shared_ptr<const segment::Dictionary> dictionary;
    segment::TrainingSamples samples(kPageSize);
    double training = 0;
    for (const PlainSegment& s : segments_) {
      if (train && dictionary == nullptr && samples.offered() >= kDictionaryFrames) {
        const double started = Seconds();
        dictionary = Take(
            segment::TrainDictionary(samples, segment::DictionaryKind::kFrames, kZstdLevel, 1));
        training = Seconds() - started;
        if (dictionary == nullptr) train = false;
      }
      Decode(Encode(
                 s, segment::ZstdEncoding(dictionary, kZstdLevel), chain,
                 [&](io::ByteView page) { samples.Offer(page); }, &encoded),
             std::make_shared<OneDictionary>(dictionary), chain, &decoded);
    }
    if (dictionary != nullptr) encoded.bytes += EncodeDictionary(*dictionary).size();
    std::printf("  %-22s %6.2f%%  encode %5.1f us a frame, decode %5.1f in order", name,
                100.0 * static_cast<double>(encoded.bytes) / static_cast<double>(raw),
                Micros(encoded.seconds, frames_), Micros(decoded.in_order, decoded.frames));
    if (chain > 0) {
      std::printf(", %5.1f at the end of a chain of %u",
                  Micros(decoded.deepest, decoded.deepest_frames), chain);
    }
    if (dictionary != nullptr) std::printf("; trained in %.2f s", training);
    std::printf("\n");
    std::fflush(stdout);
  }

  const std::vector<PlainSegment> segments_;
  uint64_t frames_ = 0;
};

void RunOne(const Workload& workload, const std::string& directory, uint64_t seed) {
  Scratch scratch(directory);
  Sql sql("file:" + scratch.path());
  sql.Run("PRAGMA page_size=4096");
  workload.prepare(sql, seed);
  // SQLite's own log, never checkpointed, is the raw history.
  sql.Run("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; PRAGMA synchronous=OFF");
  workload.run(sql, seed);
  History(ReadLog(scratch.path() + "-wal")).Print(workload);
}

}  // namespace
}  // namespace strata::bench

int main(int argc, char** argv) {
  const std::string directory = argc > 1 ? argv[1] : "/tmp";
  const uint64_t seed = argc > 2 ? std::stoull(argv[2]) : 1;
  for (const auto& workload : strata::bench::Workloads()) {
    if (argc > 3 && std::string(argv[3]) != workload.name) continue;
    strata::bench::RunOne(workload, directory, seed);
  }
  return 0;
}

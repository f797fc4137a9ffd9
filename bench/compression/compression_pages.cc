#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "bench/compression/scratch.h"
#include "bench/compression/sql.h"
#include "bench/compression/workloads.h"
#include "io/memory_stream.h"
#include "segment/dictionary_training.h"
#include "segment/segment_reader.h"
#include "segment/segment_writer.h"

// A database as a compacted segment, one page at a time: size, time to make it, time to read a
// page.
//   compression_pages [DIRECTORY [DATABASE]]     without DATABASE: events and texts of its own
namespace strata::bench {
namespace {

using segment::Codec;
using segment::PageNo;

constexpr size_t kReads = 20'000;
constexpr int kZstdLevel = 6;

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

// A plain database file, page by page.
class Pages {
 public:
  explicit Pages(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
    page_size_ = bytes_.size() < 18 ? 4096u : bytes_[16] * 256u + bytes_[17];
    if (page_size_ == 1) page_size_ = 65536;
  }
  uint32_t page_size() const { return page_size_; }
  uint32_t count() const { return static_cast<uint32_t>(bytes_.size() / page_size_); }
  uint64_t size() const { return bytes_.size(); }
  io::ByteView at(uint32_t i) const {
    return io::ByteView(bytes_).subspan(uint64_t{i} * page_size_, page_size_);
  }

 private:
  std::vector<uint8_t> bytes_;
  uint32_t page_size_ = 0;
};

std::vector<uint8_t> Write(const Pages& pages, const segment::PageEncoding& encoding) {
  segment::SegmentHeader header;
  header.state = segment::SegmentState::kCompacted;
  header.page_size = pages.page_size();
  header.log_id.bytes.fill(1);
  header.epoch = segment::Epoch(1);
  header.level = 1;
  header.first_frame = segment::FrameNo(1);
  header.last_frame = segment::FrameNo(pages.count());
  segment::SegmentWriterOptions options;
  options.encoding = encoding;
  io::MemorySink sink;
  auto writer = Take(segment::SegmentWriter::Create(&sink, header, options));
  for (uint32_t i = 0; i < pages.count(); ++i) {
    segment::FrameHeader frame;
    frame.frame = segment::FrameNo(i + 1);
    frame.page = PageNo(i + 1);
    Check(writer->AddFrame(frame, pages.at(i)));
  }
  Check(writer->AddCommit({header.last_frame, 1, pages.count(), pages.count(), 0}));
  Check(writer->Finish().status());
  return sink.Release();
}

// Microseconds for a page at random, looked up and decoded, from memory; every byte is compared.
double TimeReads(const Pages& pages, std::vector<uint8_t> bytes,
                 std::shared_ptr<const segment::Dictionary> dictionary) {
  const auto reader =
      Take(segment::SegmentReader::Open(std::make_shared<io::MemorySource>(std::move(bytes)),
                                        std::make_shared<OneDictionary>(std::move(dictionary))));
  std::vector<uint8_t> page(pages.page_size());
  std::mt19937_64 random(1);
  double seconds = 0;
  for (size_t i = 0; i < kReads; ++i) {
    const auto number = static_cast<uint32_t>(random() % pages.count());
    const double started = Seconds();
    const auto ordinal = Take(reader->FindPage(PageNo(number + 1)));
    Check(reader->ReadFrame(ordinal.value(), absl::MakeSpan(page)).status());
    seconds += Seconds() - started;
    if (io::ByteView(page) != pages.at(number)) Check(absl::DataLossError("another page"));
  }
  return 1e6 * seconds / kReads;
}

void Print(const char* name, const Pages& pages, const segment::PageEncoding& encoding) {
  const double started = Seconds();
  std::vector<uint8_t> bytes = Write(pages, encoding);
  const double seconds = Seconds() - started;
  const uint64_t size =
      bytes.size() +
      (encoding.dictionary == nullptr ? 0 : EncodeDictionary(*encoding.dictionary).size());
  const double read_us = TimeReads(pages, std::move(bytes), encoding.dictionary);
  std::printf("  %-12s %6.2f%%  encode %5.1f us a page, a page at random %5.1f us\n", name,
              100.0 * static_cast<double>(size) / static_cast<double>(pages.size()),
              1e6 * seconds / pages.count(), read_us);
  std::fflush(stdout);
}

void Measure(const std::string& name, const std::string& path) {
  const Pages pages(path);
  segment::TrainingSamples samples(pages.page_size());
  const uint32_t most = segment::TrainingSamples::kMaxBytes / pages.page_size();
  const uint32_t step = pages.count() / most + 1;
  for (uint32_t i = 0; i < pages.count(); i += step) samples.Offer(pages.at(i));
  const double started = Seconds();
  const auto dictionary =
      Take(segment::TrainDictionary(samples, segment::DictionaryKind::kPages, kZstdLevel, 1));
  std::printf("%s: %u pages of %u bytes; trained on %zu in %.2f s\n", name.c_str(), pages.count(),
              pages.page_size(), samples.pages(), Seconds() - started);
  if (dictionary != nullptr)
    Print("dictionary", pages, {Codec::kZstdDictionary, kZstdLevel, dictionary});
  Print("zstd", pages, {Codec::kZstd, kZstdLevel, nullptr});
}

void MeasureOwn(const char* name, const std::string& directory,
                void (*make)(Sql&, uint64_t, int64_t), int64_t rows) {
  Scratch scratch(directory);
  {
    Sql sql("file:" + scratch.path());
    sql.Run("PRAGMA page_size=4096");
    make(sql, 1, rows);
  }
  Measure(name, scratch.path());
}

}  // namespace
}  // namespace strata::bench

int main(int argc, char** argv) {
  using namespace strata::bench;
  const std::string directory = argc > 1 ? argv[1] : "/tmp";
  if (argc > 2) {
    Measure(argv[2], argv[2]);
    return 0;
  }
  MeasureOwn("events, 200,000 rows", directory, MakeEvents, 200'000);
  MeasureOwn("texts, 20,000 rows", directory, MakeTexts, 20'000);
  return 0;
}

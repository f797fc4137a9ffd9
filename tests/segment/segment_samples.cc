#include "tests/segment/segment_samples.h"

#include <algorithm>

#include "io/checksum.h"
#include "io/memory_stream.h"
#include "io/random.h"
#include "segment/digest.h"

namespace strata::segment {
namespace {

std::vector<uint8_t> DictionaryContent() {
  io::SeededRandom random(9);
  std::vector<uint8_t> content(2048);
  for (uint8_t& byte : content) byte = static_cast<uint8_t>(random.Next64());
  return content;
}

std::vector<uint8_t> MakePage(const SampleOptions& options, io::SeededRandom* random, PageNo number,
                              const Sample& sample) {
  for (size_t i = sample.frames.size(); options.similar && i-- > 0;) {
    if (sample.frames[i].header.page != number) continue;
    std::vector<uint8_t> version = sample.frames[i].page;
    for (int change = 0; change < 5; ++change)
      version[random->Next64() % version.size()] = static_cast<uint8_t>(random->Next64());
    return version;
  }
  std::vector<uint8_t> page(options.page_size);
  const size_t filled = options.compressible ? page.size() / 4 : page.size();
  for (size_t i = 0; i < filled; ++i) page[i] = static_cast<uint8_t>(random->Next64());
  if (options.quotes_dictionary) {
    const std::vector<uint8_t> content = DictionaryContent();
    const size_t from = random->Next64() % (content.size() - 128);
    std::copy_n(content.begin() + static_cast<ptrdiff_t>(from), 128, page.begin());
  }
  return page;
}

SegmentHeader MakeHeader(const SampleOptions& options) {
  SegmentHeader header;
  header.state = options.state;
  header.page_size = options.page_size;
  header.log_id.bytes.fill(0xA5);
  header.salt = 0x0123456789ABCDEF;
  header.created_us = 1'700'000'000'000'000;
  header.digest_kind = DigestKind::kXorXxh3;
  if (options.state != SegmentState::kCurrent) header.epoch = Epoch(3);
  return header;
}

void AddLogFrames(const SampleOptions& options, io::SeededRandom* random, Sample* sample) {
  uint32_t size = options.highest_page;
  for (uint64_t frame = 100; sample->frames.size() < options.frames;) {
    const uint64_t left = options.frames - sample->frames.size();
    const uint64_t length = std::min<uint64_t>(left, 1 + random->Next64() % 4);
    size = options.highest_page - static_cast<uint32_t>(random->Next64() % 3);
    const FrameNo first(frame);
    for (uint64_t i = 0; i < length; ++i, ++frame) {
      SampleFrame added;
      added.header.frame = FrameNo(frame);
      added.header.page = PageNo(1 + static_cast<uint32_t>(random->Next64() % size));
      added.page = MakePage(options, random, added.header.page, *sample);
      sample->frames.push_back(added);
    }
    FrameHeader& commit = sample->frames.back().header;
    commit.is_commit = true;
    commit.database_pages = size;
    commit.commit_time_us = 1'700'000'000'000'000 + static_cast<int64_t>(frame);
    commit.transaction_first = first;
    sample->commits.push_back({commit.frame, commit.commit_time_us, size, size, random->Next64()});
  }
}

void AddCompactedFrames(const SampleOptions& options, io::SeededRandom* random, Sample* sample) {
  const uint32_t step = std::max(1u, options.highest_page / options.frames);
  for (uint32_t i = 0; i < options.frames; ++i) {
    SampleFrame added;
    added.header.frame = FrameNo(100 + (i * 7) % options.frames);
    added.header.page = PageNo(1 + i * step);
    added.page = MakePage(options, random, added.header.page, *sample);
    sample->frames.push_back(added);
  }
  const uint32_t size = sample->frames.back().header.page.value();
  sample->commits.push_back({FrameNo(100 + options.frames - 1), 5, size, size, random->Next64()});
}

}  // namespace

Sample MakeSample(const SampleOptions& options) {
  io::SeededRandom random(options.seed);
  Sample sample;
  sample.header = MakeHeader(options);
  if (options.state == SegmentState::kCompacted) {
    AddCompactedFrames(options, &random, &sample);
  } else {
    AddLogFrames(options, &random, &sample);
  }
  if (options.state != SegmentState::kCurrent) {
    sample.header.first_frame = FrameNo(100);
    sample.header.last_frame = sample.commits.back().frame;
  }
  return sample;
}

std::shared_ptr<const Dictionary> SampleDictionary() {
  return Dictionary::Create(DictionaryKind::kPages, DictionaryContent(), 1'700'000'000'000'000, 500)
      .value();
}

absl::StatusOr<std::shared_ptr<const Dictionary>> SampleDictionaries::Get(
    const DictionaryRef& ref) {
  const std::shared_ptr<const Dictionary> dictionary = SampleDictionary();
  if (absl::Status meant = CheckIsMeant("sample", ref, *dictionary); !meant.ok()) return meant;
  return dictionary;
}

SegmentWriterOptions WriterOptions(const Sample& sample, Codec codec) {
  SegmentWriterOptions options;
  options.encoding.codec = codec == Codec::kDelta ? Codec::kZstd : codec;
  if (codec == Codec::kZstdDictionary) options.encoding.dictionary = SampleDictionary();
  if (codec != Codec::kDelta) return options;
  options.longest_chain = 3;
  options.read_frame = [&sample](FrameNo frame, io::MutableBytes page) {
    for (const SampleFrame& candidate : sample.frames) {
      if (candidate.header.frame != frame) continue;
      std::copy(candidate.page.begin(), candidate.page.end(), page.begin());
      return absl::OkStatus();
    }
    return absl::NotFoundError("no such frame in the sample");
  };
  return options;
}

std::vector<uint8_t> WriteStored(const Sample& sample, Codec codec) {
  io::MemorySink sink;
  auto writer = SegmentWriter::Create(&sink, sample.header, WriterOptions(sample, codec)).value();
  for (const SampleFrame& frame : sample.frames) {
    if (!writer->AddFrame(frame.header, frame.page).ok()) std::abort();
  }
  for (const CommitEntry& commit : sample.commits) {
    if (!writer->AddCommit(commit).ok()) std::abort();
  }
  const SegmentWriter::Summary summary = writer->Finish().value();
  if (summary.crc32c != io::Crc32c(0, sink.bytes())) std::abort();
  if (summary.bytes != sink.bytes().size()) std::abort();
  return sink.Release();
}

namespace {

void AppendRecord(FrameHeader header, io::ByteView payload, uint32_t seed,
                  std::vector<uint8_t>* log) {
  uint8_t bytes[kRecordHeaderSize];
  header.stored_length = static_cast<uint32_t>(payload.size());
  EncodeRecordHeader(header, payload, seed, bytes);
  log->insert(log->end(), bytes, bytes + kRecordHeaderSize);
  log->insert(log->end(), payload.begin(), payload.end());
}

std::vector<uint8_t> WriteRecords(const Sample& sample, SegmentTailBuilder* tail) {
  std::vector<uint8_t> log(kSegmentHeaderSize);
  EncodeSegmentHeader(sample.header, log.data());
  const uint32_t seed = RecordSeed(sample.header.salt, sample.header.log_id);
  for (const SampleFrame& frame : sample.frames) {
    DirectoryEntry entry;
    entry.frame = frame.header.frame;
    entry.page = frame.header.page;
    entry.offset = log.size();
    entry.stored_length = sample.header.page_size;
    entry.is_commit = frame.header.is_commit;
    if (!tail->AddFrame(entry, PageHash(entry.page, frame.page)).ok()) std::abort();
    AppendRecord(frame.header, frame.page, seed, &log);
  }
  FrameHeader padding;
  padding.kind = RecordKind::kPadding;
  padding.frame = sample.frames.back().header.frame;
  AppendRecord(padding, std::vector<uint8_t>(192), seed, &log);
  FrameHeader mark;
  mark.kind = RecordKind::kMark;
  mark.frame = padding.frame;
  mark.durable = padding.frame;
  std::vector<uint8_t> payload(kMarkPayloadSize);
  EncodeMark({FrameNo(50), FrameNo(99), 7, FrameNo(90), 12, 1234}, payload.data());
  AppendRecord(mark, payload, seed, &log);
  return log;
}

}  // namespace

std::vector<uint8_t> WriteLog(const Sample& sample) {
  SegmentTailBuilder tail(sample.header);
  return WriteRecords(sample, &tail);
}

std::vector<uint8_t> WriteSealedLog(const Sample& sample) {
  SegmentTailBuilder tail(sample.header);
  std::vector<uint8_t> log = WriteRecords(sample, &tail);
  for (const CommitEntry& commit : sample.commits) {
    if (!tail.AddCommit(commit).ok()) std::abort();
  }
  io::MemorySink sink;
  if (!tail.Finish(SegmentState::kSealed, Epoch(3), log.size(), io::Crc32c(0, log), &sink).ok()) {
    std::abort();
  }
  log.insert(log.end(), sink.bytes().begin(), sink.bytes().end());
  return log;
}

absl::StatusOr<std::unique_ptr<SegmentReader>> OpenBytes(std::vector<uint8_t> bytes) {
  return SegmentReader::Open(std::make_shared<io::MemorySource>(std::move(bytes), "sample"),
                             std::make_shared<SampleDictionaries>());
}

}  // namespace strata::segment

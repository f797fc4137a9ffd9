#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_format.h"
#include "io/clock.h"
#include "io/file_stream.h"
#include "io/posix_file_system.h"
#include "io/status_macros.h"
#include "segment/record_scanner.h"
#include "segment/segment_reader.h"
#include "tools/command.h"
#include "tools/format.h"
#include "tools/statistics.h"

namespace strata::tools {
namespace {

using segment::SegmentHeader;
using segment::SegmentReader;

constexpr uint64_t kTimedFrames = 500;  // decoded for the time

class InspectCommand : public Command {
 public:
  void AddTo(CommandLine* line, std::shared_ptr<InspectCommand> self);
  absl::StatusOr<int> Run() override;

 private:
  absl::StatusOr<int> InspectSegment(const SegmentReader& reader);
  absl::StatusOr<int> InspectLog(std::shared_ptr<io::FileSource> source);
  void PrintText(const Json& document) const;

  std::string path_;
  bool commits_ = false;
  bool verify_ = false;
};

void InspectCommand::AddTo(CommandLine* line, std::shared_ptr<InspectCommand> self) {
  CLI::App* app = line->Add("inspect", "What a segment file, or a live log file, holds", self);
  AddJson(app);
  app->add_option("file", path_, "A local file")->required();
  app->add_flag("--commits", commits_, "List every commit");
  app->add_flag("--verify", verify_, "Read and check every byte of a segment");
}

std::string StateName(segment::SegmentState state) {
  switch (state) {
    case segment::SegmentState::kCurrent:
      return "current";
    case segment::SegmentState::kSealed:
      return "sealed";
    case segment::SegmentState::kCompacted:
      return "compacted";
  }
  return "unknown";
}

Json HeaderJson(const SegmentHeader& header) {
  return {{"format", segment::kFormatVersion},
          {"state", StateName(header.state)},
          {"page_size", header.page_size},
          {"log_id", segment::ToString(header.log_id)},
          {"parent_log_id", segment::ToString(header.parent_log_id)},
          {"parent_frame", header.parent_frame.value()},
          {"sequence", header.sequence},
          {"created", FormatTime(header.created_us)},
          {"epoch", header.epoch.value()},
          {"first_frame", header.first_frame.value()},
          {"last_frame", header.last_frame.value()},
          {"level", header.level}};
}

Json FooterJson(const segment::Footer& footer) {
  return {{"state", StateName(footer.state)},
          {"epoch", footer.epoch.value()},
          {"first_frame", footer.first_frame.value()},
          {"last_frame", footer.last_frame.value()},
          {"frames", footer.frames},
          {"pages", footer.pages},
          {"commits", footer.commits},
          {"directory_bytes", footer.directory_length},
          {"index_bytes", footer.index_length},
          {"segment_bytes", footer.segment_length},
          {"has_digest", footer.digest_kind == segment::DigestKind::kXorXxh3}};
}

void InspectCommand::PrintText(const Json& document) const {
  for (const auto& [part, value] : document.items()) {
    if (!value.is_object() && !value.is_array()) {
      std::cout << part << ": " << (value.is_string() ? value.get<std::string>() : value.dump())
                << "\n";
      continue;
    }
    std::cout << part << ":\n";
    for (const auto& [name, field] : value.items()) {
      std::cout << "  " << (value.is_array() ? "" : name + ": ")
                << (field.is_string() ? field.get<std::string>() : field.dump()) << "\n";
    }
  }
}

// Deltas and zstd are timed; a frame that needs a dictionary is not, as there is no store here.
absl::StatusOr<Json> CodecsJson(const SegmentReader& reader) {
  const bool has_dictionary = reader.header().dictionaries[0].id != 0;
  STRATA_ASSIGN_OR_RETURN(
      const segment::SegmentStatistics statistics,
      segment::CollectStatistics(reader, io::SystemClock(), has_dictionary ? 0 : kTimedFrames));
  Json codecs = StatisticsJson(statistics);
  for (const segment::DictionaryRef& ref : reader.header().dictionaries) {
    if (ref.id != 0) codecs["dictionaries"].push_back(absl::StrFormat("%08x", ref.id));
  }
  return codecs;
}

absl::StatusOr<int> InspectCommand::InspectSegment(const SegmentReader& reader) {
  Json document = {{"file", path_},
                   {"header", HeaderJson(reader.header())},
                   {"footer", FooterJson(reader.footer())}};
  absl::StatusOr<Json> codecs = CodecsJson(reader);
  document["codecs"] = codecs.ok() ? *codecs : Json(std::string(codecs.status().message()));
  document["first_commit"] = CommitJson(reader.commits().front());
  document["last_commit"] = CommitJson(reader.commits().back());
  if (commits_) {
    Json list = Json::array();
    for (const segment::CommitEntry& commit : reader.commits()) list.push_back(CommitJson(commit));
    document["commits"] = list;
  }
  absl::Status verified = verify_ ? reader.VerifyAll() : absl::OkStatus();
  verified.Update(codecs.status());
  if (verify_) document["verified"] = verified.ok() ? "ok" : std::string(verified.message());
  PrintJson(document);
  if (!json()) PrintText(document);
  return verified.ok() ? kFine : kFoundSomethingWrong;
}

absl::StatusOr<int> InspectCommand::InspectLog(std::shared_ptr<io::FileSource> source) {
  std::vector<uint8_t> bytes(segment::kSegmentHeaderSize);
  STRATA_RETURN_IF_ERROR(source->ReadAt(0, absl::MakeSpan(bytes)));
  STRATA_ASSIGN_OR_RETURN(SegmentHeader header, segment::DecodeSegmentHeader(bytes));
  segment::RecordScanner scanner(source.get(), segment::RecordSeed(header.salt, header.log_id));
  uint64_t frames = 0;
  uint64_t marks = 0;
  segment::FrameNo first;
  segment::FrameNo last_commit;
  Json commits = Json::array();
  while (true) {
    STRATA_ASSIGN_OR_RETURN(std::optional<segment::ScannedRecord> record, scanner.Next());
    if (!record) break;
    const segment::FrameHeader& frame = record->header;
    if (frame.kind == segment::RecordKind::kMark) ++marks;
    if (frame.kind != segment::RecordKind::kFrame) continue;
    if (frames++ == 0) first = frame.frame;
    if (!frame.is_commit) continue;
    last_commit = frame.frame;
    if (!commits_) continue;
    commits.push_back({{"frame", frame.frame.value()},
                       {"time", FormatTime(frame.commit_time_us)},
                       {"database_pages", frame.database_pages},
                       {"durable", frame.durable.value()}});
  }
  Json document = {{"file", path_}, {"header", HeaderJson(header)}};
  document["log"] = {{"first_frame", first.value()},         {"frames", frames},
                     {"last_commit", last_commit.value()},   {"marks", marks},
                     {"bytes_of_records", scanner.offset()}, {"file_bytes", source->size()},
                     {"behind_them", scanner.stopped_at()}};
  if (commits_) document["commits"] = commits;
  PrintJson(document);
  if (!json()) PrintText(document);
  return kFine;
}

absl::StatusOr<int> InspectCommand::Run() {
  STRATA_ASSIGN_OR_RETURN(std::shared_ptr<io::FileSource> source,
                          io::FileSource::Open(io::PosixFileSystem(), path_));
  absl::StatusOr<std::unique_ptr<SegmentReader>> reader = SegmentReader::Open(source);
  if (reader.ok()) return InspectSegment(**reader);
  if (absl::IsFailedPrecondition(reader.status())) return InspectLog(source);
  return reader.status();
}

}  // namespace

void AddInspectCommand(CommandLine* line) {
  auto command = std::make_shared<InspectCommand>();
  command->AddTo(line, command);
}

}  // namespace strata::tools

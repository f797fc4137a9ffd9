#include <iostream>
#include <memory>
#include <string>

#include "compactor/history.h"
#include "compactor/segment_chain.h"
#include "io/clock.h"
#include "io/status_macros.h"
#include "tools/command.h"
#include "tools/format.h"
#include "tools/statistics.h"

namespace strata::tools {
namespace {

using segment::StoredSegment;

constexpr uint64_t kTimedFrames = 500;  // decoded of each segment, for the time

class SegmentsCommand : public Command {
 public:
  void AddTo(CommandLine* line, std::shared_ptr<SegmentsCommand> self);
  absl::StatusOr<int> Run() override;

 private:
  absl::Status ListStore();
  absl::Status MeasureSegment(const StoredSegment& stored, uint32_t page_size);
  absl::Status ListCache();
  void Add(const StoredSegment& stored, uint64_t upto, const std::string& state);

  std::string ns_;
  bool cached_ = false;
  bool sizes_ = false;
  std::unique_ptr<io::ObjectStore> store_;
  compactor::BlockCache cache_;
  segment::SegmentStatistics sum_ = {};
  Json list_ = Json::array();
  uint64_t bytes_ = 0;
};

void SegmentsCommand::AddTo(CommandLine* line, std::shared_ptr<SegmentsCommand> self) {
  CLI::App* app = line->Add("segments", "The segments of a namespace", self);
  AddStore(app);
  AddMeta(app);
  AddJson(app);
  app->add_option("namespace", ns_, "Name of the database in the store")->required();
  app->add_flag("--sizes", sizes_, "Frames, sizes and time to decode, by codec");
  app->add_flag("--cached", cached_, "What the meta-db knows, without asking the store");
}

void SegmentsCommand::Add(const StoredSegment& stored, uint64_t upto, const std::string& state) {
  bytes_ += stored.size;
  const std::string object = segment::BuildSegmentKey(ns_, stored.key);
  list_.push_back({{"object", object},
                   {"log_id", segment::ToString(stored.key.log_id)},
                   {"first_frame", stored.key.first.value()},
                   {"last_frame", stored.key.last.value()},
                   {"upto", upto},
                   {"epoch", stored.key.epoch.value()},
                   {"level", stored.key.level},
                   {"bytes", stored.size},
                   {"state", state}});
  if (json()) return;
  std::cout << object << "  " << FormatBytes(stored.size) << (state.empty() ? "" : "  " + state)
            << "\n";
}

absl::Status SegmentsCommand::MeasureSegment(const StoredSegment& stored, uint32_t page_size) {
  STRATA_ASSIGN_OR_RETURN(const auto reader, compactor::OpenStoredSegment(store_.get(), &cache_,
                                                                          ns_, stored, page_size));
  STRATA_ASSIGN_OR_RETURN(const segment::SegmentStatistics statistics,
                          segment::CollectStatistics(*reader, io::SystemClock(), kTimedFrames));
  segment::AddStatistics(statistics, &sum_);
  list_.back()["codecs"] = StatisticsJson(statistics);
  if (!json()) PrintStatistics(statistics);
  return absl::OkStatus();
}

absl::Status SegmentsCommand::ListStore() {
  STRATA_ASSIGN_OR_RETURN(store_, OpenExistingStore());
  STRATA_ASSIGN_OR_RETURN(compactor::NamespaceHistory history,
                          compactor::LoadHistory(*store_, ns_));
  for (const compactor::LogHistory& log : history.logs) {
    for (const compactor::CountedSegment& s : log.segments) {
      Add({s.key, s.size}, s.upto.value(), s.is_sealed() ? "sealed" : "compacted");
      if (sizes_) STRATA_RETURN_IF_ERROR(MeasureSegment({s.key, s.size}, log.page_size));
    }
    for (const StoredSegment& s : log.fenced) Add(s, 0, "fenced");
  }
  for (const StoredSegment& s : history.unclaimed) Add(s, 0, "unclaimed");
  return absl::OkStatus();
}

absl::Status SegmentsCommand::ListCache() {
  STRATA_ASSIGN_OR_RETURN(std::unique_ptr<io::ObjectStore> store, OpenStore());
  STRATA_ASSIGN_OR_RETURN(std::unique_ptr<meta::MetaDb> meta_db, OpenMeta());
  STRATA_ASSIGN_OR_RETURN(meta::MonitoredNamespace monitored, meta_db->Find(store->url(), ns_));
  STRATA_ASSIGN_OR_RETURN(std::vector<StoredSegment> segments, meta_db->Segments(monitored.id));
  for (const StoredSegment& s : segments) Add(s, s.key.last.value(), "");
  return absl::OkStatus();
}

absl::StatusOr<int> SegmentsCommand::Run() {
  STRATA_RETURN_IF_ERROR(cached_ ? ListCache() : ListStore());
  Json document = {{"namespace", ns_}, {"segments", list_}, {"bytes", bytes_}};
  if (sizes_) document["codecs"] = StatisticsJson(sum_);
  PrintJson(document);
  if (!json()) std::cout << list_.size() << " segments, " << FormatBytes(bytes_) << "\n";
  if (!json() && sizes_) PrintStatistics(sum_);
  return kFine;
}

}  // namespace

void AddSegmentsCommand(CommandLine* line) {
  auto command = std::make_shared<SegmentsCommand>();
  command->AddTo(line, command);
}

}  // namespace strata::tools

#include "compactor/retention.h"

#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "compactor/history.h"
#include "io/clock.h"
#include "io/random.h"
#include "io/status_macros.h"
#include "tools/command.h"
#include "tools/format.h"

namespace strata::tools {
namespace {

using compactor::RetentionReport;
using segment::StoredSegment;

Json SegmentsJson(const std::string& ns, const std::vector<StoredSegment>& segments) {
  Json list = Json::array();
  for (const StoredSegment& each : segments) {
    list.push_back({{"object", segment::BuildSegmentKey(ns, each.key)}, {"bytes", each.size}});
  }
  return list;
}

uint64_t BytesOf(const std::vector<StoredSegment>& segments) {
  uint64_t bytes = 0;
  for (const StoredSegment& each : segments) bytes += each.size;
  return bytes;
}

// What the commands about one namespace share.
class NamespaceCommand : public Command {
 protected:
  CLI::App* AddNamespaceTo(CommandLine* line, const std::string& name,
                           const std::string& description, std::shared_ptr<Command> self) {
    CLI::App* app = line->Add(name, description, std::move(self));
    AddStore(app);
    AddJson(app);
    app->add_option("namespace", ns_, "Name of the database in the store")->required();
    return app;
  }

  absl::StatusOr<compactor::RetentionWorld> World() {
    STRATA_ASSIGN_OR_RETURN(store_, OpenExistingStore());
    return compactor::RetentionWorld{store_.get(), &io::SystemClock(), &io::SystemRandom(), ns_};
  }

  std::string ns_;
  std::unique_ptr<io::ObjectStore> store_;
};

class RetentionCommand : public NamespaceCommand {
 public:
  void AddTo(CommandLine* line, std::shared_ptr<RetentionCommand> self);
  absl::StatusOr<int> Run() override;

 private:
  absl::Status CheckArguments() const;
  absl::StatusOr<int> Show(const compactor::RetentionWorld& world, int64_t grace_us);
  absl::StatusOr<int> Unmark(const compactor::RetentionWorld& world);
  void Print(const RetentionReport& report, bool done);

  std::string action_ = "show";
  std::string policy_;
  std::string grace_ = "24h";
  bool execute_ = false;
};

void RetentionCommand::AddTo(CommandLine* line, std::shared_ptr<RetentionCommand> self) {
  CLI::App* app =
      AddNamespaceTo(line, "retention", "How long which commits are kept, and what can go", self);
  app->add_option("action", action_,
                  "show (default): policy, pins, what would go; set: a policy; apply: let it go; "
                  "unmark: take back what is marked")
      ->check(CLI::IsMember({"show", "set", "apply", "unmark"}));
  app->add_option("policy", policy_, "For set: \"all:24h, 1m:7d, 1h:30d, 1d:1y\"; \"\" is none");
  app->add_option("--grace", grace_,
                  "Time between marking and deleting; longer than any restore takes");
  app->add_flag("--execute", execute_, "For apply: do it; without, it only says what it would do");
}

absl::Status RetentionCommand::CheckArguments() const {
  if (action_ != "set" && !policy_.empty()) {
    return absl::InvalidArgumentError("a policy is for `retention NAMESPACE set` only");
  }
  if (action_ != "apply" && execute_) {
    return absl::InvalidArgumentError("--execute is for `retention NAMESPACE apply` only");
  }
  return absl::OkStatus();
}

void RetentionCommand::Print(const RetentionReport& report, bool done) {
  Json logs = Json::array();
  for (const compactor::LogRetention& log : report.logs) {
    logs.push_back({{"log_id", segment::ToString(log.log_id)},
                    {"commits", log.commits},
                    {"promised", log.promised}});
  }
  PrintJson({{"namespace", ns_},
             {"executed", done},
             {"logs", logs},
             {"marked", SegmentsJson(ns_, report.unneeded)},
             {"deleted", SegmentsJson(ns_, report.expired)},
             {"waiting", SegmentsJson(ns_, report.waiting)}});
  if (json()) return;
  for (const compactor::LogRetention& log : report.logs) {
    std::cout << "log id " << segment::ToString(log.log_id) << ": " << log.promised << " of "
              << log.commits << " commits are promised\n";
  }
  for (const StoredSegment& each : report.unneeded) {
    std::cout << segment::BuildSegmentKey(ns_, each.key) << "  " << FormatBytes(each.size) << "\n";
  }
  std::cout << (done ? "marked: " : "would be marked: ") << report.unneeded.size() << " segments, "
            << FormatBytes(BytesOf(report.unneeded)) << "\n"
            << (done ? "deleted: " : "would be deleted: ") << report.expired.size() << " segments, "
            << FormatBytes(BytesOf(report.expired)) << "\n"
            << "marked earlier: " << report.waiting.size() << " segments, "
            << FormatBytes(BytesOf(report.waiting)) << "\n";
}

absl::StatusOr<int> RetentionCommand::Show(const compactor::RetentionWorld& world,
                                           int64_t grace_us) {
  STRATA_ASSIGN_OR_RETURN(const compactor::NamespaceHistory history,
                          compactor::LoadHistory(*world.store, ns_));
  if (history.logs.empty()) {
    return compactor::NotInTheStore(ns_);
  }
  compactor::BlockCache cache;
  STRATA_ASSIGN_OR_RETURN(
      const RetentionReport report,
      compactor::PlanRetention(world.store, &cache, history, world.clock->NowMicros(), grace_us));
  if (!json()) {
    std::cout << "policy: " << (history.policy.empty() ? "none" : history.policy) << "\n";
    for (const auto& [name, pin] : history.pins) {
      std::cout << "pin " << name << ": frame " << pin.frame.value() << " of "
                << FormatTime(pin.time_us) << "\n";
    }
  }
  Print(report, false);
  return kFine;
}

absl::StatusOr<int> RetentionCommand::Unmark(const compactor::RetentionWorld& world) {
  STRATA_ASSIGN_OR_RETURN(const std::vector<StoredSegment> taken, compactor::TakeBackMarks(world));
  PrintJson({{"namespace", ns_}, {"unmarked", SegmentsJson(ns_, taken)}});
  if (json()) return kFine;
  for (const StoredSegment& each : taken) {
    std::cout << segment::BuildSegmentKey(ns_, each.key) << "  " << FormatBytes(each.size) << "\n";
  }
  std::cout << "unmarked: " << taken.size() << " segments, " << FormatBytes(BytesOf(taken)) << "\n";
  return kFine;
}

absl::StatusOr<int> RetentionCommand::Run() {
  STRATA_RETURN_IF_ERROR(CheckArguments());
  STRATA_ASSIGN_OR_RETURN(const int64_t grace_us, compactor::ParseDuration(grace_));
  STRATA_ASSIGN_OR_RETURN(const compactor::RetentionWorld world, World());
  if (action_ == "unmark") return Unmark(world);
  if (action_ == "set") STRATA_RETURN_IF_ERROR(compactor::SetRetention(world, policy_));
  if (action_ != "apply" || !execute_) return Show(world, grace_us);
  STRATA_ASSIGN_OR_RETURN(const RetentionReport report, compactor::ApplyRetention(world, grace_us));
  Print(report, true);
  return kFine;
}

class PinCommand : public NamespaceCommand {
 public:
  explicit PinCommand(bool adds) : adds_(adds) {}
  void AddTo(CommandLine* line, std::shared_ptr<PinCommand> self);
  absl::StatusOr<int> Run() override;

 private:
  absl::StatusOr<int> Add(const compactor::RetentionWorld& world);

  const bool adds_;
  std::string name_;
  std::string timestamp_;
  uint64_t frame_ = 0;
};

void PinCommand::AddTo(CommandLine* line, std::shared_ptr<PinCommand> self) {
  CLI::App* app = AddNamespaceTo(
      line, adds_ ? "pin" : "unpin",
      adds_ ? "Keep a commit whatever the policy says" : "Take a pin away", std::move(self));
  app->add_option("--name", name_, "Of the pin")->required();
  if (!adds_) return;
  CLI::Option* timestamp = app->add_option("--timestamp", timestamp_,
                                           "The last commit at or before this time (RFC 3339)");
  app->add_option("--frame", frame_, "The last commit at or before this frame")
      ->excludes(timestamp);
}

absl::StatusOr<int> PinCommand::Add(const compactor::RetentionWorld& world) {
  compactor::RestoreTarget wanted;
  if (frame_ != 0) wanted.frame = segment::FrameNo(frame_);
  if (!timestamp_.empty()) {
    STRATA_ASSIGN_OR_RETURN(wanted.time_us, ParseTime(timestamp_));
  }
  STRATA_ASSIGN_OR_RETURN(const compactor::NamespaceHistory history,
                          compactor::LoadHistory(*world.store, ns_));
  compactor::BlockCache cache;
  STRATA_ASSIGN_OR_RETURN(const compactor::ResolvedTarget target,
                          compactor::ResolveTarget(world.store, &cache, history, wanted));
  STRATA_RETURN_IF_ERROR(compactor::AddPin(world, name_, target));
  PrintJson({{"namespace", ns_}, {"pin", name_}, {"commit", CommitJson(target.commit)}});
  if (!json()) std::cout << name_ << ": " << DescribeCommit(target.commit) << "\n";
  return kFine;
}

absl::StatusOr<int> PinCommand::Run() {
  STRATA_ASSIGN_OR_RETURN(const compactor::RetentionWorld world, World());
  if (adds_) return Add(world);
  STRATA_RETURN_IF_ERROR(compactor::RemovePin(world, name_));
  PrintJson({{"namespace", ns_}, {"unpinned", name_}});
  return kFine;
}

}  // namespace

void AddRetentionCommands(CommandLine* line) {
  auto retention = std::make_shared<RetentionCommand>();
  retention->AddTo(line, retention);
  for (bool adds : {true, false}) {
    auto pin = std::make_shared<PinCommand>(adds);
    pin->AddTo(line, pin);
  }
}

}  // namespace strata::tools

#include "meta/sync.h"

#include <iostream>
#include <memory>
#include <string>

#include "io/clock.h"
#include "io/status_macros.h"
#include "tools/command.h"

namespace strata::tools {
namespace {

// What monitor, unmonitor and sync have in common.
class MetaCommand : public Command {
 protected:
  CLI::App* AddCommon(CommandLine* line, const std::string& name, const std::string& description,
                      std::shared_ptr<Command> self) {
    CLI::App* app = line->Add(name, description, self);
    AddStore(app);
    AddMeta(app);
    AddJson(app);
    return app;
  }

  absl::Status Prepare() {
    STRATA_ASSIGN_OR_RETURN(store_, OpenStore());  // its first database may be yet to come
    STRATA_ASSIGN_OR_RETURN(meta_db_, OpenMeta());
    return absl::OkStatus();
  }

  absl::StatusOr<Json> SyncOne(const meta::MonitoredNamespace& monitored, meta::SyncMode mode) {
    STRATA_ASSIGN_OR_RETURN(
        meta::SyncResult result,
        meta::Sync(*store_, meta_db_.get(), monitored, mode, io::SystemClock().NowMicros()));
    if (!json()) {
      std::cout << monitored.name << ": " << result.segments_read << " segments and "
                << result.epochs_read << " epochs read\n";
    }
    return Json{{"namespace", monitored.name},
                {"segments_read", result.segments_read},
                {"epochs_read", result.epochs_read}};
  }

  std::unique_ptr<io::ObjectStore> store_;
  std::unique_ptr<meta::MetaDb> meta_db_;
};

class MonitorCommand : public MetaCommand {
 public:
  void AddTo(CommandLine* line, std::shared_ptr<MonitorCommand> self) {
    CLI::App* app = AddCommon(line, "monitor", "Note a namespace in the meta-db and sync it", self);
    app->add_option("namespace", ns_, "Name of the database in the store")->required();
  }

  absl::StatusOr<int> Run() override {
    STRATA_RETURN_IF_ERROR(Prepare());
    STRATA_ASSIGN_OR_RETURN(meta::MonitoredNamespace monitored,
                            meta_db_->Monitor(store_->url(), ns_, io::SystemClock().NowMicros()));
    STRATA_ASSIGN_OR_RETURN(Json synced, SyncOne(monitored, meta::SyncMode::kFull));
    PrintJson(synced);
    return kFine;
  }

 private:
  std::string ns_;
};

class UnmonitorCommand : public MetaCommand {
 public:
  void AddTo(CommandLine* line, std::shared_ptr<UnmonitorCommand> self) {
    CLI::App* app =
        AddCommon(line, "unmonitor", "Forget a namespace; the store keeps what it has", self);
    app->add_option("namespace", ns_, "Name of the database in the store")->required();
  }

  absl::StatusOr<int> Run() override {
    STRATA_RETURN_IF_ERROR(Prepare());
    STRATA_RETURN_IF_ERROR(meta_db_->Unmonitor(store_->url(), ns_));
    PrintJson({{"namespace", ns_}, {"monitored", false}});
    return kFine;
  }

 private:
  std::string ns_;
};

class SyncCommand : public MetaCommand {
 public:
  void AddTo(CommandLine* line, std::shared_ptr<SyncCommand> self) {
    CLI::App* app = AddCommon(line, "sync", "Bring the meta-db in line with the store", self);
    app->add_option("namespace", ns_, "One monitored namespace (default: all of them)");
    app->add_flag("--full", full_, "Forget what is known and read everything again");
  }

  absl::StatusOr<int> Run() override {
    STRATA_RETURN_IF_ERROR(Prepare());
    STRATA_RETURN_IF_ERROR(store_->CheckPlace(false));
    std::vector<meta::MonitoredNamespace> namespaces(1);
    if (ns_.empty()) {
      STRATA_ASSIGN_OR_RETURN(namespaces, meta_db_->Namespaces(store_->url()));
    } else {
      STRATA_ASSIGN_OR_RETURN(namespaces[0], meta_db_->Find(store_->url(), ns_));
    }
    Json list = Json::array();
    for (const meta::MonitoredNamespace& monitored : namespaces) {
      STRATA_ASSIGN_OR_RETURN(
          Json synced, SyncOne(monitored, full_ ? meta::SyncMode::kFull : meta::SyncMode::kNew));
      list.push_back(synced);
    }
    PrintJson({{"namespaces", list}});
    return kFine;
  }

 private:
  std::string ns_;
  bool full_ = false;
};

template <typename T>
void AddOne(CommandLine* line) {
  auto command = std::make_shared<T>();
  command->AddTo(line, command);
}

}  // namespace

void AddMonitorCommands(CommandLine* line) {
  AddOne<MonitorCommand>(line);
  AddOne<UnmonitorCommand>(line);
  AddOne<SyncCommand>(line);
}

}  // namespace strata::tools

#include <algorithm>
#include <iostream>
#include <memory>
#include <string>

#include "io/status_macros.h"
#include "segment/store_listing.h"
#include "tools/command.h"
#include "tools/format.h"

namespace strata::tools {
namespace {

class NamespacesCommand : public Command {
 public:
  void AddTo(CommandLine* line, std::shared_ptr<NamespacesCommand> self);
  absl::StatusOr<int> Run() override;

 private:
  absl::StatusOr<Json> Describe(meta::MetaDb* meta_db,
                                const meta::MonitoredNamespace& monitored) const;
};

void NamespacesCommand::AddTo(CommandLine* line, std::shared_ptr<NamespacesCommand> self) {
  CLI::App* app =
      line->Add("namespaces", "The databases in a store, and which of them are monitored", self);
  AddStore(app);
  AddMeta(app);
  AddJson(app);
}

absl::StatusOr<Json> NamespacesCommand::Describe(meta::MetaDb* meta_db,
                                                 const meta::MonitoredNamespace& monitored) const {
  STRATA_ASSIGN_OR_RETURN(std::vector<segment::StoredSegment> segments,
                          meta_db->Segments(monitored.id));
  uint64_t bytes = 0;
  uint64_t last = 0;
  for (const segment::StoredSegment& s : segments) {
    bytes += s.size;
    last = std::max(last, s.key.last.value());
  }
  return Json{
      {"namespace", monitored.name},
      {"monitored", true},
      {"synced", monitored.synced_us == 0 ? Json(nullptr) : Json(FormatTime(monitored.synced_us))},
      {"segments", segments.size()},
      {"bytes", bytes},
      {"last_frame", last}};
}

absl::StatusOr<int> NamespacesCommand::Run() {
  STRATA_ASSIGN_OR_RETURN(std::unique_ptr<io::ObjectStore> store, OpenExistingStore());
  STRATA_ASSIGN_OR_RETURN(std::unique_ptr<meta::MetaDb> meta_db, OpenMetaIfThere());
  STRATA_ASSIGN_OR_RETURN(std::vector<std::string> names, segment::ListNamespaces(*store));
  std::vector<meta::MonitoredNamespace> monitored;
  if (meta_db != nullptr) {
    STRATA_ASSIGN_OR_RETURN(monitored, meta_db->Namespaces(store->url()));
  }
  Json list = Json::array();
  for (const meta::MonitoredNamespace& one : monitored) {
    STRATA_ASSIGN_OR_RETURN(Json described, Describe(meta_db.get(), one));
    described["in_store"] = std::find(names.begin(), names.end(), one.name) != names.end();
    list.push_back(described);
    names.erase(std::remove(names.begin(), names.end(), one.name), names.end());
  }
  for (const std::string& name : names) {
    list.push_back({{"namespace", name}, {"monitored", false}, {"in_store", true}});
  }
  PrintJson({{"store", store->url()}, {"namespaces", list}});
  if (json()) return kFine;
  for (const Json& one : list) {
    std::cout << one["namespace"].get<std::string>();
    if (one["monitored"].get<bool>()) {
      std::cout << "  monitored, " << one["segments"].get<size_t>() << " segments, "
                << FormatBytes(one["bytes"].get<uint64_t>()) << ", last frame "
                << one["last_frame"].get<uint64_t>();
    }
    if (!one["in_store"].get<bool>()) std::cout << "  not in the store";
    std::cout << "\n";
  }
  return kFine;
}

}  // namespace

void AddNamespacesCommand(CommandLine* line) {
  auto command = std::make_shared<NamespacesCommand>();
  command->AddTo(line, command);
}

}  // namespace strata::tools

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "io/limited_object_store.h"
#include "io/object_store.h"
#include "meta/meta_db.h"
#include "tools/namespace_compactor.h"

namespace strata::tools {

struct WatchSettings {
  std::vector<std::string> names;  // empty: what the meta-db has as monitored, now and later
  int poll_seconds = 10;
  io::StoreLimits limits;
  std::string metrics_file;         // empty: none
  std::optional<int> metrics_port;  // on 127.0.0.1; 0: any
};

// Keeps SIGTERM and SIGINT for WatchAndCompact. Before other threads are started, so that none of
// them gets one.
void HoldEndSignals();

// `strata compact --watch`: merges in namespaces that change, one after the other, until SIGTERM or
// SIGINT, which lets the merge under way come to its end. What goes wrong in one namespace is told
// on standard error and tried again later. InvalidArgument: there is nothing to watch.
absl::Status WatchAndCompact(std::unique_ptr<io::ObjectStore> store, meta::MetaDb* meta_db,
                             const CompactSettings& compact, const WatchSettings& settings);

}  // namespace strata::tools

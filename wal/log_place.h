#pragma once

#include <string>

#include "wal/checkpointer.h"

namespace strata::wal {

// Where a log and its database are.
struct LogPlace {
  std::string directory;  // "app.db-wal"
  std::string database;   // "app.db"; for messages, for stat and for the name of app.db-strata
  OpenDatabase open_database;
  bool read_only = false;  // the database and its log are not written to
  bool alone = false;      // nobody else may have it open
};

struct StoreAddress {
  std::string url;  // empty: none
  std::string name_space;
};

}  // namespace strata::wal

#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "sqlite/vfs_file_system.h"
#include "sqlite/virtual_wal.h"
#include "wal/log.h"

namespace strata::sqlite {

// The logs that are open in this process, one per database and VFS, shared by the connections
// through it. Any thread.

// A log and the files that it is made of, where those run over a VFS.
struct OpenLog {
  std::shared_ptr<VfsFileSystem> vfs_files;  // nullptr: over io::PosixFileSystem()
  std::shared_ptr<wal::Log> log;
  int connections = 0;  // 0: its last connection is closing it
  std::string key;      // names it among the logs of this process
};

// Opens the log of a database, or joins the connections that have it open. A log that was opened by
// a read-only connection takes no others: it goes on beside one that may write, as in another
// process. Give it back with ReleaseLog.
absl::StatusOr<OpenLog> AcquireLog(const strata_wal_host* host, const strata_wal_open_args& args);

// Counts a connection out; not nullptr when it was the last: then close the log, let go of it, and
// call ForgetLog. Who opens the database through this VFS meanwhile waits for that; another one,
// holding all others up, for the log to be gone, which therefore happens outside of ForgetLog.
std::shared_ptr<wal::Log> ReleaseLog(const std::string& key);
void ForgetLog(const std::string& key);

// True when some connection, of this process or another one, has the log in `directory` open.
bool IsOpen(const std::string& directory);

wal::Environment ProductionEnvironment(const strata_wal_host* host);

}  // namespace strata::sqlite

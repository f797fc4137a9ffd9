#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

#include "tests/sqlite/connection.h"
#include "tests/sqlite/fake_engine.h"
#include "tests/support/temporary_directory.h"

namespace strata::sqlite_test {

// A folder of its own, the engine "fake" with an empty record, and no STRATA_WAL in the
// environment.
class ForkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    unsetenv("STRATA_WAL");
    ASSERT_EQ(fake_engine_register(), SQLITE_OK);
    *fake_engine_record() = fake_record{};
    fake_engine_answer_delete_with(SQLITE_OK);
  }
  void TearDown() override { unsetenv("STRATA_WAL"); }

  std::string Path(const std::string& name = "app.db") const { return folder_ / name; }
  std::string Log(const std::string& name = "app.db") const { return Path(name) + "-wal"; }
  std::string Uri(const std::string& parameters) const {
    return "file:" + Path() + "?" + parameters;
  }
  bool LogIsDirectory() const { return std::filesystem::is_directory(Log()); }
  bool LogIsFile() const { return std::filesystem::is_regular_file(Log()); }
  bool LogExists() const { return std::filesystem::exists(Log()); }

  // app.db and its log as a program that crashes after `sql` in WAL mode leaves them.
  void LeaveBuiltinLog(const std::string& sql) {
    Connection writer("file:" + Path("crashed.db") + "?wal=builtin");
    ASSERT_EQ(writer.Run("PRAGMA journal_mode=wal; " + sql), SQLITE_OK) << writer.Message();
    std::filesystem::copy_file(Path("crashed.db"), Path());
    std::filesystem::copy_file(Log("crashed.db"), Log());
  }

  const support::TemporaryDirectory directory_{"fork"};
  const std::filesystem::path folder_ = directory_.path();
};

}  // namespace strata::sqlite_test

// Scripts of SQL from a seed, on stock SQLite and on Strata in lockstep, by one and by several
// connections: results, codes, changes, and in the end the same bytes of every page.
//
//   STRATA_SCRIPTS=1000 STRATA_SEED=1 sqlite_scripts_test    how many, and from which seed on

#include <gtest/gtest.h>
#include <stdlib.h>

#include <memory>

#include "tests/sqlite_surface/script.h"
#include "tests/sqlite_surface/session.h"

namespace strata::sqlite_surface {
namespace {

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* value = getenv(name);
  return value == nullptr ? otherwise : strtoull(value, nullptr, 10);
}

class Player {
 public:
  Player(const Library& library, const Script& script) : session_(library), script_(script) {
    for (int i = 0; i < script.connections; ++i) {
      sqlite3* db = session_.Open();
      if (i == 0) {
        session_.Run(db, "PRAGMA page_size=" + std::to_string(script.page_size) +
                             "; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=wal");
      }
      session_.Run(db, script.is_full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=OFF");
      session_.Run(db, script.autocheckpoint ? "PRAGMA wal_autocheckpoint=10"
                                             : "PRAGMA wal_autocheckpoint=0");
      connections_.push_back(db);
    }
  }

  void Play(const ScriptStep& step) {
    std::filesystem::current_path(std::filesystem::path(session_.Path()).parent_path());
    session_.Run(connections_[static_cast<size_t>(step.connection)], step.sql);
  }

  // Ends every transaction, checkpoints, and notes all pages.
  void Finish() {
    for (sqlite3* db : connections_) session_.Run(db, "ROLLBACK");
    session_.Run(connections_[0], "PRAGMA wal_checkpoint(TRUNCATE)");
    session_.NotePages("app.db", static_cast<size_t>(script_.page_size));
  }

  const std::string& transcript() const { return session_.transcript(); }

 private:
  Session session_;
  const Script& script_;
  std::vector<sqlite3*> connections_;
};

void ExpectSamePlay(uint64_t seed) {
  const Script script(seed);
  Player stock(Library::Stock(), script);
  Player strata(Library::Strata(), script);
  for (const ScriptStep& step : script.steps) {
    stock.Play(step);
    strata.Play(step);
    ASSERT_EQ(stock.transcript(), strata.transcript()) << "STRATA_SCRIPTS=1 STRATA_SEED=" << seed;
  }
  stock.Finish();
  strata.Finish();
  ASSERT_EQ(stock.transcript(), strata.transcript()) << "STRATA_SCRIPTS=1 STRATA_SEED=" << seed;
}

// 320: the change counter after another connection's TRUNCATE. 731: RESTART beside a reader that
// came when everything was in the database file.
TEST(ScriptsTest, ScriptsThatDifferedOnceDoNoMore) {
  for (const uint64_t seed : {320, 731}) ExpectSamePlay(seed);
}

TEST(ScriptsTest, StockAndStrataAnswerAlike) {
  const uint64_t first = FromEnvironment("STRATA_SEED", 1);
  const uint64_t count = FromEnvironment("STRATA_SCRIPTS", 300);
  for (uint64_t seed = first; seed < first + count; ++seed) {
    ExpectSamePlay(seed);
    if (::testing::Test::HasFatalFailure()) return;
  }
  std::printf("%llu scripts from seed %llu\n", static_cast<unsigned long long>(count),
              static_cast<unsigned long long>(first));
}

}  // namespace
}  // namespace strata::sqlite_surface

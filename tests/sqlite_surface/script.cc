#include "tests/sqlite_surface/script.h"

#include <random>

namespace strata::sqlite_surface {

namespace {

class Writer {
 public:
  explicit Writer(uint64_t seed) : random_(seed) {}

  void set_checkpoints(bool checkpoints) { first_pragma_ = checkpoints ? 0 : 4; }

  int Number(int below) { return static_cast<int>(random_() % static_cast<uint64_t>(below)); }

  std::string Statement() {
    switch (Number(24)) {
      case 0:
        return "CREATE TABLE IF NOT EXISTS " + Table() + "(a INTEGER PRIMARY KEY, b, c UNIQUE)";
      case 1:
        return Number(4) == 0 ? "DROP TABLE IF EXISTS " + Table()
                              : "CREATE INDEX IF NOT EXISTS i" + Text(4) + " ON " + Table() + "(b)";
      case 2:
      case 3:
      case 4:
      case 5:
        return Insert();
      case 6:
      case 7:
        return "UPDATE " + Table() + " SET b=" + Value() + " WHERE a%" + Text(7) + "=" + Text(3);
      case 8:
        return "UPDATE OR REPLACE " + Table() + " SET c=c+1 WHERE a<" + Text(50);
      case 9:
        return "DELETE FROM " + Table() + " WHERE a%" + Text(9) + "=" + Text(4);
      case 10:
      case 11:
        return Begin();
      case 12:
      case 13:
      case 14:
        return Number(5) == 0 ? "ROLLBACK" : "COMMIT";
      case 15:
        return "SAVEPOINT s" + Text(2);
      case 16:
        return (Number(2) == 0 ? "RELEASE s" : "ROLLBACK TO s") + Text(2);
      case 17:
        return Pragma();
      case 18:
        return Number(4) == 0 ? "VACUUM" : "PRAGMA integrity_check";
      case 19:
        return "INSERT INTO " + Table() + "(a,b) VALUES(" + Text(60) +
               ",1) ON CONFLICT(a) DO UPDATE SET b=" + Value();
      case 20:
        return "ALTER TABLE " + Table() + " ADD COLUMN d" + Text(3);
      default:
        return "SELECT count(*), sum(a), sum(length(b)), max(c) FROM " + Table();
    }
  }

 private:
  std::string Text(int below) { return std::to_string(Number(below)); }
  std::string Table() { return "t" + Text(3); }

  std::string Value() {
    switch (Number(4)) {
      case 0:
        return "zeroblob(" + Text(9000) + ")";
      case 1:
        return "printf('%." + Text(2000) + "c','x')";
      case 2:
        return "NULL";
      default:
        return Text(1000000);
    }
  }

  std::string Insert() {
    if (Number(3) > 0)
      return "INSERT OR IGNORE INTO " + Table() + "(b,c) VALUES(" + Value() + "," + Text(500) + ")";
    return "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<" + Text(120) +
           ") INSERT INTO " + Table() + "(b) SELECT " + Value() + " FROM n";
  }

  std::string Begin() {
    const char* const kinds[] = {"BEGIN", "BEGIN", "BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"};
    return kinds[Number(4)];
  }

  std::string Pragma() {
    const char* const pragmas[] = {
        "wal_checkpoint",           "wal_checkpoint(FULL)", "wal_checkpoint(RESTART)",
        "wal_checkpoint(TRUNCATE)", "cache_size=5",         "cache_size=2000",
        "synchronous=OFF",          "synchronous=NORMAL",   "page_count",
        "freelist_count",           "incremental_vacuum(3)"};
    return std::string("PRAGMA ") + pragmas[first_pragma_ + Number(11 - first_pragma_)];
  }

  std::mt19937_64 random_;
  int first_pragma_ = 0;  // of Pragma()'s
};

}  // namespace

Script::Script(uint64_t seed) {
  Writer writer(seed);
  const int sizes[] = {512, 1024, 4096, 4096, 16384, 65536};
  connections = writer.Number(2) == 0 ? 1 : 2 + writer.Number(3);
  page_size = sizes[writer.Number(6)];
  is_full = writer.Number(5) == 0;
  autocheckpoint = writer.Number(4) == 0;
  writer.set_checkpoints(!autocheckpoint);
  const int count = 30 + writer.Number(60);
  for (int i = 0; i < count; ++i) steps.push_back({writer.Number(connections), writer.Statement()});
}

}  // namespace strata::sqlite_surface

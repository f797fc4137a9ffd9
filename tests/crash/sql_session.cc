#include "tests/crash/sql_session.h"

#include <sqlite3.h>

#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "io/random.h"

namespace strata::crash {

namespace {

struct Close {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
};
using Database = std::unique_ptr<sqlite3, Close>;

Database OpenInMemory() {
  sqlite3* database = nullptr;
  sqlite3_open(":memory:", &database);
  return Database(database);
}

std::string FirstValue(sqlite3* database, const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(database, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK)
    return sqlite3_errmsg(database);
  std::string value;
  if (sqlite3_step(statement) == SQLITE_ROW) {
    value = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
  } else {
    value = sqlite3_errmsg(database);
  }
  sqlite3_finalize(statement);
  return value;
}

std::vector<uint8_t> Serialized(sqlite3* database) {
  sqlite3_int64 size = 0;
  unsigned char* bytes = sqlite3_serialize(database, "main", &size, 0);
  std::vector<uint8_t> copy(bytes, bytes + size);
  sqlite3_free(bytes);
  return copy;
}

std::string NextTransaction(int number, io::Random& random) {
  const uint64_t key = random.Next64() % 40;
  switch (random.Next64() % 6) {
    case 0:
      return absl::StrCat("DELETE FROM t WHERE k % 7 = ", key % 7);
    case 1:
      return absl::StrCat("UPDATE t SET v = randomblob(", 20 + key * 10,
                          ") WHERE k % 5 = ", key % 5);
    case 2:
      return number % 13 == 0
                 ? "VACUUM"
                 : absl::StrCat("INSERT OR REPLACE INTO t VALUES(", key, ", randomblob(2500))");
    case 3:
      return absl::StrCat("CREATE TABLE IF NOT EXISTS extra", key % 3, "(a, b); INSERT INTO extra",
                          key % 3, " VALUES(1, zeroblob(300)); DROP TABLE IF EXISTS extra",
                          (key + 1) % 3);
    default:
      return absl::StrCat("INSERT OR REPLACE INTO t SELECT value + ", key,
                          ", randomblob(100) FROM generate");
  }
}

}  // namespace

std::vector<std::vector<uint8_t>> RecordSqlSession(uint32_t page_size, int transactions,
                                                   uint64_t seed) {
  io::SeededRandom random(seed);
  const Database database = OpenInMemory();
  const auto run = [&](const std::string& sql) {
    sqlite3_exec(database.get(), sql.c_str(), nullptr, nullptr, nullptr);
  };
  run(absl::StrCat("PRAGMA page_size=", page_size,
                   "; BEGIN; CREATE TABLE t(k INTEGER PRIMARY KEY, v); CREATE INDEX i ON t(v); "
                   "CREATE TABLE generate(value);"
                   " INSERT INTO generate VALUES(1),(2),(3),(4),(5),(6),(7),(8); COMMIT"));
  std::vector<std::vector<uint8_t>> states = {Serialized(database.get())};
  for (int i = 1; i < transactions; ++i) {
    run(absl::StrCat(NextTransaction(i, random), "; UPDATE generate SET value = ", 1000 + i,
                     " WHERE rowid = 1"));
    states.push_back(Serialized(database.get()));
  }
  return states;
}

std::string IntegrityCheck(absl::Span<const uint8_t> bytes) {
  if (bytes.empty()) return "ok";
  const Database database = OpenInMemory();
  auto* copy = static_cast<unsigned char*>(sqlite3_malloc64(bytes.size()));
  std::memcpy(copy, bytes.data(), bytes.size());
  const auto size = static_cast<sqlite3_int64>(bytes.size());
  const int rc =
      sqlite3_deserialize(database.get(), "main", copy, size, size, SQLITE_DESERIALIZE_FREEONCLOSE);
  return rc == SQLITE_OK ? FirstValue(database.get(), "PRAGMA integrity_check")
                         : absl::StrCat("deserialize: ", rc);
}

}  // namespace strata::crash

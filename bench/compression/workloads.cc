#include "bench/compression/workloads.h"

#include <algorithm>
#include <random>

namespace strata::bench {
namespace {

constexpr int64_t kBuckets = 4;
constexpr int64_t kAccounts = 20'000;
constexpr int64_t kItems = 50'000;
constexpr int64_t kDocuments = 3'000;

// Words as frequent as they are in texts: a few very often.
class Words {
 public:
  explicit Words(uint64_t seed) : random_(seed) {
    for (int i = 0; i < 4'000; ++i) words_.push_back(NewWord());
  }
  std::string Word() {
    const double share = std::uniform_real_distribution<double>(0, 1)(random_);
    return words_[static_cast<size_t>(share * share * share * static_cast<double>(words_.size()))];
  }
  std::string Text(size_t words) {
    std::string text;
    for (size_t i = 0; i < words; ++i) text += (i == 0 ? "" : " ") + Word();
    return text;
  }
  int64_t Below(int64_t limit) {
    return static_cast<int64_t>(random_() % static_cast<uint64_t>(limit));
  }

 private:
  std::string NewWord() {
    std::string word;
    for (uint64_t i = 0, length = 2 + random_() % 8; i < length; ++i)
      word += static_cast<char>('a' + random_() % 26);
    return word;
  }

  std::mt19937_64 random_;
  std::vector<std::string> words_;
};

std::string EventData(Words& words, const std::vector<std::string>& titles) {
  static const char* const kApps[] = {"browser", "editor", "terminal", "mail",
                                      "chat",    "player", "files"};
  const std::string& title =
      titles[static_cast<size_t>(words.Below(static_cast<int64_t>(titles.size())))];
  return std::string("{\"app\": \"") + kApps[words.Below(7)] + "\", \"title\": \"" + title +
         "\", \"audible\": " + (words.Below(9) == 0 ? "true" : "false") + "}";
}

void CreateEvents(Sql& sql) {
  sql.Run(
      "CREATE TABLE events(id INTEGER PRIMARY KEY AUTOINCREMENT, bucketrow INTEGER NOT NULL,"
      " starttime INTEGER NOT NULL, endtime INTEGER NOT NULL, data TEXT NOT NULL);"
      "CREATE INDEX events_by_start ON events(bucketrow, starttime DESC, endtime)");
}

void InsertEvents(Sql& sql, uint64_t seed, int64_t rows, int64_t rows_a_transaction) {
  Words words(seed);
  std::vector<std::string> titles;
  for (int i = 0; i < 500; ++i)
    titles.push_back(words.Text(3 + static_cast<size_t>(words.Below(8))));
  Statement insert(sql, "INSERT INTO events(bucketrow, starttime, endtime, data) VALUES(?,?,?,?)");
  int64_t now = 1'700'000'000'000'000;
  for (int64_t i = 0; i < rows; ++i) {
    if (i % rows_a_transaction == 0) sql.Run("BEGIN");
    now += 1'000'000 + words.Below(20'000'000);
    insert.Bind(words.Below(kBuckets)).Bind(now).Bind(now + words.Below(9'000'000));
    insert.Bind(EventData(words, titles)).Execute();
    if ((i + 1) % rows_a_transaction == 0 || i + 1 == rows) sql.Run("COMMIT");
  }
}

void PrepareEvents(Sql& sql, uint64_t) { CreateEvents(sql); }
void RunHeartbeats(Sql& sql, uint64_t seed) { InsertEvents(sql, seed, 20'000, 1); }
void RunBatches(Sql& sql, uint64_t seed) { InsertEvents(sql, seed, 50'000, 100); }

void PrepareAccounts(Sql& sql, uint64_t seed) {
  Words words(seed);
  sql.Run(
      "CREATE TABLE accounts(id INTEGER PRIMARY KEY, name TEXT, balance INTEGER, note TEXT);"
      "CREATE TABLE orders(id INTEGER PRIMARY KEY, account INTEGER, amount INTEGER, item TEXT,"
      " state TEXT);"
      "CREATE INDEX orders_by_account ON orders(account); BEGIN");
  Statement insert(sql, "INSERT INTO accounts VALUES(?,?,?,?)");
  for (int64_t i = 1; i <= kAccounts; ++i)
    insert.Bind(i).Bind(words.Text(2)).Bind(words.Below(100'000)).Bind(words.Text(8)).Execute();
  sql.Run("COMMIT");
}

void RunMixed(Sql& sql, uint64_t seed) {
  Words words(seed + 1);
  Statement order(sql, "INSERT INTO orders(account, amount, item, state) VALUES(?,?,?,'open')");
  Statement pay(sql, "UPDATE accounts SET balance = balance - ? WHERE id = ?");
  Statement close(sql, "UPDATE orders SET state = 'done' WHERE id = ?");
  Statement drop(sql, "DELETE FROM orders WHERE id = ?");
  for (int64_t i = 1; i <= 6'000; ++i) {
    // Some accounts are much busier than others.
    const int64_t account = 1 + words.Below(1 + words.Below(words.Below(kAccounts) + 1));
    const int64_t amount = 1 + words.Below(500);
    sql.Run("BEGIN");
    order.Bind(account).Bind(amount).Bind(words.Text(4)).Execute();
    pay.Bind(amount).Bind(account).Execute();
    if (i % 2 == 0) close.Bind(i - words.Below(std::min<int64_t>(i, 100))).Execute();
    if (i % 10 == 0) drop.Bind(1 + words.Below(i)).Execute();
    sql.Run("COMMIT");
  }
}

void PrepareItems(Sql& sql, uint64_t seed) {
  Words words(seed);
  sql.Run(
      "CREATE TABLE items(id INTEGER PRIMARY KEY, counter INTEGER, state TEXT, body TEXT); BEGIN");
  Statement insert(sql, "INSERT INTO items VALUES(?,?,?,?)");
  for (int64_t i = 1; i <= kItems; ++i)
    insert.Bind(i).Bind(words.Below(1000)).Bind(words.Word()).Bind(words.Text(20)).Execute();
  sql.Run("COMMIT");
}

void RunUpdates(Sql& sql, uint64_t seed) {
  Words words(seed + 1);
  Statement update(sql, "UPDATE items SET counter = counter + ?, state = ? WHERE id = ?");
  for (int i = 0; i < 2'000; ++i) {
    sql.Run("BEGIN");
    for (int u = 0; u < 10; ++u)
      update.Bind(words.Below(100)).Bind(words.Word()).Bind(1 + words.Below(kItems)).Execute();
    sql.Run("COMMIT");
  }
}

void PrepareDocuments(Sql& sql, uint64_t seed) { MakeTexts(sql, seed, kDocuments); }

// Takes some words out of a text somewhere, and puts others in.
std::string Edited(const std::string& text, Words& words) {
  const size_t at = static_cast<size_t>(words.Below(static_cast<int64_t>(text.size())));
  const size_t cut = static_cast<size_t>(words.Below(60));
  std::string edited = text.substr(0, at);
  edited += words.Text(static_cast<size_t>(1 + words.Below(10)));
  if (at + cut < text.size()) edited += text.substr(at + cut);
  return edited;
}

void RunEdits(Sql& sql, uint64_t seed) {
  Words words(seed + 1);
  Statement read(sql, "SELECT body FROM texts WHERE id = ?");
  Statement write(sql, "UPDATE texts SET body = ?, changed = ? WHERE id = ?");
  for (int i = 0; i < 5'000; ++i) {
    const int64_t id = 1 + words.Below(1 + words.Below(kDocuments));
    read.Bind(id).Step();
    const std::string body = Edited(read.ColumnBytes(0), words);
    read.Reset();
    write.Bind(body).Bind(1'700'000'000 + i).Bind(id).Execute();
  }
}

}  // namespace

const std::vector<Workload>& Workloads() {
  static const std::vector<Workload> workloads = {
      {"heartbeats", "20,000 transactions of one insert", PrepareEvents, RunHeartbeats},
      {"mixed", "6,000 transactions of inserts, updates, deletes", PrepareAccounts, RunMixed},
      {"batches", "500 transactions of 100 inserts", PrepareEvents, RunBatches},
      {"updates", "2,000 transactions of 10 random updates", PrepareItems, RunUpdates},
      {"edits", "5,000 transactions of one text edit", PrepareDocuments, RunEdits},
  };
  return workloads;
}

void MakeEvents(Sql& sql, uint64_t seed, int64_t rows) {
  CreateEvents(sql);
  InsertEvents(sql, seed, rows, rows);
}

void MakeTexts(Sql& sql, uint64_t seed, int64_t rows) {
  Words words(seed);
  sql.Run(
      "CREATE TABLE texts(id INTEGER PRIMARY KEY, title TEXT, changed INTEGER, body TEXT); BEGIN");
  Statement insert(sql, "INSERT INTO texts VALUES(?,?,?,?)");
  for (int64_t i = 1; i <= rows; ++i) {
    const size_t length = 50 + static_cast<size_t>(words.Below(500));
    insert.Bind(i).Bind(words.Text(3)).Bind(int64_t{1'700'000'000}).Bind(words.Text(length));
    insert.Execute();
  }
  sql.Run("COMMIT");
}

}  // namespace strata::bench

#include <memory>
#include <random>

#include "bench/latencies.h"
#include "bench/workload.h"

// Workload 4: point and range reads while `frames` frames lie in the log, none of them
// checkpointed.
namespace strata::bench {
namespace {

constexpr int64_t kRangeRows = 100;

class Reads : public Workload {
 public:
  Reads(const Setup& setup, const Library& library)
      : setup_(setup),
        library_(library),
        rows_(setup.Number("rows", 100'000)),
        frames_(setup.Number("frames", 0)),
        row_bytes_(setup.Number("page_size", 4096) * 7 / 10) {}

  // One row a page, so that each update makes about one frame.
  void Prepare() override {
    RemoveDatabase(setup_);
    Fill();
    keeper_ = std::make_unique<Connection>(library_, setup_.Uri("checkpoint_bytes=1000000000000"));
    keeper_->Execute(
        "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; "
        "PRAGMA synchronous=NORMAL; PRAGMA cache_size=-64000");
    Update();
    reader_ = std::make_unique<Connection>(library_, setup_.Uri());
    reader_->Execute("PRAGMA cache_size=" + setup_.Text("cache_size", "100"));
    reader_->Number("SELECT count(*) FROM item");
  }

  nlohmann::json Round() override {
    Statement point(reader_.get(), "SELECT length(data) FROM item WHERE id=?1");
    Statement range(reader_.get(), "SELECT sum(length(data)) FROM item WHERE id>=?1 AND id<?2");
    const int64_t milliseconds = setup_.Number("milliseconds", 1000);
    nlohmann::json result;
    result["points_per_s"] = Rate("point", &result, milliseconds, [&](int64_t id) {
      if (!point.Bind(1, id).Step() || point.Column(0) != row_bytes_)
        throw BenchError("a row is not what was written");
      point.Reset();
    });
    result["ranges_per_s"] = Rate("range", &result, milliseconds, [&](int64_t id) {
      const int64_t from = std::min(id, rows_ - kRangeRows + 1);
      if (!range.Bind(1, from).Bind(2, from + kRangeRows).Step() ||
          range.Column(0) != row_bytes_ * kRangeRows) {
        throw BenchError("a range is not what was written");
      }
      range.Reset();
    });
    result["log_bytes"] = LogBytes(setup_);
    return result;
  }

 private:
  void Fill() {
    Connection filler(library_, "file:" + setup_.Database());
    filler.Execute("PRAGMA page_size=" + std::to_string(setup_.Number("page_size", 4096)));
    filler.Execute("PRAGMA synchronous=OFF; CREATE TABLE item(id INTEGER PRIMARY KEY, data BLOB)");
    filler.Execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<" +
                   std::to_string(rows_) + ") INSERT INTO item SELECT i, zeroblob(" +
                   std::to_string(row_bytes_) + ") FROM n");
  }

  void Update() {
    int64_t next = 0;
    for (int64_t done = 0; done < frames_;) {
      const int64_t count = std::min<int64_t>(frames_ - done, 1000);
      const int64_t first = next % rows_ + 1;
      keeper_->Execute("UPDATE item SET data=randomblob(" + std::to_string(row_bytes_) +
                       ") WHERE id>=" + std::to_string(first) + " AND id<" +
                       std::to_string(first + count));
      done += std::min(count, rows_ - first + 1);
      next += std::min(count, rows_ - first + 1);
    }
  }

  template <typename Read>
  double Rate(const std::string& what, nlohmann::json* result, int64_t milliseconds,
              const Read& read) {
    std::mt19937_64 random(11);
    const int64_t begin = Now();
    const int64_t processor = ProcessorTime();
    const int64_t end = begin + milliseconds * 1'000'000;
    int64_t count = 0;
    while (Now() < end) {
      read(static_cast<int64_t>(random() % static_cast<uint64_t>(rows_)) + 1);
      ++count;
    }
    (*result)["cpu_us_per_" + what] =
        static_cast<double>(ProcessorTime() - processor) / 1e3 / static_cast<double>(count);
    return static_cast<double>(count) / SecondsSince(begin);
  }

  const Setup setup_;
  const Library& library_;
  const int64_t rows_;
  const int64_t frames_;
  const int64_t row_bytes_;
  std::unique_ptr<Connection> keeper_;
  std::unique_ptr<Connection> reader_;
};

}  // namespace

std::unique_ptr<Workload> MakeReads(const Setup& setup, const Library& library) {
  return std::make_unique<Reads>(setup, library);
}

}  // namespace strata::bench

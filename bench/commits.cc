#include <memory>
#include <vector>

#include "bench/crew.h"
#include "bench/latencies.h"
#include "bench/workload.h"
#include "bench/writer.h"

// Workload 1: one-row inserts, each its own transaction, by `writers` connections on threads.
namespace strata::bench {
namespace {

class Commits : public Workload {
 public:
  Commits(const Setup& setup, const Library& library) : setup_(setup), library_(library) {}

  nlohmann::json Round() override {
    RemoveDatabase(setup_);
    nlohmann::json result;
    {
      Connection keeper(library_, setup_.Uri());  // so that no writer is the last to close
      CreateEventTable(setup_, &keeper);
      result = Measure();
      CheckRows(&keeper, static_cast<int64_t>(result["all_commits"]));
    }
    RemoveDatabase(setup_);
    return result;
  }

 private:
  nlohmann::json Measure() {
    const int64_t writers = setup_.Number("writers", 1);
    std::vector<WriterResult> results(static_cast<size_t>(writers));
    Crew crew;
    for (int64_t i = 0; i < writers; ++i) {
      crew.Add([this, i, &results](Crew* each) {
        Connection connection(library_, setup_.Uri());
        Writer writer(setup_, &connection, i);
        each->WaitForStart();
        results[static_cast<size_t>(i)] = writer.Run();
      });
    }
    const int64_t before = ProcessorTime();
    crew.Start();
    crew.Join();
    nlohmann::json summary = Summary(results);
    summary["cpu_us_per_commit"] =
        static_cast<double>(ProcessorTime() - before) / 1e3 / summary["all_commits"].get<double>();
    return summary;
  }

  const Setup setup_;
  const Library& library_;
};

}  // namespace

std::unique_ptr<Workload> MakeCommits(const Setup& setup, const Library& library) {
  return std::make_unique<Commits>(setup, library);
}

}  // namespace strata::bench

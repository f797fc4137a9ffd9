#include <memory>
#include <vector>

#include "bench/child.h"
#include "bench/latencies.h"
#include "bench/workload.h"
#include "bench/writer.h"

// Workload 2: workload 1 with every writer in a process of its own.
namespace strata::bench {
namespace {

std::string LatencyFile(const Setup& setup, int64_t number) {
  return setup.directory + "/latencies." + std::to_string(number);
}

class CommitProcesses : public Workload {
 public:
  CommitProcesses(const Setup& setup, const Library& library) : setup_(setup), library_(library) {}

  nlohmann::json Round() override {
    RemoveDatabase(setup_);
    {
      Connection creator(library_, setup_.Uri());
      CreateEventTable(setup_, &creator);
    }
    const nlohmann::json result = Measure();
    {
      Connection checker(library_, setup_.Uri());
      CheckRows(&checker, static_cast<int64_t>(result["all_commits"]));
    }
    RemoveDatabase(setup_);
    return result;
  }

 private:
  nlohmann::json Measure() {
    const int64_t writers = setup_.Number("writers", 1);
    std::vector<std::unique_ptr<Child>> children;
    for (int64_t i = 0; i < writers; ++i) {
      children.push_back(
          std::make_unique<Child>(setup_, "commit_process", "number=" + std::to_string(i)));
    }
    for (auto& child : children) child->ReadLine();  // ready
    for (auto& child : children) child->WriteLine("round");
    std::vector<WriterResult> results;
    for (int64_t i = 0; i < writers; ++i) {
      Child& child = *children[static_cast<size_t>(i)];
      const auto told = nlohmann::json::parse(child.ReadLine());
      results.push_back({Latencies::Load(LatencyFile(setup_, i)), told["all_commits"],
                         told["in_time"], told["seconds"]});
    }
    for (auto& child : children) child->WriteLine("end");
    for (auto& child : children) child->Wait();
    return Summary(results);
  }

  const Setup setup_;
  const Library& library_;
};

// One writer of it.
class CommitProcess : public Workload {
 public:
  CommitProcess(const Setup& setup, const Library& library) : setup_(setup), library_(library) {}

  void Prepare() override {
    connection_ = std::make_unique<Connection>(library_, setup_.Uri());
    writer_ = std::make_unique<Writer>(setup_, connection_.get(), setup_.Number("number", 0));
  }

  nlohmann::json Round() override {
    const WriterResult result = writer_->Run();
    result.latencies.Save(LatencyFile(setup_, setup_.Number("number", 0)));
    return {{"all_commits", result.all_commits},
            {"in_time", result.in_time},
            {"seconds", result.seconds}};
  }

 private:
  const Setup setup_;
  const Library& library_;
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<Writer> writer_;
};

}  // namespace

std::unique_ptr<Workload> MakeCommitProcesses(const Setup& setup, const Library& library) {
  return std::make_unique<CommitProcesses>(setup, library);
}

std::unique_ptr<Workload> MakeCommitProcess(const Setup& setup, const Library& library) {
  return std::make_unique<CommitProcess>(setup, library);
}

}  // namespace strata::bench

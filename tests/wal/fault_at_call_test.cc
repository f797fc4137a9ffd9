#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "tests/wal/log_world.h"

// Each I/O call of a workload fails once, or once and for ever, for every call. Whatever was
// acknowledged must be there when the log is opened again on a healthy disk, nothing may be half
// there, and no lock may stay held.
namespace strata::wal {
namespace {

// The states a database went through; commit k made one of states[k]: several are possible after an
// error as long as nothing can be read.
struct History {
  std::vector<std::vector<Versions>> states{{{}}};
  size_t acknowledged = 0;  // states up to here must survive,
  size_t synced = 0;  // these also when the log has failed: a NORMAL commit is not durable then

  void Note(const std::vector<PageVersion>& pages, uint32_t database_pages, Durability durability,
            bool is_acknowledged) {
    std::vector<Versions> possible;
    for (const Versions& before : states.back()) {
      Versions next = before;
      next.resize(database_pages);
      for (const PageVersion& each : pages) next[each.page - 1] = each.version;
      possible.push_back(std::move(next));
      if (!is_acknowledged) possible.push_back(before);
    }
    states.push_back(std::move(possible));
    if (is_acknowledged) acknowledged = states.size() - 1;
    if (is_acknowledged && durability == Durability::kFull) synced = acknowledged;
  }
  // A process that ends leaves what was synced when the log had stopped, and else everything.
  void End(bool stopped) {
    if (stopped) acknowledged = synced;
  }
  bool Has(const Versions& found) const {
    for (size_t i = acknowledged; i < states.size(); ++i) {
      if (std::find(states[i].begin(), states[i].end(), found) != states[i].end()) return true;
    }
    return false;
  }
};

class Workload {
 public:
  // Workload 0 takes every step in turn; the others take steps by their number, which is a seed.
  // `heals`: a disk that fails is well again two steps later.
  Workload(LogWorld* world, uint64_t number, bool heals)
      : world_(*world), number_(number), heals_(heals), random_(number) {}

  // About thirty operations; goes on after errors, as an application does.
  void Run() {
    for (int round = 0; round < 3; ++round) {
      if (world_.log == nullptr && !world_.Open().ok()) continue;
      const uint64_t steps = number_ == 0 ? kSteps : 4 + random_.Next64() % 8;
      Step(0);  // page 1 says what the pages of a database are
      for (uint64_t i = 1; i < steps; ++i) Step(number_ == 0 ? i : random_.Next64() % kSteps);
      history.End(world_.log->state().commits->failed());
      if (number_ == 0 ? round == 1 : random_.Next64() % 2 == 0) {
        world_.Crash();
      } else {
        world_.Close().IgnoreError();
      }
    }
  }

  History history;

 private:
  static constexpr uint64_t kSteps = 10;

  void Step(uint64_t step) {
    if (heals_ && world_.disk->faults_fired() > 0 && ++steps_since_fault_ == 3)
      world_.disk->ClearFaults();
    switch (step) {
      case 0:
        return Commit({{1, Next()}, {2, Next()}, {3, Next()}}, 3, Durability::kFull);
      case 1:
        return Commit({{3, Next()}}, 3, Durability::kNormal);
      case 2:
        return Rollback();
      case 3:
        return CommitWithSpill();
      case 4:
        return world_.Pass(200'000);
      case 5:
        return Commit({{4, Next()}, {2, Next()}}, 4, Durability::kFull);
      case 6:
        return Checkpoint();
      case 7:
        return Commit({{4, Next()}, {1, Next()}}, 4, Durability::kFull);
      case 8:
        return Commit({{1, Next()}}, 3, Durability::kFull);  // without page 4
      default:
        return world_.Pass(2'000'000);
    }
  }

  uint64_t Next() { return ++version_; }

  void Note(const std::vector<PageVersion>& pages, uint32_t database_pages, Durability durability,
            const absl::Status& status) {
    history.Note(pages, database_pages, durability, status.ok());
    if (!status.ok()) Look();
  }

  // After an error the outcome must be known and stay: what is read now is the state to go on from.
  void Look() {
    const absl::StatusOr<Versions> now = world_.Read();
    if (!now.ok()) return;  // unreadable at the moment
    EXPECT_TRUE(history.Has(*now));
    // A failed transaction may still be found whole after the process ends; it must not be built
    // upon.
    history.states.push_back({*now});
  }

  void Commit(const std::vector<PageVersion>& pages, uint32_t database_pages,
              Durability durability) {
    Note(pages, database_pages, durability, world_.CommitPages(pages, database_pages, durability));
  }

  void Rollback() {
    if (!BeginWrite(*world_.connection).ok()) return;
    Spill(*world_.connection, {{1, Next()}, {2, Next()}}).IgnoreError();
    world_.connection->Undo();
    End(*world_.connection);
  }

  void CommitWithSpill() {
    if (!BeginWrite(*world_.connection).ok()) return;
    const std::vector<PageVersion> spilled = {{2, Next()}, {3, Next()}};
    const std::vector<PageVersion> last = {{2, Next()}, {1, Next()}};
    absl::Status status = Spill(*world_.connection, spilled);
    if (status.ok()) status = wal::Commit(*world_.connection, last, 3, Durability::kFull);
    if (!status.ok()) world_.connection->Undo();
    End(*world_.connection);
    Note({spilled[1], last[0], last[1]}, 3, Durability::kFull, status);
  }

  void Checkpoint() {
    world_.log->Checkpoint(world_.log->state().commits->visible_frame(), true, false).IgnoreError();
  }

  LogWorld& world_;
  const uint64_t number_;
  const bool heals_;
  int steps_since_fault_ = 0;
  io::SeededRandom random_;
  uint64_t version_ = 0;
};

#ifdef STRATA_SANITIZED
constexpr uint64_t kWorkloads = 4;
#else
constexpr uint64_t kWorkloads = 50;
#endif

class FaultAtCallTest : public testing::TestWithParam<bool> {
 protected:
  enum class Fault { kOnce, kForAWhile, kForEver };
  static constexpr std::array<const char*, 3> kNames = {"once", "for a while", "for ever"};

  void RunWith(uint64_t number, uint64_t nth, Fault fault, const absl::Status& status) {
    LogWorld world;
    world.options.segment_bytes = 8192;
    world.disk->FailOperation(
        {.nth = nth, .status = status, .for_ever = fault != Fault::kOnce, .partial = nth % 2 == 1});
    Workload workload(&world, number, fault == Fault::kForAWhile);
    workload.Run();
    ASSERT_GT(world.disk->faults_fired(), 0u);
    world.Crash();
    world.disk->ClearFaults();
    const absl::Status opened = world.Open();
    ASSERT_TRUE(opened.ok()) << opened;
    const absl::StatusOr<Versions> found = world.Read();
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_TRUE(workload.history.Has(*found))
        << testing::PrintToString(*found) << " acknowledged "
        << testing::PrintToString(workload.history.states[workload.history.acknowledged]);
    EXPECT_TRUE(world.CommitPages({{1, 1000}}, 1).ok());
  }
};

uint64_t CallsOf(uint64_t number) {
  LogWorld world;
  world.options.segment_bytes = 8192;
  Workload workload(&world, number, false);
  workload.Run();
  return world.disk->call_count();
}

// Stands for diskfull.test and backup_ioerr.test of SQLite's suite.
TEST_P(FaultAtCallTest, EveryCallFailsOnceForAWhileAndForEver) {
  const absl::Status status = GetParam() ? absl::ResourceExhaustedError("injected ENOSPC")
                                         : absl::InternalError("injected EIO");
  for (uint64_t number = 0; number < kWorkloads; ++number) {
    const uint64_t calls = CallsOf(number);
    ASSERT_GT(calls, 50u);
    for (uint64_t nth = 0; nth < calls; ++nth) {
      for (Fault fault : {Fault::kOnce, Fault::kForAWhile, Fault::kForEver}) {
        SCOPED_TRACE(testing::Message() << "workload " << number << ", call " << nth << " "
                                        << kNames[static_cast<size_t>(fault)]);
        RunWith(number, nth, fault, status);
        if (HasFatalFailure() || HasNonfatalFailure()) return;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Errors, FaultAtCallTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "NoSpace" : "InputOutput"; });

}  // namespace
}  // namespace strata::wal

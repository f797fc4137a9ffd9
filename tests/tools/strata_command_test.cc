#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "segment/manifest_log.h"
#include "tests/compactor/store_fixture.h"

namespace strata::compactor {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

struct Outcome {
  int exit_code = -1;
  std::string output;  // stdout
  long max_resident_kib = 0;
};

class StrataCommand : public StoreFixture {
 protected:
  pid_t Start(std::vector<std::string> arguments, const std::string& output_path) {
    arguments.insert(arguments.begin(), STRATA_COMMAND);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    const pid_t child = fork();
    if (child == 0) {
      const int output = open(output_path.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
      dup2(output, STDOUT_FILENO);
      setenv("XDG_STATE_HOME", (directory() + "/state").c_str(), 1);
      execv(argv[0], argv.data());
      _exit(127);
    }
    return child;
  }

  Outcome Run(std::vector<std::string> arguments) {
    const std::string output_path = directory() + "/stdout.txt";
    const pid_t child = Start(std::move(arguments), output_path);
    int status = 0;
    rusage usage{};
    EXPECT_EQ(wait4(child, &status, 0, &usage), child);
    Outcome outcome;
    outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    outcome.max_resident_kib = usage.ru_maxrss;
    const std::vector<uint8_t> bytes = ReadFile(output_path);
    outcome.output.assign(bytes.begin(), bytes.end());
    return outcome;
  }

  Json RunJson(std::vector<std::string> arguments, int exit_code) {
    arguments.push_back("--json");
    Outcome outcome = Run(arguments);
    EXPECT_EQ(outcome.exit_code, exit_code) << outcome.output;
    return Json::parse(outcome.output, nullptr, false);
  }

  // As retention does at last.
  void Forget(const segment::SegmentKey& key) {
    ASSERT_TRUE(store().Delete(segment::BuildSegmentKey("app", key)).ok());
    segment::ManifestLog manifests(&store(), "app", &io::SystemClock(), &io::SystemRandom());
    segment::ManifestEdits edits;
    edits.forgets.insert(key);
    ASSERT_TRUE(manifests.Publish([&](const segment::ManifestEdits&) { return edits; }).ok());
  }

  ModelLog SmallLog() {
    ModelLog log(&store(), "app", 512);
    log.Claim(1, 1);
    log.ShipBase({log.Page(1), log.Page(2)});
    for (uint64_t i = 0; i < 5; ++i) {
      log.Commit({{1, log.Page(10 + i)}, {3, log.Page(20 + i)}}, 3);
      log.ShipSealed();
    }
    return log;
  }
};

TEST_F(StrataCommand, SaysWhatItIsAndRefusesWhatItDoesNotKnow) {
  EXPECT_EQ(Run({"--help"}).exit_code, 0);
  EXPECT_THAT(Run({"--version"}).output, HasSubstr("strata "));
  EXPECT_EQ(Run({"restore", "--help"}).exit_code, 0);
  EXPECT_EQ(Run({}).exit_code, 2);
  EXPECT_EQ(Run({"bogus"}).exit_code, 2);
  EXPECT_EQ(Run({"restore", "--store", url(), "app"}).exit_code, 2);
  EXPECT_EQ(Run({"points", "--store", "ftp://x", "app"}).exit_code, 2);
}

// A disk that is not mounted does not verify as fine.
TEST_F(StrataCommand, ADirectoryThatIsNotThereIsAnErrorOfEveryCommand) {
  const std::string nowhere = url() + "/not/mounted";
  for (const std::string command :
       {"verify", "status", "points", "segments", "analyze", "compact"}) {
    EXPECT_EQ(RunJson({command, "--store", nowhere, "app"}, 2)["error"]["code"], "NOT_FOUND")
        << command;
  }
  EXPECT_EQ(Run({"namespaces", "--store", nowhere}).exit_code, 2);
  EXPECT_EQ(Run({"restore", "--store", nowhere, "app", "-o", directory() + "/x"}).exit_code, 2);
  EXPECT_FALSE(std::filesystem::exists(directory() + "/store/not"));
}

TEST_F(StrataCommand, RestoresWhatWasAskedFor) {
  ModelLog log = SmallLog();
  const ModelLog::State& middle = log.states()[2];
  const std::string frame = std::to_string(middle.commit.frame.value() + 1);
  Json dry = RunJson(
      {"restore", "--store", url(), "app", "-o", OutputPath(), "--frame", frame, "--dry-run"}, 0);
  EXPECT_EQ(dry["commit"]["frame"], middle.commit.frame.value());
  EXPECT_GT(dry["bytes"], 0);
  EXPECT_FALSE(std::filesystem::exists(OutputPath()));

  Json done =
      RunJson({"restore", "--store", url(), "app", "-o", OutputPath(), "--frame", frame}, 0);
  EXPECT_EQ(done["exact"], false);
  EXPECT_EQ(done["next_commit"]["frame"], log.states()[3].commit.frame.value());
  EXPECT_EQ(done["digest_checked"], true);
  EXPECT_EQ(ReadFile(OutputPath()), middle.Bytes());

  EXPECT_EQ(Run({"restore", "--store", url(), "app", "-o", OutputPath()}).exit_code, 2);
  EXPECT_EQ(
      Run({"restore", "--store", url(), "app", "-o", OutputPath(), "--if-db-not-exists"}).exit_code,
      0);
  EXPECT_EQ(ReadFile(OutputPath()), middle.Bytes());
  const std::string time = done["next_commit"]["time"];
  EXPECT_EQ(
      Run({"restore", "--store", url(), "app", "-o", OutputPath(), "--force", "--timestamp", time})
          .exit_code,
      0);
  EXPECT_EQ(ReadFile(OutputPath()), log.states()[3].Bytes());
  EXPECT_EQ(Run({"restore", "--store", url(), "app", "-o", OutputPath(), "--force"}).exit_code, 0);
  EXPECT_EQ(ReadFile(OutputPath()), log.states().back().Bytes());

  EXPECT_EQ(
      Run({"restore", "--store", url(), "none", "-o", directory() + "/x", "--if-replica-exists"})
          .exit_code,
      0);
  EXPECT_EQ(Run({"restore", "--store", url(), "none", "-o", directory() + "/x"}).exit_code, 2);
  EXPECT_EQ(
      Run({"restore", "--store", url(), "app", "-o", directory() + "/x", "--timestamp", "today"})
          .exit_code,
      2);
}

TEST_F(StrataCommand, CompactAnalyzePointsAndSegmentsAgree) {
  ModelLog log = SmallLog();
  EXPECT_EQ(RunJson({"analyze", "--store", url(), "app"}, 0)["path"].size(), 6u);
  EXPECT_EQ(
      RunJson({"compact", "--store", url(), "app", "--strategy", "all", "--dry-run"}, 0)["merges"]
          .size(),
      1u);
  EXPECT_EQ(RunJson({"segments", "--store", url(), "app"}, 0)["segments"].size(), 6u);
  Json merged = RunJson({"compact", "--store", url(), "app", "--strategy", "all"}, 0);
  EXPECT_EQ(merged["merges"][0]["digest_checked"], true);
  EXPECT_EQ(RunJson({"segments", "--store", url(), "app"}, 0)["segments"].size(), 7u);
  EXPECT_EQ(RunJson({"analyze", "--store", url(), "app"}, 0)["path"].size(), 1u);
  EXPECT_THAT(Run({"analyze", "--store", url(), "app", "--dot"}).output, HasSubstr("digraph"));
  Json points = RunJson({"points", "--store", url(), "app", "--commits"}, 0);
  EXPECT_EQ(points["logs"][0]["commits"], log.states().size());
  EXPECT_EQ(points["logs"][0]["complete"], true);
}

TEST_F(StrataCommand, ARestoreListsNothingAndCountsItsRequests) {
  ModelLog log = SmallLog();
  ASSERT_EQ(Run({"compact", "--store", url(), "app", "--strategy", "all"}).exit_code, 0);
  const Json done = RunJson({"restore", "--store", url(), "app", "-o", OutputPath()}, 0);
  const Json& made = done["requests_made"];
  EXPECT_EQ(made["list"], 0);
  EXPECT_EQ(made["put"], 0);
  EXPECT_EQ(made["delete"], 0);
  EXPECT_GE(made["get"], 3);   // hint, the change behind it, the segment's end
  EXPECT_LE(made["get"], 10);  // and ranges of one segment for the timeline and the pages
  EXPECT_GT(made["bytes_received"], done["bytes"].get<uint64_t>() / 100);
}

TEST_F(StrataCommand, RetentionSaysWhatItWouldDoUnlessTold) {
  ModelLog log = SmallLog();
  ASSERT_EQ(Run({"compact", "--store", url(), "app", "--strategy", "all"}).exit_code, 0);
  EXPECT_EQ(Run({"retention", "app", "apply", "--store", url(), "--execute"}).exit_code, 2);
  EXPECT_EQ(Run({"retention", "app", "set", "1h:1m", "--store", url()}).exit_code, 2);
  EXPECT_EQ(Run({"pin", "app", "--frame", "4", "--name", "first", "--store", url()}).exit_code, 0);
  EXPECT_EQ(Run({"retention", "app", "set", "all:1h", "--store", url()}).exit_code, 0);
  const Json dry = RunJson({"retention", "app", "apply", "--store", url()}, 0);
  EXPECT_EQ(dry["executed"], false);
  EXPECT_EQ(dry["marked"].size(), 4u);  // all but the base, the pinned commit's and the merged one
  EXPECT_EQ(RunJson({"segments", "--store", url(), "app"}, 0)["segments"].size(), 7u);
  EXPECT_EQ(
      RunJson({"retention", "app", "apply", "--store", url(), "--execute"}, 0)["marked"].size(),
      4u);
  EXPECT_EQ(RunJson({"segments", "--store", url(), "app"}, 0)["segments"].size(), 3u);
  const Json points = RunJson({"points", "--store", url(), "app", "--commits"}, 0);
  EXPECT_EQ(points["logs"][0]["commits"], 3u);
  EXPECT_EQ(RunJson({"verify", "--store", url(), "app"}, 0)["ok"], true);
}

TEST_F(StrataCommand, DamageIsFoundAndSaid) {
  ModelLog log = SmallLog();
  EXPECT_EQ(RunJson({"verify", "--store", url()}, 0)["ok"], true);
  auto segments = segment::ListSegments(store(), "app", log.log_id());
  const std::string object = segment::BuildSegmentKey("app", segments->back().key);
  Json inspected = RunJson({"inspect", FileOf(object), "--verify"}, 0);
  EXPECT_EQ(inspected["header"]["state"], "sealed");
  std::filesystem::resize_file(FileOf(object), std::filesystem::file_size(FileOf(object)) - 1);
  Json report = RunJson({"verify", "--store", url(), "app"}, 1);
  EXPECT_EQ(report["namespaces"][0]["findings"][0]["object"], object);
  EXPECT_EQ(RunJson({"verify", "--store", url(), "app", "--restore-test"}, 1)["ok"], false);
  EXPECT_EQ(Run({"verify", "--store", url(), "--restore-test", "--full"}).exit_code, 2);
  EXPECT_EQ(RunJson({"restore", "--store", url(), "app", "-o", OutputPath()}, 1)["error"]["code"],
            "DATA_LOSS");
  ASSERT_TRUE(store().Delete(segment::BuildSegmentKey("app", (*segments)[2].key)).ok());
  EXPECT_EQ(Run({"analyze", "--store", url(), "app"}).exit_code, 1);
}

TEST_F(StrataCommand, MonitoredNamespacesAreSyncedAndForgotten) {
  const ModelLog log = SmallLog();
  const std::string meta = directory() + "/state/strata/meta.db";
  EXPECT_EQ(RunJson({"monitor", "--store", url(), "app"}, 0)["segments_read"], 6u);
  EXPECT_TRUE(std::filesystem::exists(meta));
  EXPECT_EQ(Run({"monitor", "--store", url(), "app"}).exit_code, 2);
  EXPECT_EQ(RunJson({"sync", "--store", url(), "app"}, 0)["namespaces"][0]["segments_read"], 0u);
  EXPECT_EQ(RunJson({"sync", "--store", url(), "--full"}, 0)["namespaces"][0]["segments_read"], 6u);
  EXPECT_EQ(RunJson({"compact", "--store", url(), "app", "--strategy", "all"}, 0)["merges"].size(),
            1u);
  EXPECT_EQ(RunJson({"segments", "--store", url(), "app", "--cached"}, 0)["segments"].size(), 7u);
  EXPECT_EQ(RunJson({"analyze", "--store", url(), "app", "--cached"}, 0)["path"].size(), 1u);
  Json points = RunJson({"points", "--store", url(), "app", "--cached"}, 0);
  EXPECT_EQ(points["logs"][0]["complete"], true);
  EXPECT_EQ(points["logs"][0]["stretches"].back()["last_frame"], log.last_frame().value());
  EXPECT_EQ(Run({"points", "--store", url(), "app", "--cached", "--commits"}).exit_code, 2);
  std::filesystem::rename(directory() + "/store", directory() + "/away");
  EXPECT_EQ(RunJson({"points", "--store", url(), "app", "--cached"}, 0), points);
  std::filesystem::rename(directory() + "/away", directory() + "/store");
  EXPECT_EQ(RunJson({"namespaces", "--store", url()}, 0)["namespaces"][0]["monitored"], true);
  EXPECT_EQ(Run({"unmonitor", "--store", url(), "app"}).exit_code, 0);
  EXPECT_EQ(RunJson({"namespaces", "--store", url()}, 0)["namespaces"][0]["monitored"], false);
  EXPECT_EQ(Run({"unmonitor", "--store", url(), "app"}).exit_code, 2);
}

TEST_F(StrataCommand, StatusTellsTheWindowAndWhatEndedHow) {
  ModelLog log = SmallLog();
  EXPECT_EQ(Run({"status", "--store", url(), "nobody"}).exit_code, 2);
  Json status = RunJson({"status", "--store", url()}, 0)["namespaces"][0];
  EXPECT_EQ(status["last"]["frame"], log.states().back().commit.frame.value());
  EXPECT_EQ(status["first"]["frame"], log.states().front().commit.frame.value());
  EXPECT_EQ(status["segments"], 6u);
  EXPECT_EQ(status["verifications"]["done"], 0u);
  ASSERT_EQ(Run({"monitor", "--store", url(), "app"}).exit_code, 0);
  ASSERT_EQ(Run({"verify", "--store", url(), "app"}).exit_code, 0);
  ASSERT_EQ(Run({"compact", "--store", url(), "app"}).exit_code, 0);
  auto segments = segment::ListSegments(store(), "app", log.log_id());
  const std::string object = segment::BuildSegmentKey("app", segments->back().key);
  std::filesystem::resize_file(FileOf(object), std::filesystem::file_size(FileOf(object)) - 1);
  ASSERT_EQ(Run({"verify", "--store", url(), "app"}).exit_code, 1);
  status = RunJson({"status", "--store", url(), "app"}, 1).value("namespaces", Json::array());
  EXPECT_TRUE(status.empty());  // the window's end cannot be read: an error, not a guess
}

TEST_F(StrataCommand, MetricsAreReplacedAsAWhole) {
  SmallLog();
  ASSERT_EQ(Run({"monitor", "--store", url(), "app"}).exit_code, 0);
  ASSERT_EQ(Run({"verify", "--store", url(), "app"}).exit_code, 0);
  const std::string path = directory() + "/strata.prom";
  for (int i = 0; i < 2; ++i)
    ASSERT_EQ(Run({"status", "--store", url(), "--prometheus", "-o", path}).exit_code, 0);
  const std::vector<uint8_t> bytes = ReadFile(path);
  const std::string text(bytes.begin(), bytes.end());
  EXPECT_THAT(text, HasSubstr("# TYPE strata_store_last_frame gauge\n"
                              "strata_store_last_frame{namespace=\"app\"} 12\n"));
  EXPECT_THAT(text, HasSubstr("strata_verifications_last_ok{namespace=\"app\"} 1\n"));
  EXPECT_EQ(text, Run({"status", "--store", url(), "--prometheus"}).output);
}

class LargeDatabase : public StrataCommand {
 protected:
  // Of STRATA_TEST_LARGE_MIB, 256 without it: several times what may be resident.
  void Fill() {
    const char* wanted = std::getenv("STRATA_TEST_LARGE_MIB");
    const uint32_t pages = static_cast<uint32_t>(wanted == nullptr ? 256 : std::atoi(wanted)) * 256;
    ModelLog log(&store(), "app", 4096);
    log.Claim(1, 1);
    std::mt19937 random(1);
    for (uint32_t begin = 1; begin <= pages; begin += 4096) {
      std::map<uint32_t, PageBytes> changed;
      for (uint32_t p = begin; p < begin + 4096 && p <= pages; ++p) changed[p] = log.Page(p);
      for (int i = 0; i < 64; ++i) changed[1 + random() % begin] = log.Page(random());
      log.Commit(changed, std::min(pages, begin + 4095));
      log.ForgetOldStates();
      log.ShipSealed();
    }
  }

  // In a process of its own: what this one ever held would count as its children's.
  void FillElsewhere() {
    const pid_t child = fork();
    if (child == 0) {
      Fill();
      _exit(HasFailure() ? 1 : 0);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
  }
};

TEST_F(LargeDatabase, IsCompactedRestoredAndVerifiedInBoundedMemory) {
#if defined(STRATA_SANITIZED)
  GTEST_SKIP() << "the sanitizers' own memory is not what is measured";
#endif
  FillElsewhere();
  constexpr long kLimitKib = 96 << 10;
  Outcome before = Run({"restore", "--store", url(), "app", "-o", OutputPath()});
  EXPECT_EQ(before.exit_code, 0) << before.output;
  EXPECT_LT(before.max_resident_kib, kLimitKib);
  Outcome compacted = Run({"compact", "--store", url(), "app", "--strategy", "all"});
  EXPECT_EQ(compacted.exit_code, 0) << compacted.output;
  EXPECT_LT(compacted.max_resident_kib, kLimitKib);
  Outcome after = Run({"restore", "--store", url(), "app", "-o", OutputPath(), "--force"});
  EXPECT_EQ(after.exit_code, 0) << after.output;
  EXPECT_LT(after.max_resident_kib, kLimitKib);
  Outcome verified = Run({"verify", "--store", url(), "app", "--full"});
  // The pages are made up, which SQLite's own check finds, after all others have passed.
  EXPECT_EQ(verified.exit_code, 1) << verified.output;
  EXPECT_THAT(verified.output, HasSubstr("file is not a database"));
  EXPECT_THAT(verified.output, HasSubstr("17 digests recomputed, latest state restored"));
  EXPECT_LT(verified.max_resident_kib, kLimitKib);
  std::cout << "resident KiB: restore " << before.max_resident_kib << ", compact "
            << compacted.max_resident_kib << ", restore " << after.max_resident_kib << ", verify "
            << verified.max_resident_kib << "\n";
}

// The process is killed after a random time, again and again; each time the store is whole and
// restores.
TEST_F(StrataCommand, ACompactionKilledAtAnyPointLeavesTheOldStateOrTheNew) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  ModelLog log(&store(), "app", 4096);
  log.Claim(1, 1);
  log.StartManifests();
  for (uint32_t begin = 1; begin <= 1024; begin += 128) {
    std::map<uint32_t, PageBytes> changed;
    for (uint32_t p = begin; p < begin + 128; ++p) changed[p] = log.Page(p);
    log.Commit(changed, begin + 127);
    log.ForgetOldStates();
    log.ShipSealed();
  }
  int killed = 0;
  for (int round = 0; round < 25; ++round) {
    const pid_t child = Start({"compact", "--store", url(), "app", "--strategy", "all"},
                              directory() + "/stdout.txt");
    usleep(random() % 60'000);
    kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    killed += WIFSIGNALED(status) ? 1 : 0;
    auto segments = segment::ListSegments(store(), "app", log.log_id());
    ASSERT_TRUE(segments.ok()) << segments.status();
    ASSERT_TRUE(segments->size() == 8 || segments->size() == 9);
    EXPECT_TRUE(VerifyNow(VerifyDepth::kQuick).findings.empty());
    ASSERT_EQ(*RestoredAt(), log.states().back().Bytes());
    if (segments->size() == 9) {
      Forget({log.log_id(), segment::FrameNo(1), log.last_frame(), segment::Epoch(1), 1});
    }
  }
  EXPECT_GT(killed, 0);
}

}  // namespace
}  // namespace strata::compactor

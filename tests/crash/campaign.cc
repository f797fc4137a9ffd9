#include "tests/crash/campaign.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "io/random.h"

namespace strata::crash {

using support::CrashOptions;
using support::CrashPolicy;
using support::SimulatedDisk;

namespace {

// One life of a machine: from an opened log to a power cut.
struct Life {
  std::unique_ptr<SimulatedDisk> disk;
  Trace trace;
  uint64_t next_version = 1;
};

class Campaign {
 public:
  Campaign(const Workload& workload, const CampaignOptions& options)
      : workload_(workload),
        options_(options),
        random_(options.seed),
        check_(workload, random_.Next64()) {
    check_.Swallow(options.swallow);
  }

  CampaignResult Run(const std::vector<Step>* steps) {
    std::optional<Life> life = FirstLife();
    for (int generation = 0; life.has_value() && generation < options_.generations; ++generation) {
      where_ = absl::StrCat("generation ", generation);
      life = Live(*std::move(life), steps);
    }
    result_.faults += check_.faults();
    result_.checks += check_.counts();
    return std::move(result_);
  }

 private:
  Life FirstLife() {
    auto disk = std::make_unique<SimulatedDisk>();
    DatabaseState state(workload_.page_size);
    absl::Status status = disk->CreateDirectory("/db");
    if (workload_.initial_pages > 0) {
      auto file = disk->Open(kDatabasePath, io::OpenMode::kCreate);
      std::vector<uint8_t> page(workload_.page_size);
      for (uint32_t number = 1; number <= workload_.initial_pages; ++number) {
        state.Resize(number);
        state.Set(number, number);
        FillPage(number, number, absl::MakeSpan(page));
        status.Update((*file)->Write(static_cast<uint64_t>(number - 1) * page.size(), page));
      }
    }
    if (!status.ok()) result_.violation = status.ToString();
    auto durable = std::make_unique<SimulatedDisk>(disk->CurrentTree());
    return {std::move(durable), Trace(state, workload_.initial_pages), 1000};
  }

  // Runs the workload, then cuts the power everywhere. The next life starts on one of the images.
  std::optional<Life> Live(Life life, const std::vector<Step>* steps) {
    Driver driver(life.disk.get(), workload_, random_.Next64(), std::move(life.trace),
                  life.next_version);
    driver.sites().Swallow(options_.swallow);
    driver.Open();
    const size_t count = steps != nullptr ? steps->size() : static_cast<size_t>(options_.steps);
    for (size_t i = 0; i < count && driver.failure().empty(); ++i) {
      driver.Run(steps != nullptr ? (*steps)[i] : driver.RandomStep());
    }
    Account(driver, *life.disk);
    if (!driver.failure().empty()) {
      Violated(driver.failure());
      return std::nullopt;
    }
    return CutEverywhere(*life.disk, driver);
  }

  void Account(const Driver& driver, const SimulatedDisk& disk) {
    result_.commits += driver.trace().commits().size() - 1;
    result_.failed_syncs += disk.faults_fired();
    result_.revivals += driver.revivals();
    for (int i = 0; i < kStepKinds; ++i) result_.steps[i] += driver.count(static_cast<Step>(i));
    for (const auto& [site, times] : driver.sites().seen()) result_.sync_sites[site] += times;
  }

  void Violated(const std::string& what) {
    result_.violation = absl::StrCat("workload ", workload_.name, ", seed ", options_.seed, ", ",
                                     where_, ": ", what);
  }

  std::optional<Life> CutEverywhere(const SimulatedDisk& disk, const Driver& driver) {
    const Trace& trace = driver.trace();
    support::ImageBuilder builder(disk);
    const uint64_t chosen =
        builder.operation_count() / 4 + random_.Next64() % (builder.operation_count() * 3 / 4 + 1);
    std::optional<Life> next;
    for (uint64_t k = 0; k <= builder.operation_count(); ++k) {
      builder.AdvanceTo(k);
      ++result_.cuts;
      if (!CutHere(builder, trace)) return std::nullopt;
      if (k == chosen) next = NextLife(builder, trace, driver.next_version());
      if (!result_.violation.empty()) return std::nullopt;
      if (check_.counts().images >= options_.stop_after_images) return std::nullopt;
    }
    return next;
  }

  bool CutHere(support::ImageBuilder& builder, const Trace& trace) {
    if (!CheckOne(builder, trace, {0, CrashPolicy::kKeepAll, workload_.damage},
                  Trace::Promise::kProcess))
      return false;
    if (!workload_.power_cuts || !builder.HasPending()) return true;
    if (!CheckOne(builder, trace, {0, CrashPolicy::kDropUnsynced, workload_.damage},
                  Trace::Promise::kPower))
      return false;
    for (int i = 0; i < options_.images_per_cut; ++i) {
      const CrashOptions random{random_.Next64(), CrashPolicy::kRandom, workload_.damage};
      if (!CheckOne(builder, trace, random, Trace::Promise::kPower)) return false;
    }
    return true;
  }

  bool CheckOne(support::ImageBuilder& builder, const Trace& trace, const CrashOptions& crash,
                Trace::Promise promise) {
    // What a failed sync has given up is gone from this image, but a process that ends does not
    // lose it.
    if (promise == Trace::Promise::kProcess && workload_.failing_syncs)
      promise = Trace::Promise::kPower;
    const auto image = builder.Build(crash, &result_.faults);
    const bool thorough = check_.counts().images % options_.thorough_every == 0;
    std::string wrong;
    if (trace.WasClosed(builder.position()) && image->Stat(kLogPath).ok())
      wrong = "a removed log is back";
    if (wrong.empty()) wrong = check_.Run(*image, trace, promise, builder.position(), thorough);
    if (wrong.empty()) return true;
    Violated(absl::StrCat("cut after ", builder.Where(), ", image ", static_cast<int>(crash.policy),
                          " of seed ", crash.seed, ": ", wrong));
    return false;
  }

  std::optional<Life> NextLife(support::ImageBuilder& builder, const Trace& trace,
                               uint64_t next_version) {
    const auto policy = workload_.power_cuts ? CrashPolicy::kRandom : CrashPolicy::kKeepAll;
    const CrashOptions crash{random_.Next64(), policy, workload_.damage};
    auto image = builder.Build(crash, &result_.faults);
    auto again = builder.Build(crash);
    const std::string wrong =
        check_.Run(*again, trace, Trace::Promise::kPower, builder.position(), false);
    if (!wrong.empty()) {
      Violated(wrong);
      return std::nullopt;
    }
    return Life{std::move(image), trace.After(check_.found()), next_version};
  }

  const Workload workload_;
  const CampaignOptions options_;
  io::SeededRandom random_;
  ImageCheck check_;
  CampaignResult result_;
  std::string where_;
};

}  // namespace

void CampaignResult::Add(const CampaignResult& other) {
  if (violation.empty()) violation = other.violation;
  faults += other.faults;
  checks += other.checks;
  cuts += other.cuts;
  commits += other.commits;
  failed_syncs += other.failed_syncs;
  revivals += other.revivals;
  for (int i = 0; i < kStepKinds; ++i) steps[i] += other.steps[i];
  for (const auto& [site, times] : other.sync_sites) sync_sites[site] += times;
}

CampaignResult RunCampaign(const Workload& workload, const CampaignOptions& options) {
  return Campaign(workload, options).Run(nullptr);
}

CampaignResult RunSteps(const Workload& workload, const std::vector<Step>& steps,
                        const CampaignOptions& options) {
  CampaignOptions once = options;
  once.generations = 1;
  return Campaign(workload, once).Run(&steps);
}

}  // namespace strata::crash

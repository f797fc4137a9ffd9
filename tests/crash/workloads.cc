#include "tests/crash/workloads.h"

namespace strata::crash {

using wal::Durability;

namespace {

// Files so small that they follow each other after a few commits.
Workload Small(std::string name, uint32_t page_size) {
  Workload workload;
  workload.name = std::move(name);
  workload.page_size = page_size;
  workload.options.background = false;
  workload.options.segment_bytes = 12 * page_size;
  workload.options.seal_bytes = 16 * page_size;
  workload.options.checkpoint_bytes = 20 * page_size;
  workload.options.unsynced_bytes = 24 * page_size;
  return workload;
}

Workload Padded(std::string name, uint32_t page_size) {
  Workload workload = Small(std::move(name), page_size);
  workload.options.pad_blocks = true;
  workload.damage = support::DamageModel::kNoPowerSafeOverwrite;
  return workload;
}

Workload WithStore(Workload workload, uint32_t initial_pages) {
  workload.store = true;
  workload.initial_pages = initial_pages;
  return workload;
}

Workload WithFailingSyncs(Workload workload) {
  workload.failing_syncs = true;
  return workload;
}

Workload With(Workload workload, std::vector<Durability> levels) {
  workload.levels = std::move(levels);
  return workload;
}

Workload Off(Workload workload) {
  workload.power_cuts = false;
  return With(std::move(workload), {Durability::kOff});
}

Workload Adopted(Workload workload) {
  workload.initial_pages = 7;
  return workload;
}

Workload TwoProcesses(Workload workload) {
  workload.two_processes = true;
  workload.options.idle_owner_us = 0;
  return workload;
}

Workload LargeFiles(Workload workload) {
  workload.options.segment_bytes = 1 << 20;
  return workload;
}

// Files long enough that most commits go where a file was written before: those that wait for a
// sync are written with it.
Workload InPlace(Workload workload) {
  workload.options.segment_bytes = 4096 + 30 * (workload.page_size + 64);
  workload.levels = {Durability::kFull, Durability::kFull, Durability::kNormal};
  return workload;
}

}  // namespace

std::vector<Workload> AllWorkloads() {
  return {
      Small("mixed", 512),
      With(Small("full", 512), {Durability::kFull}),
      With(Small("normal", 512), {Durability::kNormal}),
      Off(Small("off", 512)),
      Small("mixed-4096", 4096),
      Adopted(Small("adopted", 512)),
      LargeFiles(Small("large-files", 512)),
      InPlace(Small("in-place", 512)),
      InPlace(WithFailingSyncs(Small("in-place-failing-syncs", 512))),
      InPlace(TwoProcesses(Small("in-place-two-processes", 512))),
      InPlace(TwoProcesses(WithFailingSyncs(Small("in-place-two-processes-failing-syncs", 512)))),
      InPlace(WithStore(Padded("in-place-store-padded", 512), 5)),
      Padded("padded", 512),
      Padded("padded-4096", 4096),
      LargeFiles(Padded("padded-large-files", 512)),
      WithStore(Small("store", 512), 0),
      WithStore(Small("store-adopted", 512), 7),
      WithStore(Padded("store-padded", 512), 5),
      WithFailingSyncs(Small("failing-syncs", 512)),
      WithFailingSyncs(Adopted(Small("failing-syncs-4096", 4096))),
      WithFailingSyncs(WithStore(Small("failing-syncs-store", 512), 3)),
      WithFailingSyncs(Padded("failing-syncs-padded", 512)),
      TwoProcesses(Small("two-processes", 512)),
      TwoProcesses(Adopted(LargeFiles(Small("two-processes-adopted", 512)))),
      TwoProcesses(With(Small("two-processes-normal", 512), {Durability::kNormal})),
      TwoProcesses(Off(Small("two-processes-off", 512))),
      TwoProcesses(Padded("two-processes-padded", 512)),
      TwoProcesses(WithStore(Small("two-processes-store", 512), 3)),
      TwoProcesses(WithFailingSyncs(Small("two-processes-failing-syncs", 512))),
  };
}

}  // namespace strata::crash

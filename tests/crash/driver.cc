#include "tests/crash/driver.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "io/status_macros.h"

namespace strata::crash {

using segment::FrameNo;
using segment::PageNo;
using wal::Durability;

namespace {

constexpr uint32_t kMaxPages = 24;
constexpr int kConnections = 3;

struct Weight {
  Step step;
  uint64_t weight;
  bool store_only = false;
  bool faults_only = false;
  bool processes_only = false;
};

constexpr Weight kWeights[] = {
    {Step::kCommit, 24},
    {Step::kSpilledCommit, 12},
    {Step::kRollback, 6},
    {Step::kSavepoint, 6},
    {Step::kEmpty, 2},
    {Step::kCheckpoint, 6},
    {Step::kTruncate, 3},
    {Step::kQuiet, 7},
    {Step::kSeal, 8, true},
    {Step::kSync, 3},
    {Step::kReader, 6},
    {Step::kKill, 3},
    {Step::kClose, 3},
    {Step::kKeepOpen, 1},
    {Step::kFailSync, 8, false, true},
    {Step::kSwitch, 30, false, false, true},
};

}  // namespace

const char* NameOf(Step step) {
  constexpr const char* kNames[] = {"commit",
                                    "spilled commit",
                                    "rollback",
                                    "savepoint",
                                    "empty transaction",
                                    "checkpoint",
                                    "truncate",
                                    "quiet",
                                    "seal",
                                    "sync",
                                    "reader",
                                    "kill",
                                    "close",
                                    "close keeping the log",
                                    "failing sync",
                                    "another process"};
  return kNames[static_cast<int>(step)];
}

Driver::Driver(support::SimulatedDisk* disk, const Workload& workload, uint64_t seed, Trace trace,
               uint64_t first_version)
    : disk_(*disk),
      workload_(workload),
      sites_(disk),
      random_(seed),
      trace_(std::move(trace)),
      next_version_(first_version) {}

Driver::~Driver() { Kill(); }

void Driver::Fail(const std::string& what) {
  if (failure_.empty()) failure_ = absl::StrCat("while running ", running_, ": ", what);
}

bool Driver::Fine(const absl::Status& status, const char* what) {
  if (status.ok()) return true;
  broken_ = now_.log == nullptr;
  if (disk_.faults_fired() == faults_before_) Fail(absl::StrCat(what, ": ", status.ToString()));
  return false;
}

Step Driver::RandomStep() {
  uint64_t total = 0;
  const auto usable = [&](const Weight& each) {
    return (!each.store_only || workload_.store) &&
           (!each.faults_only || workload_.failing_syncs) &&
           (!each.processes_only || workload_.two_processes);
  };
  for (const Weight& each : kWeights) total += usable(each) ? each.weight : 0;
  uint64_t at = Below(total);
  for (const Weight& each : kWeights) {
    if (!usable(each)) continue;
    if (at < each.weight) return each.step;
    at -= each.weight;
  }
  return Step::kCommit;
}

void Driver::Open() {
  running_ += " open";
  now_.host = std::make_unique<Host>(&sites_, workload_, random_.Next64());
  faults_before_ = disk_.faults_fired();
  broken_ = false;
  absl::StatusOr<std::shared_ptr<wal::Log>> log = now_.host->Open();
  if (!Fine(log.status(), "open")) return;
  now_.log = *std::move(log);
  now_.log->ownership().set_listening(true);  // Run hands over
  for (int i = 0; i < kConnections; ++i)
    now_.connections.push_back(std::make_unique<wal::Connection>(now_.log));
  const absl::StatusOr<Content> content = ReadContent(sites_, now_.log, workload_.page_size);
  if (!Fine(content.status(), "read after open")) return;
  const Trace::Verdict verdict =
      trace_.Judge(content->digest, content->frame, Trace::Promise::kProcess, Now());
  if (!verdict.violation.empty()) return Fail(verdict.violation);
  trace_.AtFrame(*verdict.commit, content->frame);
  trace_.Found(*verdict.commit, Now());
  // What is served is durable, whatever its committer asked for; what another process still owes is
  // not.
  if (workload_.power_cuts && now_.log->state().attachment->is_first())
    trace_.Promised(Trace::Promise::kPower, *verdict.commit, Now());
}

void Driver::Kill() {
  reader_.reset();
  KillCurrent();
  std::swap(now_, other_);
  KillCurrent();
  for (Process& process : graveyard_) process.connections.clear();
  graveyard_.clear();
}

// The memory of the process stays until no other one is there: its destruction is no part of a
// death.
void Driver::KillCurrent() {
  if (now_.log != nullptr) {
    now_.log->Die();
    if (reader_ != nullptr && &reader_->log() == now_.log.get())
      now_.connections.push_back(std::move(reader_));
    graveyard_.push_back(std::move(now_));
  }
  now_ = Process();
}

void Driver::RunSwitch() {
  now_.log->HandOver();
  std::swap(now_, other_);
  if (now_.log == nullptr) Open();
}

// A log that stopped takes writes again as soon as syncs succeed: for whoever writes next, in the
// process whose sync failed, in another one, or when the first one died of it.
void Driver::RunStopped() {
  running_ = absl::StrCat("revival before operation ", Now());
  const uint64_t choice = Below(4);
  if (choice == 3) {
    before_given_up_.reset();
    Kill();
    return Open();
  }
  if (other_.log != nullptr && choice > 0) {
    if (choice == 1) now_.log->HandOver();
    if (choice == 2) KillCurrent();
    std::swap(now_, other_);
  }
  Revive();
}

// Whoever takes the lock over from a process that died has syncs to make, which may fail.
bool Driver::LockForWrite(wal::Connection& connection) {
  const wal::WriteLock::Outcome outcome = connection.LockForWrite(0, nullptr);
  if (outcome == wal::WriteLock::Outcome::kFailed)
    return Fine(connection.lock_failure(), "write lock");
  if (outcome != wal::WriteLock::Outcome::kAcquired) Fail("the write lock is held");
  return outcome == wal::WriteLock::Outcome::kAcquired;
}

void Driver::Revive() {
  ++revivals_;
  const uint64_t begun = Now();
  wal::Connection& connection = AnyConnection();
  if (!LockForWrite(connection)) return;
  connection.UnlockForWrite();
  if (now_.log->state().commits->failed())
    return Fail(absl::StrCat("still stopped: ", now_.log->state().commits->failure().message()));
  if (before_given_up_.has_value()) trace_.Found(*before_given_up_, Now());
  before_given_up_.reset();
  // What was given up has become a commit that changes nothing.
  const uint64_t end = now_.log->state().commits->visible_frame().value();
  if (end > trace_.last().frame)
    trace_.Append({trace_.last().state, end, begun, Trace::kNever, running_});
  wal::Connection after(now_.log);
  if (Fine(after.BeginRead().status(), "begin read"))
    Look(after, trace_.last().state.digest(), "a revived log");
}

void Driver::Run(Step step) {
  if (!failure_.empty()) return;
  if (broken_) step = Step::kKill;
  if (!broken_ && now_.log->state().commits->failed()) {
    RunStopped();
    if (!failure_.empty() || broken_) return;
  }
  ++counts_[static_cast<int>(step)];
  running_ = absl::StrCat(NameOf(step), " before operation ", Now());
  switch (step) {
    case Step::kCommit:
    case Step::kSpilledCommit:
    case Step::kRollback:
    case Step::kSavepoint:
    case Step::kEmpty:
      RunTransaction(step);
      break;
    case Step::kCheckpoint:
    case Step::kTruncate:
      RunCheckpoint(step == Step::kTruncate);
      break;
    case Step::kQuiet:
    case Step::kSeal:
      now_.host->clock().Advance(step == Step::kSeal ? 2'000'000 : 150'000);
      sites_.set_phase(SyncSites::Phase::kBackground);
      now_.log->RunMaintenance();
      sites_.set_phase(SyncSites::Phase::kRunning);
      break;
    case Step::kSync: {
      const absl::Status synced = now_.log->state().commits->SyncNow();
      if (!absl::IsUnavailable(synced)) Fine(synced, "sync");  // else it is another process's
      break;
    }
    case Step::kReader:
      RunReader();
      break;
    case Step::kKill:
      if (other_.log == nullptr || broken_) {
        Kill();
        Open();
      } else {
        KillCurrent();
        std::swap(now_, other_);
      }
      break;
    case Step::kSwitch:
      RunSwitch();
      break;
    case Step::kClose:
    case Step::kKeepOpen:
      RunClose(step == Step::kClose);
      break;
    case Step::kFailSync:
      // The second one is that of the new file, as a rule: the log stops.
      sites_.FailSyncAfter(
          Below(4), [this] { disk_.FailOperation({.nth = 0, .calls = support::kSyncCall}); },
          Chance(40) ? 2 : 1);
      break;
  }
  NoteSynced();
}

void Driver::NoteSynced() {
  if (now_.log == nullptr || !workload_.power_cuts) return;
  trace_.PromisedUpToFrame(Trace::Promise::kPower, now_.log->state().commits->synced().value(),
                           Now());
}

wal::Connection& Driver::AnyConnection() {
  return *now_.connections[Below(now_.connections.size())];
}

void Driver::Grow(Draft* draft, uint32_t pages) {
  for (uint32_t page = draft->state.pages() + 1; page <= pages; ++page) {
    draft->state.Resize(page);
    draft->state.Set(page, next_version_++);
  }
}

void Driver::Change(Draft* draft) {
  const uint32_t pages = draft->state.pages();
  if (pages == 0 || (pages < kMaxPages && Chance(35))) {
    Grow(draft, std::min<uint32_t>(kMaxPages, pages + 1 + static_cast<uint32_t>(Below(5))));
  } else if (pages > 2 && Chance(15)) {
    draft->state.Resize(1 + static_cast<uint32_t>(Below(pages - 1)));
  }
  for (uint64_t i = 1 + Below(4); i > 0; --i) {
    draft->state.Set(1 + static_cast<uint32_t>(Below(draft->state.pages())), next_version_++);
  }
}

std::vector<uint32_t> Driver::Dirty(const Draft& draft) const {
  std::vector<uint32_t> dirty;
  const DatabaseState& base = trace_.last().state;
  const auto changed = [&](uint32_t page) {
    return base.version(page) != draft.state.version(page);
  };
  for (uint32_t page = 1; page <= draft.state.pages(); ++page) {
    const auto logged = draft.in_log.find(page);
    const bool known = logged != draft.in_log.end();
    if (known ? logged->second != draft.state.version(page)
              : SharesBlock(page, draft.state.pages(), changed)) {
      dirty.push_back(page);
    }
  }
  return dirty;
}

// Without power-safe overwrite SQLite writes all pages of a sector when it writes one.
bool Driver::SharesBlock(uint32_t page, uint32_t pages,
                         const std::function<bool(uint32_t)>& changed) const {
  if (!workload_.options.pad_blocks) return changed(page);
  const uint32_t in_block = std::max<uint32_t>(1, 4096 / workload_.page_size);
  const uint32_t first = (page - 1) / in_block * in_block + 1;
  for (uint32_t each = first; each < first + in_block && each <= pages; ++each) {
    if (changed(each)) return true;
  }
  return false;
}

absl::Status Driver::WritePages(wal::Connection& connection, Draft* draft,
                                const std::vector<uint32_t>& pages, bool commit, Durability level) {
  std::vector<std::vector<uint8_t>> bytes;
  std::vector<wal::PageRef> refs;
  for (const uint32_t page : pages) {
    bytes.emplace_back(workload_.page_size);
    FillPage(page, draft->state.version(page), absl::MakeSpan(bytes.back()));
    refs.push_back({PageNo(page), bytes.back().data()});
    draft->in_log[page] = draft->state.version(page);
  }
  return connection.Write(workload_.page_size, refs, commit, draft->state.pages(), level);
}

absl::Status Driver::Spill(wal::Connection& connection, Draft* draft, Durability level) {
  std::vector<uint32_t> pages = Dirty(*draft);
  while (pages.size() > 1 && Chance(40))
    pages.erase(pages.begin() + static_cast<ptrdiff_t>(Below(pages.size())));
  return pages.empty() ? absl::OkStatus() : WritePages(connection, draft, pages, false, level);
}

absl::Status Driver::UndoneSavepoint(wal::Connection& connection, Draft* draft, Durability level) {
  Change(draft);
  if (Chance(70)) STRATA_RETURN_IF_ERROR(Spill(connection, draft, level));
  const uint64_t savepoint = connection.savepoint();
  const DatabaseState saved = draft->state;
  Change(draft);
  STRATA_RETURN_IF_ERROR(Spill(connection, draft, level));
  connection.UndoToSavepoint(savepoint);
  draft->state = saved;
  std::map<uint32_t, uint64_t> kept;
  for (const PageNo page : connection.written_pages())
    kept[page.value()] = draft->in_log[page.value()];
  draft->in_log = std::move(kept);
  return absl::OkStatus();
}

absl::Status Driver::CommitDraft(wal::Connection& connection, Draft* draft, Durability level) {
  std::vector<uint32_t> dirty = Dirty(*draft);
  if (dirty.empty()) {
    draft->state.Set(1 + static_cast<uint32_t>(Below(draft->state.pages())), next_version_++);
    dirty = Dirty(*draft);
  }
  Trace::Commit commit{draft->state, 0, Now(), Trace::kNever, running_};
  const size_t before = trace_.LastAlive();
  const absl::Status status = WritePages(connection, draft, dirty, true, level);
  commit.frame = status.ok() ? connection.snapshot().frame.value() : Trace::kNever;
  const size_t number = trace_.Append(std::move(commit));
  if (!status.ok()) {
    // The transaction is as if it had never been; in a log that stopped, only when it goes on.
    if (now_.log->state().commits->failed()) {
      before_given_up_ = before;
    } else {
      trace_.Found(before, Now());
    }
    return status;
  }
  const bool power = level == Durability::kFull;
  trace_.Promised(power ? Trace::Promise::kPower : Trace::Promise::kProcess, number, Now());
  return status;
}

absl::Status Driver::Transaction(wal::Connection& connection, Step step, Durability level) {
  Draft draft{trace_.last().state, {}};
  if (step == Step::kEmpty) return absl::OkStatus();
  Change(&draft);
  if (step == Step::kSpilledCommit || step == Step::kRollback) {
    STRATA_RETURN_IF_ERROR(Spill(connection, &draft, level));
    Change(&draft);
    if (Chance(60)) STRATA_RETURN_IF_ERROR(Spill(connection, &draft, level));
    // Someone else's sync in the middle of an open transaction.
    if (Chance(30)) STRATA_RETURN_IF_ERROR(now_.log->state().commits->SyncNow());
  }
  if (step == Step::kSavepoint) STRATA_RETURN_IF_ERROR(UndoneSavepoint(connection, &draft, level));
  if (step != Step::kRollback) return CommitDraft(connection, &draft, level);
  connection.Undo();
  return absl::OkStatus();
}

void Driver::RunTransaction(Step step) {
  wal::Connection& connection = AnyConnection();
  const Durability level = workload_.levels[Below(workload_.levels.size())];
  if (!Fine(connection.BeginRead().status(), "begin read")) return;
  if (Chance(20)) Look(connection, trace_.last().state.digest(), "a new snapshot");
  if (Fine(connection.BeginWrite(), "begin write")) {
    const absl::Status status = Transaction(connection, step, level);
    if (!Fine(status, "transaction")) connection.Undo();
    Fine(connection.EndWrite(), "end write");
  }
  connection.EndRead();
}

void Driver::Look(wal::Connection& connection, uint64_t digest, const char* what) {
  const absl::StatusOr<Content> content = ReadContent(sites_, connection, workload_.page_size);
  if (!Fine(content.status(), what)) return;
  if (content->digest != digest) Fail(absl::StrCat(what, " is not what was committed"));
}

void Driver::RunCheckpoint(bool truncate) {
  const FrameNo tip = now_.log->state().commits->appended().frame;
  // As a connection with synchronous=OFF asks; what others committed is made durable all the same.
  const bool sync = workload_.power_cuts && !Chance(30);
  if (!truncate) {
    Fine(now_.log->Checkpoint(tip, sync, false), "checkpoint");
    return;
  }
  EndReader();
  wal::Connection& connection = AnyConnection();
  if (!LockForWrite(connection)) return;
  const bool copied = Fine(now_.log->Checkpoint(tip, sync, true), "checkpoint");
  if (copied && now_.log->state().index->floor() == tip) Fine(now_.log->Truncate(), "truncate");
  connection.UnlockForWrite();
}

void Driver::RunReader() {
  if (reader_ != nullptr) return EndReader();
  reader_ = std::make_unique<wal::Connection>(now_.log);
  if (!Fine(reader_->BeginRead().status(), "begin read")) return;
  reader_digest_ = trace_.last().state.digest();
  Look(*reader_, reader_digest_, "a new snapshot");
}

void Driver::EndReader() {
  if (reader_ == nullptr) return;
  Look(*reader_, reader_digest_, "an old snapshot");
  reader_.reset();
}

void Driver::RunClose(bool remove) {
  EndReader();
  sites_.set_phase(SyncSites::Phase::kClosing);
  const absl::Status closed = now_.log->Close(true, remove);
  sites_.set_phase(SyncSites::Phase::kRunning);
  const bool fine = Fine(closed, "close");
  const bool last = other_.log == nullptr;
  now_.connections.clear();
  now_ = Process();
  if (!last) {
    std::swap(now_, other_);
    return;
  }
  if (fine && workload_.power_cuts && !sites_.Stat(kLogPath).ok()) trace_.Closed(Now());
  if (fine && workload_.power_cuts)
    trace_.Promised(Trace::Promise::kPower, trace_.LastAlive(), Now());
  if (failure_.empty()) Open();
}

}  // namespace strata::crash

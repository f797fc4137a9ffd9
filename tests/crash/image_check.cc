#include "tests/crash/image_check.h"

#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "io/checksum.h"
#include "io/clock.h"
#include "io/memory_stream.h"
#include "io/status_macros.h"
#include "io/store_url.h"
#include "segment/dictionary_store.h"
#include "segment/manifest_log.h"
#include "segment/segment_reader.h"
#include "segment/store_layout.h"
#include "wal/attachment.h"
#include "wal/recovery.h"

namespace strata::crash {

using support::SimulatedDisk;

namespace {

// But what processes share.
std::map<std::string, std::vector<uint8_t>> FilesOf(const SimulatedDisk& disk) {
  auto files = disk.Files();
  for (const char* shared : {wal::kLockName, wal::kSharedName})
    files.erase(absl::StrCat(kLogPath, "/", shared));
  return files;
}

}  // namespace

CheckCounts& CheckCounts::operator+=(const CheckCounts& other) {
  images += other.images;
  recovery_images += other.recovery_images;
  read_only += other.read_only;
  stores += other.stores;
  stored_segments += other.stored_segments;
  return *this;
}

std::string CheckCounts::ToString() const {
  return absl::StrCat(images, " images checked, ", recovery_images,
                      " of them of a recovery that was cut, ", read_only, " also read-only, ",
                      stores, " stores with ", stored_segments, " different segments verified");
}

absl::StatusOr<Content> ImageCheck::Recover(SimulatedDisk& image, bool read_only) {
  SyncSites files(&image);
  files.Swallow(swallowed_);
  Host host(&files, workload_, random_.Next64());
  STRATA_ASSIGN_OR_RETURN(const std::shared_ptr<wal::Log> log, host.Open(read_only));
  return ReadContent(files, log, workload_.page_size);
}

std::string ImageCheck::Run(SimulatedDisk& image, const Trace& trace, Trace::Promise promise,
                            uint64_t operations, bool thorough) {
  ++counts_.images;
  absl::StatusOr<Content> before(Content{});
  if (thorough) {
    const auto files = FilesOf(image);
    before = Recover(image, true);
    const bool none =
        absl::IsNotFound(before.status()) || absl::IsPermissionDenied(before.status());
    if (!before.ok() && !none) return absl::StrCat("read-only: ", before.status().ToString());
    if (FilesOf(image) != files) return "opening read-only wrote";
    counts_.read_only += before.ok();
  }
  const absl::StatusOr<Content> content = Recover(image, false);
  if (!content.ok()) return content.status().ToString();
  const Trace::Verdict verdict = trace.Judge(content->digest, content->frame, promise, operations);
  if (!verdict.violation.empty()) return verdict.violation;
  found_ = *verdict.commit;
  if (!thorough) return "";
  if (before.ok() && before->digest != content->digest)
    return "read-only, the state is another one";
  std::string wrong = CheckCutRecovery(image, content->digest);
  if (wrong.empty()) wrong = CheckAgain(image, content->digest);
  if (wrong.empty() && workload_.store) wrong = CheckStore(image, trace, content->frame);
  return wrong;
}

std::string ImageCheck::CheckAgain(SimulatedDisk& image, uint64_t digest) {
  const absl::StatusOr<Content> again = Recover(image, false);
  if (!again.ok()) return absl::StrCat("second recovery: ", again.status().ToString());
  return again->digest == digest ? "" : "a second recovery finds another state";
}

std::string ImageCheck::CheckCutRecovery(const SimulatedDisk& image, uint64_t digest) {
  support::ImageBuilder builder(image);
  for (uint64_t k = 1; k <= builder.operation_count(); ++k) {
    builder.AdvanceTo(k);
    const auto cut = builder.Build(
        {random_.Next64(), support::CrashPolicy::kRandom, workload_.damage}, &faults_);
    const absl::StatusOr<Content> content = Recover(*cut, false);
    ++counts_.images;
    ++counts_.recovery_images;
    const std::string where =
        absl::StrCat("recovery cut after its operation ", builder.Where(), ": ");
    if (!content.ok()) return absl::StrCat(where, content.status().ToString());
    if (content->digest != digest) return absl::StrCat(where, "another state");
  }
  return "";
}

std::string ImageCheck::CheckStore(SimulatedDisk& image, const Trace& trace, uint64_t end) {
  const absl::Status status = VerifyStore(image, trace, end);
  return status.ok() ? "" : absl::StrCat("store: ", status.ToString());
}

absl::Status ImageCheck::VerifyStore(SimulatedDisk& image, const Trace& trace, uint64_t end) {
  if (!image.Stat("/store").ok()) return absl::OkStatus();
  STRATA_ASSIGN_OR_RETURN(const auto store, io::OpenStore(&image, &random_, kStoreUrl));
  segment::ManifestLog manifests(store.get(), kNamespace, &io::SystemClock(), &random_);
  STRATA_RETURN_IF_ERROR(manifests.Refresh());
  STRATA_ASSIGN_OR_RETURN(const segment::ManifestEdits state, manifests.ReadAll());
  ++counts_.stores;
  if (state.claims.size() > 1) return absl::InternalError("more than one epoch");
  segment::DictionaryCache dictionaries;
  segment::FrameNo last;
  for (const auto& [segment, facts] : state.adds) {
    const std::string key = segment::BuildSegmentKey(kNamespace, segment);
    if (segment.first != last.next())
      return absl::InternalError(absl::StrCat(key, ": a gap or overlap before it"));
    last = segment.last;
    STRATA_ASSIGN_OR_RETURN(std::vector<uint8_t> bytes, store->GetRange(key, 0, UINT64_MAX));
    const bool is_known = facts.crc32c != 0;  // else it was found again after its answer was lost
    if (bytes.size() != facts.size || (is_known && io::Crc32c(0, bytes) != facts.crc32c))
      return absl::InternalError(absl::StrCat(key, ": not what the manifest says"));
    const uint64_t checksum = static_cast<uint64_t>(io::Crc32c(0, bytes)) << 32 | bytes.size();
    STRATA_ASSIGN_OR_RETURN(
        const auto reader,
        segment::SegmentReader::Open(
            std::make_shared<io::MemorySource>(std::move(bytes), key),
            std::make_shared<segment::StoredDictionaries>(store.get(), &dictionaries, kNamespace)));
    if (verified_.insert(checksum).second) {
      ++counts_.stored_segments;
      STRATA_RETURN_IF_ERROR(reader->VerifyAll());
    }
    for (const segment::CommitEntry& commit : reader->commits()) {
      const std::optional<uint64_t> digest = trace.DigestAt(commit.frame.value());
      if (digest == commit.digest) continue;
      return absl::InternalError(
          absl::StrCat(key, ": digest at frame ", commit.frame.value(),
                       digest.has_value() ? " is wrong" : ", where no commit is"));
    }
  }
  if (last.value() > end)
    return absl::InternalError(absl::StrCat("ends at frame ", last.value(), ", the log at ", end));
  return absl::OkStatus();
}

}  // namespace strata::crash

#include "compactor/compaction.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "compactor/commit_selection.h"
#include "compactor/merged_pages.h"
#include "compactor/page_fetcher.h"
#include "compactor/segment_chain.h"
#include "io/object_stream.h"
#include "io/status_macros.h"
#include "segment/manifest_log.h"

namespace strata::compactor {
namespace {

using segment::CommitEntry;
using segment::ManifestEdits;
using segment::SegmentHeader;
using segment::SegmentReader;
using segment::SegmentWriter;
using segment::StoredSegment;

SegmentHeader HeaderOf(const SegmentChain& chain, const PlannedCompaction& plan, io::Clock* clock,
                       io::Random* random) {
  const SegmentHeader& newest = chain.segments().back().reader->header();
  SegmentHeader header;
  header.state = segment::SegmentState::kCompacted;
  header.page_size = chain.page_size();
  header.log_id = plan.output.log_id;
  header.parent_log_id = newest.parent_log_id;
  header.parent_frame = newest.parent_frame;
  header.salt = random->Next64();
  header.created_us = clock->NowMicros();
  header.digest_kind = chain.segments().back().reader->footer().digest_kind;
  header.epoch = plan.output.epoch;
  header.first_frame = plan.output.first;
  header.last_frame = plan.output.last;
  header.level = plan.output.level;
  return header;
}

bool SameCommit(const CommitEntry& a, const CommitEntry& b) {
  return a.frame == b.frame && a.time_us == b.time_us && a.database_pages == b.database_pages &&
         a.digest == b.digest;
}

// One compaction on its way.
class Compaction {
 public:
  Compaction(io::ObjectStore* store, const NamespaceHistory& history, const LogHistory& log,
             const PlannedCompaction& plan, const CompactionOptions& options)
      : store_(store),
        history_(history),
        log_(log),
        plan_(plan),
        options_(options),
        object_(segment::BuildSegmentKey(history.ns, plan.output)) {
    result_.output.key = plan.output;
    result_.input_bytes = plan.input_bytes;
  }

  absl::StatusOr<CompactionResult> Run(BlockCache* cache, io::Clock* clock, io::Random* random);

 private:
  size_t threads() const { return options_.threads == 0 ? DefaultThreads() : options_.threads; }
  absl::Status ChooseEncoding(io::Clock* clock);
  absl::Status WritePages(SegmentWriter* writer);
  absl::Status WriteCommits(SegmentWriter* writer);
  absl::Status Publish(io::ObjectWriter* object, uint32_t crc32c);
  absl::Status ReadBack(io::Clock* clock, io::Random* random);
  absl::Status RemoveUnnamed(io::Clock* clock, io::Random* random);
  absl::Status Name(io::Clock* clock, io::Random* random);
  absl::StatusOr<segment::ManifestEdits> EditsFor(const segment::ManifestEdits& state);
  absl::Status CheckResult(const SegmentReader& reader) const;

  io::ObjectStore* const store_;
  const NamespaceHistory& history_;
  const LogHistory& log_;
  const PlannedCompaction& plan_;
  const CompactionOptions& options_;
  const std::string object_;
  std::unique_ptr<SegmentChain> chain_;
  segment::SegmentWriterOptions writer_options_;
  CompactionResult result_;
  uint32_t crc32c_ = 0;
};

absl::Status Compaction::ChooseEncoding(io::Clock* clock) {
  writer_options_.encoding = options_.encoding;
  segment::PageEncoding& encoding = writer_options_.encoding;
  if (encoding.codec != segment::Codec::kZstdDictionary) return absl::OkStatus();
  DictionaryOptions wanted = options_.dictionary;
  wanted.zstd_level = encoding.zstd_level;
  STRATA_ASSIGN_OR_RETURN(encoding.dictionary, ChoosePageDictionary(store_, history_.ns, *chain_,
                                                                    threads(), clock, wanted));
  if (encoding.dictionary == nullptr) encoding.codec = segment::Codec::kZstd;
  return absl::OkStatus();
}

absl::Status Compaction::WritePages(SegmentWriter* writer) {
  MergedPages pages(*chain_, writer_options_.encoding, threads());
  STRATA_RETURN_IF_ERROR(pages.WriteTo(writer, options_.progress));
  result_.pages = pages.pages();
  if (plan_.output.first.value() != 1 || !chain_->has_digest()) return absl::OkStatus();
  if (pages.digest() != chain_->commit().digest) {
    return absl::DataLossError(absl::StrFormat(
        "%s: merged from frame 1, the database at frame %d has digest "
        "%016x, expected %016x",
        object_, chain_->commit().frame.value(), pages.digest(), chain_->commit().digest));
  }
  result_.digest_checked = true;
  return absl::OkStatus();
}

absl::Status Compaction::WriteCommits(SegmentWriter* writer) {
  std::vector<CommitEntry> all = chain_->Commits();
  const size_t before = all.size();
  std::vector<CommitEntry> commits = SelectCommits(std::move(all), segment::kMaxCommits);
  result_.commits_left_out = before - commits.size();
  for (const CommitEntry& commit : commits) STRATA_RETURN_IF_ERROR(writer->AddCommit(commit));
  return absl::OkStatus();
}

absl::Status Compaction::Publish(io::ObjectWriter* object, uint32_t crc32c) {
  absl::Status committed = object->Commit(crc32c);
  if (absl::IsFailedPrecondition(committed)) {
    // The name says what is in it, so another compactor's result serves as well.
    result_.was_there = true;
    return absl::OkStatus();
  }
  return committed;
}

absl::Status Compaction::CheckResult(const SegmentReader& reader) const {
  STRATA_RETURN_IF_ERROR(reader.VerifyAll());
  if (reader.footer().pages != result_.pages) {
    return absl::DataLossError(absl::StrCat(reader.source().name(), ": pages: expected ",
                                            result_.pages, ", found ", reader.footer().pages));
  }
  if (!SameCommit(reader.commits().back(), chain_->commit())) {
    return absl::DataLossError(absl::StrCat(reader.source().name(),
                                            ": the last commit is not that of ",
                                            chain_->segments().back().reader->source().name()));
  }
  return absl::OkStatus();
}

absl::Status Compaction::ReadBack(io::Clock* clock, io::Random* random) {
  STRATA_ASSIGN_OR_RETURN(io::ObjectStore::Tail tail, store_->GetTail(object_, 0));
  result_.output.size = tail.object_size;
  BlockCache cache;  // of its own: nothing that was read before counts
  auto reader = OpenStoredSegment(store_, &cache, history_.ns, result_.output, log_.page_size);
  absl::Status verified = reader.ok() ? CheckResult(**reader) : reader.status();
  // What could not be read may be as good as it was written, and what another compactor found good
  // meanwhile counts.
  if (!absl::IsDataLoss(verified) || result_.was_there) return verified;
  absl::Status removed = RemoveUnnamed(clock, random);
  return removed.ok()
             ? verified
             : absl::Status(verified.code(),
                            absl::StrCat(verified.message(),
                                         "; and could not be removed: ", removed.message()));
}

absl::Status Compaction::RemoveUnnamed(io::Clock* clock, io::Random* random) {
  segment::ManifestLog manifests(store_, history_.ns, clock, random);
  STRATA_RETURN_IF_ERROR(manifests.Refresh());
  STRATA_ASSIGN_OR_RETURN(const ManifestEdits state, manifests.ReadAll());
  if (state.adds.contains(plan_.output)) return absl::AbortedError("the manifest names it");
  return store_->Delete(object_);
}

// The object counts from the moment that the manifest names it.
absl::Status Compaction::Name(io::Clock* clock, io::Random* random) {
  segment::ManifestLog manifests(store_, history_.ns, clock, random);
  STRATA_RETURN_IF_ERROR(
      manifests.Publish([&](const segment::ManifestEdits&) -> absl::StatusOr<ManifestEdits> {
        STRATA_ASSIGN_OR_RETURN(const ManifestEdits all, manifests.ReadAll());
        return EditsFor(all);
      }));
  return manifests.WriteHint();
}

absl::StatusOr<ManifestEdits> Compaction::EditsFor(const ManifestEdits& state) {
  ManifestEdits edits;
  if (state.adds.contains(plan_.output)) return edits;
  if (!segment::IsUnfenced(state, plan_.output)) {
    return absl::AbortedError(
        absl::StrCat(object_, ": meanwhile a later epoch took over before its end"));
  }
  if (state.marks.contains(plan_.output)) {
    return absl::AbortedError(
        absl::StrCat(object_, ": retention is about to delete it; compact again later"));
  }
  // What was read back may have been deleted since, under a mark that is gone already.
  STRATA_RETURN_IF_ERROR(store_->GetTail(object_, 0).status());
  segment::SegmentFacts& facts = edits.adds[plan_.output];
  facts.size = result_.output.size;
  facts.crc32c = result_.was_there ? 0 : crc32c_;
  facts.commits = chain_->Commits().size() - result_.commits_left_out;
  facts.first_time_us = chain_->Commits().front().time_us;
  facts.last_time_us = chain_->commit().time_us;
  return edits;
}

absl::StatusOr<CompactionResult> Compaction::Run(BlockCache* cache, io::Clock* clock,
                                                 io::Random* random) {
  STRATA_ASSIGN_OR_RETURN(chain_,
                          SegmentChain::Open(store_, cache, history_.ns, log_, plan_.inputs));
  STRATA_RETURN_IF_ERROR(ChooseEncoding(clock));
  STRATA_ASSIGN_OR_RETURN(std::unique_ptr<io::ObjectWriter> object,
                          store_->Put(object_, io::IfPresent::kFail));
  io::ObjectSink sink(object.get());
  SegmentHeader header = HeaderOf(*chain_, plan_, clock, random);
  STRATA_ASSIGN_OR_RETURN(std::unique_ptr<SegmentWriter> writer,
                          SegmentWriter::Create(&sink, header, writer_options_));
  STRATA_RETURN_IF_ERROR(WritePages(writer.get()));
  STRATA_RETURN_IF_ERROR(WriteCommits(writer.get()));
  STRATA_ASSIGN_OR_RETURN(SegmentWriter::Summary summary, writer->Finish());
  crc32c_ = summary.crc32c;
  STRATA_RETURN_IF_ERROR(Publish(object.get(), summary.crc32c));
  STRATA_RETURN_IF_ERROR(ReadBack(clock, random));
  STRATA_RETURN_IF_ERROR(Name(clock, random));
  return result_;
}

}  // namespace

absl::StatusOr<CompactionResult> Compact(io::ObjectStore* store, BlockCache* cache,
                                         io::Clock* clock, io::Random* random,
                                         const NamespaceHistory& history, const LogHistory& log,
                                         const PlannedCompaction& plan,
                                         const CompactionOptions& options) {
  return Compaction(store, history, log, plan, options).Run(cache, clock, random);
}

}  // namespace strata::compactor

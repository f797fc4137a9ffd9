#include "compactor/recompression.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "compactor/sealed_rewrite.h"
#include "compactor/segment_chain.h"
#include "io/checksum.h"
#include "io/status_macros.h"
#include "segment/dictionary_store.h"
#include "segment/manifest_log.h"

namespace strata::compactor {
namespace {

using segment::Dictionary;
using segment::DictionaryKind;
using segment::DirectoryEntry;
using segment::ManifestEdits;
using segment::SegmentReader;
using segment::StoredSegment;
using segment::TrainingSamples;

// One run over a log.
class Recompression {
 public:
  Recompression(io::ObjectStore* store, BlockCache* cache, io::Clock* clock, io::Random* random,
                const NamespaceHistory& history, const LogHistory& log,
                const RecompressionOptions& options)
      : store_(store),
        cache_(cache),
        clock_(clock),
        random_(random),
        history_(history),
        log_(log),
        options_(options),
        pages_(options.dictionary) {}

  absl::StatusOr<std::vector<RecompressedSegment>> Run(const RecompressionProgress& progress);

 private:
  absl::StatusOr<std::unique_ptr<SegmentReader>> Open(const StoredSegment& stored) {
    return OpenStoredSegment(store_, cache_, history_.ns, stored, log_.page_size);
  }
  absl::Status OfferKeyframes(const StoredSegment& stored, TrainingSamples* samples);
  absl::Status ChooseFrameDictionary();
  absl::StatusOr<StoredSegment> RewriteInPlace(const StoredSegment& stored);
  absl::Status Replace(const std::string& object, const std::vector<uint8_t>& bytes,
                       const std::vector<uint8_t>& old);
  absl::StatusOr<StoredSegment> MergeAlone(size_t position);
  absl::Status Publish(absl::FunctionRef<ManifestEdits(const ManifestEdits&)> make);

  io::ObjectStore* const store_;
  BlockCache* const cache_;
  io::Clock* const clock_;
  io::Random* const random_;
  const NamespaceHistory& history_;
  const LogHistory& log_;
  const RecompressionOptions& options_;
  segment::PageEncoding frames_;  // of keyframes in sealed segments
  DictionaryOptions pages_;       // of compacted ones: a new dictionary is trained once
};

// Which versions will be keyframes is not known yet; each page's first one in a segment is.
absl::Status Recompression::OfferKeyframes(const StoredSegment& stored, TrainingSamples* samples) {
  STRATA_ASSIGN_OR_RETURN(const auto reader, Open(stored));
  STRATA_ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> entries,
                          reader->ReadDirectory(0, reader->footer().frames));
  std::vector<uint8_t> page(log_.page_size);
  for (const DirectoryEntry& entry : entries) {
    if (entry.previous != 0) continue;
    STRATA_RETURN_IF_ERROR(reader->ReadFrame(entry, absl::MakeSpan(page)).status());
    samples->Offer(page);
  }
  return absl::OkStatus();
}

absl::Status Recompression::ChooseFrameDictionary() {
  frames_ = segment::ZstdEncoding(nullptr, options_.zstd_level);
  if (options_.dictionary.fewest_pages == 0) return absl::OkStatus();
  STRATA_ASSIGN_OR_RETURN(frames_.dictionary, segment::FindNewestDictionary(
                                                  *store_, history_.ns, DictionaryKind::kFrames));
  if (frames_.dictionary == nullptr || options_.dictionary.train) {
    TrainingSamples samples(log_.page_size);
    for (const CountedSegment& s : log_.segments) {
      if (s.is_sealed()) STRATA_RETURN_IF_ERROR(OfferKeyframes({s.key, s.size}, &samples));
    }
    const bool enough =
        options_.dictionary.train || samples.offered() >= options_.dictionary.fewest_pages;
    if (enough) {
      STRATA_ASSIGN_OR_RETURN(std::shared_ptr<const Dictionary> trained,
                              segment::TrainDictionary(samples, DictionaryKind::kFrames,
                                                       options_.zstd_level, clock_->NowMicros()));
      if (trained != nullptr) {
        STRATA_RETURN_IF_ERROR(segment::PutDictionary(*store_, history_.ns, *trained));
        frames_.dictionary = std::move(trained);
      }
    }
  }
  frames_ = segment::ZstdEncoding(std::move(frames_.dictionary), options_.zstd_level);
  return absl::OkStatus();
}

// One put takes the place of the old bytes, which are put back when others arrived.
absl::Status Recompression::Replace(const std::string& object, const std::vector<uint8_t>& bytes,
                                    const std::vector<uint8_t>& old) {
  STRATA_RETURN_IF_ERROR(io::PutObject(*store_, object, io::IfPresent::kReplace, bytes));
  const auto arrived = store_->GetRange(object, 0, bytes.size() + 1);
  if (arrived.ok() && *arrived == bytes) return absl::OkStatus();
  const absl::Status back = io::PutObject(*store_, object, io::IfPresent::kReplace, old);
  return absl::DataLossError(
      absl::StrCat(object, ": read back differently than it was written; the old one is ",
                   back.ok() ? "in its place again" : absl::StrCat("lost: ", back.message())));
}

absl::StatusOr<StoredSegment> Recompression::RewriteInPlace(const StoredSegment& stored) {
  const std::string object = segment::BuildSegmentKey(history_.ns, stored.key);
  STRATA_ASSIGN_OR_RETURN(const std::vector<uint8_t> old, store_->GetRange(object, 0, stored.size));
  STRATA_ASSIGN_OR_RETURN(const auto reader, Open(stored));
  STRATA_ASSIGN_OR_RETURN(const std::vector<uint8_t> bytes,
                          RewriteSealed(*reader, frames_, options_.longest_chain, random_->Next64(),
                                        std::make_shared<segment::StoredDictionaries>(
                                            store_, &cache_->dictionaries(), history_.ns)));
  if (bytes.size() >= stored.size) return stored;
  STRATA_RETURN_IF_ERROR(Replace(object, bytes, old));
  STRATA_RETURN_IF_ERROR(Publish([&](const ManifestEdits& state) {
    ManifestEdits edits;
    const auto known = state.adds.find(stored.key);
    if (known == state.adds.end() || !segment::IsUnfenced(state, stored.key)) return edits;
    segment::SegmentFacts& facts = edits.adds[stored.key] = known->second;
    facts.size = bytes.size();
    facts.crc32c = io::Crc32c(0, bytes);
    return edits;
  }));
  return StoredSegment{stored.key, bytes.size()};
}

absl::Status Recompression::Publish(absl::FunctionRef<ManifestEdits(const ManifestEdits&)> make) {
  segment::ManifestLog manifests(store_, history_.ns, clock_, random_);
  STRATA_RETURN_IF_ERROR(
      manifests.Publish([&](const ManifestEdits&) -> absl::StatusOr<ManifestEdits> {
        STRATA_ASSIGN_OR_RETURN(const ManifestEdits state, manifests.ReadAll());
        return make(state);
      }));
  return manifests.WriteHint();
}

// A compacted segment becomes one of the next level, as in a merge; then the old one goes.
absl::StatusOr<StoredSegment> Recompression::MergeAlone(size_t position) {
  const CountedSegment& s = log_.segments[position];
  const StoredSegment stored = {s.key, s.size};
  if (s.key.level >= segment::kMaxLevel) return stored;
  PlannedCompaction plan;
  plan.inputs = {{position, s.key.last}};
  plan.output = s.key;
  ++plan.output.level;
  plan.input_bytes = s.size;
  CompactionOptions options;
  options.encoding.zstd_level = options_.zstd_level;
  options.dictionary = std::exchange(pages_, options_.dictionary);
  pages_.train = false;
  options.threads = options_.threads;
  STRATA_ASSIGN_OR_RETURN(const CompactionResult result,
                          Compact(store_, cache_, clock_, random_, history_, log_, plan, options));
  const bool is_smaller = result.output.size < stored.size;
  const StoredSegment& loser = is_smaller ? stored : result.output;
  STRATA_RETURN_IF_ERROR(Publish([&](const ManifestEdits&) {
    ManifestEdits edits;
    edits.forgets.insert(loser.key);
    return edits;
  }));
  STRATA_RETURN_IF_ERROR(store_->Delete(segment::BuildSegmentKey(history_.ns, loser.key)));
  return is_smaller ? result.output : stored;
}

absl::StatusOr<std::vector<RecompressedSegment>> Recompression::Run(
    const RecompressionProgress& progress) {
  STRATA_RETURN_IF_ERROR(ChooseFrameDictionary());
  std::vector<RecompressedSegment> done;
  for (size_t i = 0; i < log_.segments.size(); ++i) {
    if (progress) progress(i, log_.segments.size());
    const CountedSegment& s = log_.segments[i];
    RecompressedSegment segment = {{s.key, s.size}, {s.key, s.size}};
    if (s.upto == s.key.last && s.is_sealed()) {
      STRATA_ASSIGN_OR_RETURN(segment.after, RewriteInPlace(segment.before));
    } else if (s.upto == s.key.last) {
      STRATA_ASSIGN_OR_RETURN(segment.after, MergeAlone(i));
    }
    done.push_back(segment);
  }
  if (progress) progress(log_.segments.size(), log_.segments.size());
  return done;
}

}  // namespace

absl::StatusOr<std::vector<RecompressedSegment>> Recompress(
    io::ObjectStore* store, BlockCache* cache, io::Clock* clock, io::Random* random,
    const NamespaceHistory& history, const LogHistory& log, const RecompressionOptions& options,
    const RecompressionProgress& progress) {
  return Recompression(store, cache, clock, random, history, log, options).Run(progress);
}

}  // namespace strata::compactor

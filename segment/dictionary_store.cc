#include "segment/dictionary_store.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "io/status_macros.h"
#include "segment/store_layout.h"
#include "segment/store_listing.h"

namespace strata::segment {
namespace {

constexpr size_t kLongestObject = kDictionaryHeaderSize + kMaxDictionaryBytes;

std::string DictionaryPrefix(absl::string_view ns) { return absl::StrCat(ns, "/dictionaries/"); }

}  // namespace

std::string BuildDictionaryKey(absl::string_view ns, uint32_t id) {
  return absl::StrFormat("%s%08x.dict", DictionaryPrefix(ns), id);
}

absl::StatusOr<uint32_t> ParseDictionaryKey(absl::string_view ns, absl::string_view object) {
  const std::string prefix = DictionaryPrefix(ns);
  uint32_t id = 0;
  const bool has_digits = object.size() == prefix.size() + 8 + 5 &&
                          absl::SimpleHexAtoi(object.substr(prefix.size(), 8), &id);
  if (has_digits && id != 0 && BuildDictionaryKey(ns, id) == object) return id;
  return absl::InvalidArgumentError(absl::StrCat(
      "object \"", absl::CHexEscape(object.substr(0, 512)), "\" is not the key of a dictionary"));
}

absl::StatusOr<std::shared_ptr<const Dictionary>> ReadDictionary(io::ObjectStore& store,
                                                                 const std::string& key) {
  STRATA_ASSIGN_OR_RETURN(const std::vector<uint8_t> bytes,
                          store.GetRange(key, 0, kLongestObject + 1));
  const std::string object = absl::StrCat(store.url(), "/", key);
  STRATA_ASSIGN_OR_RETURN(auto dictionary, DecodeDictionary(object, bytes));
  if (absl::EndsWith(key, absl::StrFormat("/%08x.dict", dictionary->id()))) return dictionary;
  return absl::DataLossError(
      absl::StrFormat("%s: holds dictionary %08x", object, dictionary->id()));
}

absl::Status PutDictionary(io::ObjectStore& store, absl::string_view ns,
                           const Dictionary& dictionary) {
  STRATA_RETURN_IF_ERROR(CheckNamespaceName(ns));
  const std::string key = BuildDictionaryKey(ns, dictionary.id());
  const absl::Status put =
      io::PutObject(store, key, io::IfPresent::kFail, EncodeDictionary(dictionary));
  if (!absl::IsFailedPrecondition(put)) return put;
  // There already: by an earlier attempt whose answer was lost, or another one with the same id.
  STRATA_ASSIGN_OR_RETURN(const std::shared_ptr<const Dictionary> stored,
                          ReadDictionary(store, key));
  return CheckIsMeant(key, dictionary.ref(), *stored).ok() ? absl::OkStatus() : put;
}

absl::StatusOr<std::shared_ptr<const Dictionary>> FindNewestDictionary(io::ObjectStore& store,
                                                                       absl::string_view ns,
                                                                       DictionaryKind kind) {
  STRATA_RETURN_IF_ERROR(CheckNamespaceName(ns));
  const std::string prefix = DictionaryPrefix(ns);
  std::shared_ptr<const Dictionary> newest;
  for (std::string after;;) {
    STRATA_ASSIGN_OR_RETURN(const std::vector<io::ObjectInfo> page,
                            store.List(prefix, after, kListingPage));
    if (page.empty()) return newest;
    for (const io::ObjectInfo& info : page) {
      const auto dictionary = ReadDictionary(store, info.key);
      if (absl::IsDataLoss(dictionary.status()) || absl::IsUnimplemented(dictionary.status()))
        continue;
      STRATA_RETURN_IF_ERROR(dictionary.status());
      const bool is_newer = newest == nullptr || (*dictionary)->created_us() > newest->created_us();
      if ((*dictionary)->kind() == kind && is_newer) newest = *dictionary;
    }
    if (page.back().key <= after) {
      return absl::DataLossError(absl::StrCat("listing of \"", prefix, "\" does not advance"));
    }
    after = page.back().key;
  }
}

absl::StatusOr<std::shared_ptr<const Dictionary>> DictionaryCache::Get(io::ObjectStore& store,
                                                                       absl::string_view ns,
                                                                       const DictionaryRef& ref) {
  const std::string key = BuildDictionaryKey(ns, ref.id);
  const std::string object = absl::StrCat(store.url(), "/", key);
  std::shared_ptr<const Dictionary> dictionary;
  {
    io::MutexLock lock(&mutex_);
    const auto found = by_object_.find(object);
    if (found != by_object_.end()) dictionary = found->second;
  }
  if (dictionary == nullptr) {
    auto read = ReadDictionary(store, key);
    if (absl::IsNotFound(read.status())) {
      return absl::DataLossError(absl::StrFormat("%s: dictionary %08x is missing", object, ref.id));
    }
    STRATA_ASSIGN_OR_RETURN(dictionary, std::move(read));
    io::MutexLock lock(&mutex_);
    by_object_[object] = dictionary;
  }
  STRATA_RETURN_IF_ERROR(CheckIsMeant(object, ref, *dictionary));
  return dictionary;
}

}  // namespace strata::segment

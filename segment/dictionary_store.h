#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "io/mutex.h"
#include "io/object_store.h"
#include "segment/dictionary.h"

// The dictionaries of a namespace in a store: `<ns>/dictionaries/<id, 8 hex digits>.dict`. Names:
// docs/store_layout.md.
namespace strata::segment {

std::string BuildDictionaryKey(absl::string_view ns, uint32_t id);

// The inverse, and nothing else: any other spelling is InvalidArgument that names the object.
absl::StatusOr<uint32_t> ParseDictionaryKey(absl::string_view ns, absl::string_view object);

// One dictionary's object, checked in itself and against its key. NotFound: it is not there.
absl::StatusOr<std::shared_ptr<const Dictionary>> ReadDictionary(io::ObjectStore& store,
                                                                 const std::string& key);

// Puts a dictionary where readers of its segments look for it, before the first segment that names
// it. Fine when it is there already. FailedPrecondition: another one with this id is.
absl::Status PutDictionary(io::ObjectStore& store, absl::string_view ns,
                           const Dictionary& dictionary);

// The newest dictionary of a kind; null when there is none. Reads every dictionary's object: there
// are few. One that is damaged is passed over, because it must not keep anybody from writing.
absl::StatusOr<std::shared_ptr<const Dictionary>> FindNewestDictionary(io::ObjectStore& store,
                                                                       absl::string_view ns,
                                                                       DictionaryKind kind);

// Dictionaries read from stores, each once. Safe to call from any thread.
class DictionaryCache {
 public:
  absl::StatusOr<std::shared_ptr<const Dictionary>> Get(io::ObjectStore& store,
                                                        absl::string_view ns,
                                                        const DictionaryRef& ref);

 private:
  io::Mutex mutex_;
  std::map<std::string, std::shared_ptr<const Dictionary>> by_object_ ABSL_GUARDED_BY(mutex_);
};

// Those of one namespace. Store and cache must outlive it.
class StoredDictionaries : public DictionarySource {
 public:
  StoredDictionaries(io::ObjectStore* store, DictionaryCache* cache, absl::string_view ns)
      : store_(*store), cache_(*cache), ns_(ns) {}
  absl::StatusOr<std::shared_ptr<const Dictionary>> Get(const DictionaryRef& ref) override {
    return cache_.Get(store_, ns_, ref);
  }

 private:
  io::ObjectStore& store_;
  DictionaryCache& cache_;
  const std::string ns_;
};

}  // namespace strata::segment

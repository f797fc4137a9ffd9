#include "io/key_listing.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "io/object_key.h"
#include "io/status_macros.h"

namespace strata::io {
namespace {

// Deep enough for any key; a loop of mounts ends here.
constexpr int kMaxDepth = kMaxKeyLength / 2 + 1;

class Listing {
 public:
  Listing(FileSystem* file_system, const std::string& root, const std::string& prefix,
          const std::string& after, size_t limit)
      : file_system_(file_system), root_(root), prefix_(prefix), after_(after), limit_(limit) {}

  // `parent` is empty or ends with a slash.
  absl::Status Visit(const std::string& parent, int depth);

  std::vector<ObjectInfo> Release() { return std::move(found_); }

 private:
  absl::Status VisitName(const std::string& parent, const std::string& name,
                         std::vector<std::string>* waiting);
  bool MayHoldAnswer(const std::string& key) const;
  bool Full() const { return found_.size() >= limit_; }

  FileSystem* const file_system_;
  const std::string& root_;
  const std::string& prefix_;
  const std::string& after_;
  const size_t limit_;
  std::vector<ObjectInfo> found_;
};

// Whether `key` itself, or a key below it taken as a directory, can be in the answer.
bool Listing::MayHoldAnswer(const std::string& key) const {
  const std::string below = key + "/";
  const bool prefix_fits = absl::StartsWith(key, prefix_) || absl::StartsWith(below, prefix_) ||
                           absl::StartsWith(prefix_, below);
  // Every key below is smaller than `key` followed by the character after the slash.
  return prefix_fits && (key > after_ || absl::StrCat(key, "0") > after_);
}

absl::Status Listing::VisitName(const std::string& parent, const std::string& name,
                                std::vector<std::string>* waiting) {
  const std::string key = parent + name;
  if (!IsKeyComponent(name) || !MayHoldAnswer(key)) return absl::OkStatus();
  const absl::StatusOr<FileInfo> info = file_system_->Stat(absl::StrCat(root_, "/", key));
  if (absl::IsNotFound(info.status())) return absl::OkStatus();  // deleted since the listing
  STRATA_RETURN_IF_ERROR(info.status());
  if (info->kind == FileKind::kDirectory) waiting->push_back(name);
  if (info->kind == FileKind::kRegular && key > after_ && absl::StartsWith(key, prefix_)) {
    found_.push_back({key, info->size});
  }
  return absl::OkStatus();
}

absl::Status Listing::Visit(const std::string& parent, int depth) {
  if (depth > kMaxDepth) return absl::OkStatus();
  const absl::StatusOr<std::vector<std::string>> names =
      file_system_->List(parent.empty() ? root_ : absl::StrCat(root_, "/", parent));
  if (absl::IsNotFound(names.status())) return absl::OkStatus();  // deleted, or nothing put yet
  STRATA_RETURN_IF_ERROR(names.status());

  // The keys in a directory start with its name and a slash, which sorts after '-' and '.': it
  // waits for the names that come between. Those that wait are longer and longer prefixes, the last
  // one's turn comes first.
  std::vector<std::string> waiting;
  const auto enter_last = [&] {
    const std::string directory = absl::StrCat(parent, waiting.back(), "/");
    waiting.pop_back();
    return Visit(directory, depth + 1);
  };
  for (const std::string& name : *names) {
    while (!Full() && !waiting.empty() && absl::StrCat(waiting.back(), "/") < name) {
      STRATA_RETURN_IF_ERROR(enter_last());
    }
    if (Full()) return absl::OkStatus();
    STRATA_RETURN_IF_ERROR(VisitName(parent, name, &waiting));
  }
  while (!Full() && !waiting.empty()) STRATA_RETURN_IF_ERROR(enter_last());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<ObjectInfo>> ListKeys(FileSystem* file_system, const std::string& root,
                                                 const std::string& prefix,
                                                 const std::string& after, size_t limit) {
  Listing listing(file_system, root, prefix, after, limit);
  if (limit > 0) STRATA_RETURN_IF_ERROR(listing.Visit("", 0));
  return listing.Release();
}

}  // namespace strata::io

#include "tests/support/disk_operation.h"

#include "absl/strings/str_cat.h"

namespace strata::support {
namespace {

const char* NameOf(OperationKind kind) {
  switch (kind) {
    case OperationKind::kWrite:
      return "write";
    case OperationKind::kTruncate:
      return "truncate";
    case OperationKind::kSync:
      return "sync";
    case OperationKind::kFailedSync:
      return "failed-sync";
    case OperationKind::kCreate:
      return "create";
    case OperationKind::kMakeDirectory:
      return "mkdir";
    case OperationKind::kRename:
      return "rename";
    case OperationKind::kUnlink:
      return "unlink";
    case OperationKind::kRemoveDirectory:
      return "rmdir";
    case OperationKind::kSyncDirectory:
      return "sync-directory";
  }
  return "unknown";
}

}  // namespace

std::string Describe(const DiskOperation& operation) {
  std::string text =
      absl::StrCat(operation.sequence, " ", NameOf(operation.kind), " ", operation.path);
  if (operation.kind == OperationKind::kWrite) {
    absl::StrAppend(&text, " ", operation.offset, "+", operation.bytes.size());
  }
  if (operation.kind == OperationKind::kTruncate) absl::StrAppend(&text, " to ", operation.offset);
  if (operation.kind == OperationKind::kRename) {
    absl::StrAppend(&text, " (was ", operation.from_name, ")");
  }
  return text;
}

}  // namespace strata::support

#include "wal/identity.h"

#include <map>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "io/checksum.h"
#include "io/replace_file.h"
#include "io/status_macros.h"

namespace strata::wal {

namespace {

constexpr char kFirstLine[] = "strata identity 1";
constexpr char kFirstLineOfAnyVersion[] = "strata identity ";
constexpr uint64_t kMaxBytes = 64 << 10;

using Fields = std::map<std::string, std::string>;

uint32_t TextChecksum(const std::string& text) {
  return io::Crc32c(0, {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

absl::Status Damaged(const std::string& path, const std::string& what) {
  return absl::DataLossError(absl::StrCat(path, ": identity is damaged: ", what));
}

// Takes fields out of the document and remembers the first that is missing or no number.
class FieldReader {
 public:
  FieldReader(const std::string& path, const Fields& fields) : path_(path), fields_(fields) {}

  std::string Text(const std::string& key) {
    const auto at = fields_.find(key);
    if (at != fields_.end()) return at->second;
    if (status_.ok()) status_ = Damaged(path_, absl::StrCat("no ", key));
    return "";
  }

  template <typename T>
  T Number(const std::string& key) {
    T value{};
    if (!absl::SimpleAtoi(Text(key), &value) && status_.ok())
      status_ = Damaged(path_, absl::StrCat("bad ", key));
    return value;
  }

  segment::LogId Id(const std::string& key) {
    const auto id = segment::ParseLogId(Text(key));
    if (id.ok()) return *id;
    if (status_.ok()) status_ = Damaged(path_, absl::StrCat("bad ", key));
    return {};
  }

  bool Has(const std::string& key) const { return fields_.contains(key); }
  const absl::Status& status() const { return status_; }

 private:
  const std::string& path_;
  const Fields& fields_;
  absl::Status status_;
};

std::string CleanFields(const CleanState& clean) {
  return absl::StrCat("last_frame=", clean.last_frame.value(),
                      "\ndatabase_pages=", clean.database_pages,
                      "\ncommit_time_us=", clean.commit_time_us, "\ndigest=", clean.digest,
                      "\nfile_size=", clean.file_size, "\ninode=", clean.inode,
                      "\nmodified_ns=", clean.modified_ns, "\nchanged_ns=", clean.changed_ns, "\n");
}

CleanState ReadClean(FieldReader& reader) {
  CleanState clean;
  clean.last_frame = segment::FrameNo(reader.Number<uint64_t>("last_frame"));
  clean.database_pages = reader.Number<uint32_t>("database_pages");
  clean.commit_time_us = reader.Number<int64_t>("commit_time_us");
  clean.digest = reader.Number<uint64_t>("digest");
  clean.file_size = reader.Number<uint64_t>("file_size");
  clean.inode = reader.Number<uint64_t>("inode");
  clean.modified_ns = reader.Number<int64_t>("modified_ns");
  clean.changed_ns = reader.Number<int64_t>("changed_ns");
  return clean;
}

// The document's lines without its checksum line, which must match.
absl::StatusOr<std::vector<std::string>> CheckedLines(const std::string& path,
                                                      const std::string& text) {
  const size_t last = text.rfind("crc32c=");
  if (last == std::string::npos ||
      text != absl::StrCat(text.substr(0, last), "crc32c=",
                           absl::StrFormat("%08x", TextChecksum(text.substr(0, last))), "\n")) {
    return Damaged(path, "checksum does not match");
  }
  return absl::StrSplit(text.substr(0, last), '\n', absl::SkipEmpty());
}

}  // namespace

std::string EncodeIdentity(const Identity& identity) {
  std::string text = absl::StrCat(
      kFirstLine, "\nlog_id=", segment::ToString(identity.log_id),
      "\nparent_log_id=", segment::ToString(identity.parent_log_id),
      "\nparent_frame=", identity.parent_frame.value(), "\npage_size=", identity.page_size,
      "\nbase_frame=", identity.base_frame.value(), "\ncreated_us=", identity.created_us,
      "\nstore=", identity.store, "\nnamespace=", identity.name_space,
      "\nepoch=", identity.epoch.value(), "\nwriter_nonce=", identity.writer_nonce,
      "\nnext_nonce=", identity.next_nonce, "\n");
  if (identity.clean.has_value()) text += CleanFields(*identity.clean);
  if (identity.database_file.has_value()) {
    absl::StrAppend(&text, "database_inode=", identity.database_file->inode,
                    "\ndatabase_born_ns=", identity.database_file->born_ns, "\n");
  }
  return absl::StrCat(text, "crc32c=", absl::StrFormat("%08x", TextChecksum(text)), "\n");
}

absl::StatusOr<Identity> DecodeIdentity(const std::string& path, const std::string& text) {
  STRATA_ASSIGN_OR_RETURN(const std::vector<std::string> lines, CheckedLines(path, text));
  if (lines.empty() || lines[0] != kFirstLine) {
    if (!lines.empty() && lines[0].rfind(kFirstLineOfAnyVersion, 0) == 0) {
      return absl::UnimplementedError(
          absl::StrCat(path, ": written by a later version (", lines[0], ")"));
    }
    return Damaged(path, "unknown first line");
  }
  Fields fields;
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::pair<std::string, std::string> field =
        absl::StrSplit(lines[i], absl::MaxSplits('=', 1));
    fields.insert(field);
  }
  FieldReader reader(path, fields);
  Identity identity;
  identity.log_id = reader.Id("log_id");
  identity.parent_log_id = reader.Id("parent_log_id");
  identity.parent_frame = segment::FrameNo(reader.Number<uint64_t>("parent_frame"));
  identity.page_size = reader.Number<uint32_t>("page_size");
  identity.base_frame = segment::FrameNo(reader.Number<uint64_t>("base_frame"));
  identity.created_us = reader.Number<int64_t>("created_us");
  identity.store = reader.Text("store");
  identity.name_space = reader.Text("namespace");
  identity.epoch = segment::Epoch(reader.Number<uint64_t>("epoch"));
  if (reader.Has("writer_nonce")) {
    identity.writer_nonce = reader.Number<uint64_t>("writer_nonce");
    identity.next_nonce = reader.Number<uint64_t>("next_nonce");
  }
  if (reader.Has("last_frame")) identity.clean = ReadClean(reader);
  if (reader.Has("database_inode")) {
    identity.database_file = DatabaseFile{reader.Number<uint64_t>("database_inode"),
                                          reader.Number<int64_t>("database_born_ns")};
  }
  STRATA_RETURN_IF_ERROR(reader.status());
  if (!segment::IsValidPageSize(identity.page_size)) return Damaged(path, "impossible page size");
  return identity;
}

absl::StatusOr<Identity> ReadIdentity(io::FileSystem& files, const std::string& path) {
  STRATA_ASSIGN_OR_RETURN(auto file, files.Open(path, io::OpenMode::kReadOnly));
  STRATA_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  if (size > kMaxBytes) return Damaged(path, "too long");
  std::string text(size, '\0');
  STRATA_ASSIGN_OR_RETURN(const size_t read,
                          file->ReadAt(0, {reinterpret_cast<uint8_t*>(text.data()), text.size()}));
  text.resize(read);
  return DecodeIdentity(path, text);
}

absl::Status WriteIdentity(io::FileSystem& files, const std::string& path, const Identity& identity,
                           const io::Ownership& ownership) {
  const std::string text = EncodeIdentity(identity);
  return io::ReplaceFile(files, path, {reinterpret_cast<const uint8_t*>(text.data()), text.size()},
                         ownership);
}

}  // namespace strata::wal

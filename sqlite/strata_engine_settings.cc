#include <cstdint>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "io/status_macros.h"
#include "segment/delta_chains.h"
#include "segment/store_layout.h"
#include "sqlite/engine_settings.h"

namespace strata::sqlite {

namespace {

// A whole number of `unit` from a URI parameter into `value`, unless it is not given.
template <typename T>
absl::Status ReadNumber(const strata_wal_host* host, const char* wal_name, const char* key, T unit,
                        uint64_t least, T* value) {
  const char* text = host->uri_parameter(wal_name, key);
  if (text == nullptr) return absl::OkStatus();
  uint64_t number = 0;
  if (!absl::SimpleAtoi(text, &number) || number < least || number > (uint64_t{1} << 53)) {
    return absl::InvalidArgumentError(absl::StrCat(host->database_name(wal_name), ": ", key, "=",
                                                   text, ": not a whole number from ", least,
                                                   " on"));
  }
  *value = static_cast<T>(number) * unit;
  return absl::OkStatus();
}

// One of two words from a URI parameter; `is_second` stays as it is when it is not given.
absl::Status ReadChoice(const strata_wal_host* host, const char* wal_name, const char* key,
                        absl::string_view first, absl::string_view second, bool* is_second) {
  const char* text = host->uri_parameter(wal_name, key);
  if (text == nullptr) return absl::OkStatus();
  const absl::string_view value(text);
  if (value != first && value != second) {
    return absl::InvalidArgumentError(absl::StrCat(host->database_name(wal_name), ": ", key, "=",
                                                   value, ": expected ", first, " or ", second));
  }
  *is_second = value == second;
  return absl::OkStatus();
}

absl::Status ReadStoreChoices(const strata_wal_host* host, const char* name,
                              wal::Options* options) {
  STRATA_RETURN_IF_ERROR(
      ReadChoice(host, name, "fenced", "stop", "continue", &options->commits_when_fenced));
  STRATA_RETURN_IF_ERROR(
      ReadChoice(host, name, "durable", "local", "store", &options->commits_wait_for_store));
  if (!options->commits_when_fenced || !options->commits_wait_for_store) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(host->database_name(name),
                   ": durable=store and fenced=continue exclude each other: a commit cannot wait ",
                   "for a store that gets no more"));
}

}  // namespace

absl::StatusOr<wal::Options> ReadSettings(const strata_wal_host* host, const char* name) {
  constexpr int64_t kMs = 1000;
  constexpr uint64_t kByte = 1;
  wal::Options options;
  STRATA_RETURN_IF_ERROR(
      ReadNumber(host, name, "segment_bytes", kByte, 65536, &options.segment_bytes));
  STRATA_RETURN_IF_ERROR(ReadNumber(host, name, "reuse_bytes", kByte, 65536, &options.reuse_bytes));
  STRATA_RETURN_IF_ERROR(ReadNumber(host, name, "seal_bytes", kByte, 1, &options.seal_bytes));
  STRATA_RETURN_IF_ERROR(ReadNumber(host, name, "seal_ms", kMs, 1, &options.seal_after_us));
  STRATA_RETURN_IF_ERROR(
      ReadNumber(host, name, "unsynced_bytes", kByte, 1, &options.unsynced_bytes));
  STRATA_RETURN_IF_ERROR(ReadNumber(host, name, "unsynced_ms", kMs, 1, &options.unsynced_us));
  STRATA_RETURN_IF_ERROR(
      ReadNumber(host, name, "checkpoint_bytes", kByte, 1, &options.checkpoint_bytes));
  STRATA_RETURN_IF_ERROR(ReadNumber(host, name, "log_bytes", kByte, 0, &options.log_bytes));
  STRATA_RETURN_IF_ERROR(ReadNumber(host, name, "backlog_bytes", kByte, 1, &options.backlog_bytes));
  STRATA_RETURN_IF_ERROR(ReadNumber(host, name, "close_ship_ms", kMs, 0, &options.close_ship_us));
  STRATA_RETURN_IF_ERROR(
      ReadNumber(host, name, "delta_chain", uint32_t{1}, 0, &options.longest_chain));
  if (options.longest_chain > segment::kLongestChain) {
    return absl::InvalidArgumentError(absl::StrCat(host->database_name(name),
                                                   ": delta_chain=", options.longest_chain,
                                                   ": at most ", segment::kLongestChain));
  }
  STRATA_RETURN_IF_ERROR(
      ReadNumber(host, name, "dictionary_frames", kByte, 0, &options.dictionary_frames));
  uint64_t pad_blocks = options.pad_blocks ? 1 : 0;
  STRATA_RETURN_IF_ERROR(ReadNumber(host, name, "pad_blocks", kByte, 0, &pad_blocks));
  options.pad_blocks = pad_blocks != 0;
  uint64_t takeover = 0;
  STRATA_RETURN_IF_ERROR(ReadNumber(host, name, "takeover", kByte, 0, &takeover));
  options.takeover = takeover != 0;
  STRATA_RETURN_IF_ERROR(ReadStoreChoices(host, name, &options));
  return options;
}

absl::Status CheckStoreAddress(const wal::StoreAddress& store) {
  if (store.url.empty() && store.name_space.empty()) return absl::OkStatus();
  if (store.url.empty() || store.name_space.empty()) {
    return absl::InvalidArgumentError("store= and namespace= belong together in a database's URI");
  }
  return segment::CheckNamespaceName(store.name_space);
}

}  // namespace strata::sqlite

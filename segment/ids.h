#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace strata::segment {

// A number of one kind that does not convert to a number of another kind.
template <typename Tag, typename Representation>
class StrongId {
 public:
  constexpr StrongId() = default;
  constexpr explicit StrongId(Representation value) : value_(value) {}
  constexpr Representation value() const { return value_; }
  constexpr StrongId next() const { return StrongId(value_ + 1); }
  constexpr StrongId previous() const { return StrongId(value_ - 1); }
  friend constexpr auto operator<=>(StrongId, StrongId) = default;

  template <typename Hash>
  friend Hash AbslHashValue(Hash state, StrongId id) {
    return Hash::combine(std::move(state), id.value_);
  }

 private:
  Representation value_ = 0;
};

// Number of a database page, from 1; 0 is no page.
using PageNo = StrongId<struct PageNoTag, uint32_t>;

// Number of a frame in the whole history of a database, from 1 without gaps; 0 is before the first.
using FrameNo = StrongId<struct FrameNoTag, uint64_t>;

// Counter of the writers of a log id; a writer with a lower epoch is fenced. From 1; 0 is none.
using Epoch = StrongId<struct EpochTag, uint64_t>;

// Identity of one history of one database: 128 random bits; all zero is none.
struct LogId {
  std::array<uint8_t, 16> bytes{};
  friend auto operator<=>(const LogId&, const LogId&) = default;
  bool is_none() const { return *this == LogId{}; }
};

// 32 lower-case hexadecimal digits, as used in keys and messages.
std::string ToString(const LogId& id);
absl::StatusOr<LogId> ParseLogId(const std::string& text);

constexpr uint32_t kMinPageSize = 512;
constexpr uint32_t kMaxPageSize = 65536;

// A power of two from kMinPageSize to kMaxPageSize.
constexpr bool IsValidPageSize(uint32_t size) {
  return size >= kMinPageSize && size <= kMaxPageSize && (size & (size - 1)) == 0;
}

// The page that holds byte 2^30 of a database file carries SQLite's locks and never data
// (https://www.sqlite.org/fileformat.html#the_lock_byte_page).
constexpr PageNo LockBytePage(uint32_t page_size) { return PageNo((1u << 30) / page_size + 1); }

}  // namespace strata::segment

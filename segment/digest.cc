#include "segment/digest.h"

#define XXH_STATIC_LINKING_ONLY  // the streaming state on the stack
#if defined(__x86_64__)
#include <xxh_x86dispatch.h>  // the widest vectors that the machine has
#else
#include <xxhash.h>
#endif

#include <array>

namespace strata::segment {
namespace {

constexpr std::array<uint8_t, kMaxPageSize> kZeros{};

}  // namespace

uint64_t PageHash(PageNo page, io::ByteView bytes) {
  uint8_t number[4];
  io::StoreLittleEndian<uint32_t>(number, page.value());
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  XXH3_64bits_update(&state, number, sizeof number);
  XXH3_64bits_update(&state, bytes.data(), bytes.size());
  return XXH3_64bits_digest(&state);
}

uint64_t ZeroPageHash(PageNo page, uint32_t page_size) {
  return PageHash(page, io::ByteView(kZeros.data(), page_size));
}

}  // namespace strata::segment

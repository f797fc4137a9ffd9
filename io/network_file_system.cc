#include "io/network_file_system.h"

#include <algorithm>
#include <iterator>

namespace strata::io {
namespace {

constexpr uint32_t kNetworkMagics[] = {
    0x00006969,  // NFS
    0x0000517B,  // SMB
    0xFF534D42,  // CIFS
    0xFE534D42,  // SMB2
    0x01021997,  // 9P
    0x65735546,  // FUSE
    0x5346414F,  // AFS
    0x6B414653,  // kAFS
    0x73757245,  // Coda
    0x00C36400,  // Ceph
    0x0000564C,  // NCP
    0x01161970,  // GFS2
    0x7461636F,  // OCFS2
    0x0BD00BD0,  // Lustre
    0x47504653,  // GPFS
    0x786F4256,  // VirtualBox shared folder
    0xAAD7AAEA,  // Panasas
    0x013111A8,  // IBRIX
};

}  // namespace

bool IsNetworkMagic(uint64_t magic) {
  // f_type is a signed word on some machines: compare the low 32 bits.
  const auto low = static_cast<uint32_t>(magic);
  return std::find(std::begin(kNetworkMagics), std::end(kNetworkMagics), low) !=
         std::end(kNetworkMagics);
}

}  // namespace strata::io

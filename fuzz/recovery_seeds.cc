#include <cstdio>
#include <fstream>
#include <string>

#include "segment/segment_header.h"
#include "tests/wal/log_world.h"

// Writes the first corpus of recovery_fuzzer: the records of a small log in one and in two files,
// behind four bytes.
int main(int argc, char** argv) {
  using namespace strata::wal;
  if (argc != 2) return 2;
  for (int files = 1; files <= 2; ++files) {
    LogWorld world;
    if (!world.Open().ok()) return 1;
    for (int file = 0; file < files; ++file) {
      if (file > 0) world.log->appender().CloseCurrent();
      if (!world.CommitPages({{1, 5}, {2, 5}}, 2).ok() || !world.CommitPages({{2, 6}}, 2).ok())
        return 1;
      world.Pass(200'000);
    }
    std::ofstream out(std::string(argv[1]) + "/log" + std::to_string(files));
    out << std::string({static_cast<char>(8 * (files - 1)), 0, 0, 0});
    for (const auto& [path, bytes] : world.disk->Files()) {
      if (path.find(".log") == std::string::npos) continue;
      out << std::string(bytes.begin() + strata::segment::kSegmentHeaderSize, bytes.end());
    }
  }
  return 0;
}

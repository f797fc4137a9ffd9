#include <cstdio>
#include <fstream>
#include <string>

#include "tests/segment/segment_samples.h"

// Writes one small segment of each kind into the directory given: where segment_fuzzer starts from.
namespace {

void Write(const std::string& path, const std::vector<uint8_t>& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

}  // namespace

int main(int argc, char** argv) {
  using namespace strata::segment;
  if (argc != 2) {
    std::fprintf(stderr, "usage: segment_seeds DIRECTORY\n");
    return 2;
  }
  const std::string directory = argv[1];
  SampleOptions options;
  options.frames = 6;
  Write(directory + "/sealed_raw", WriteStored(MakeSample(options), Codec::kRaw));
  Write(directory + "/sealed_zstd", WriteStored(MakeSample(options), Codec::kZstd));
  options.similar = true;
  options.highest_page = 4;
  Write(directory + "/sealed_delta", WriteStored(MakeSample(options), Codec::kDelta));
  options = SampleOptions();
  options.frames = 6;
  options.quotes_dictionary = true;
  options.state = SegmentState::kCompacted;
  Write(directory + "/compacted_dictionary",
        WriteStored(MakeSample(options), Codec::kZstdDictionary));
  Write(directory + "/compacted_zstd", WriteStored(MakeSample(options), Codec::kZstd));
  options.state = SegmentState::kCurrent;
  Write(directory + "/sealed_in_place", WriteSealedLog(MakeSample(options)));
  return 0;
}

#include <fstream>
#include <string>
#include <vector>

#include "segment/manifest_codec.h"
#include "tests/segment/manifest_samples.h"

// The first corpus of manifest_fuzzer: one object of each kind, in the directory given.
namespace {

void Write(const std::string& path, const strata::segment::Manifest& manifest) {
  const std::vector<uint8_t> bytes = strata::segment::EncodeManifest(manifest);
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::string directory = std::string(argv[1]) + "/";
  strata::segment::Manifest manifest = strata::segment::SampleManifest();
  Write(directory + "hint", manifest);
  manifest.kind = strata::segment::ManifestKind::kChange;
  manifest.to = manifest.from;
  manifest.is_base = true;
  Write(directory + "base", manifest);
  manifest.is_base = false;
  manifest.parts.clear();
  Write(directory + "change", manifest);
  return 0;
}

#include "bench/workload.h"

#include <filesystem>

namespace strata::bench {

namespace fs = std::filesystem;

int64_t Setup::Number(const std::string& key, int64_t otherwise) const {
  const auto at = parameters.find(key);
  return at == parameters.end() ? otherwise : std::stoll(at->second);
}

std::string Setup::Text(const std::string& key, const std::string& otherwise) const {
  const auto at = parameters.find(key);
  return at == parameters.end() ? otherwise : at->second;
}

std::string Setup::Uri(const std::string& strata_settings) const {
  std::string uri = "file:" + Database();
  if (arm == "builtin") uri += "?wal=builtin";
  if (!strata()) return uri;
  uri += "?wal=strata";
  const std::string more = Text("settings", "");
  if (!strata_settings.empty()) uri += "&" + strata_settings;
  if (!more.empty()) uri += "&" + more;
  return uri;
}

void RemoveDatabase(const Setup& setup) {
  for (const char* suffix : {"", "-wal", "-shm", "-journal", "-strata"})
    fs::remove_all(setup.Database() + suffix);
}

uint64_t LogBytes(const Setup& setup) {
  const std::string log = setup.Database() + "-wal";
  std::error_code gone;  // files come and go meanwhile
  if (!fs::is_directory(log, gone)) {
    const uint64_t size = fs::file_size(log, gone);
    return gone ? 0 : size;
  }
  uint64_t total = 0;
  for (fs::directory_iterator at(log, gone), end; !gone && at != end; at.increment(gone)) {
    std::error_code missing;
    const uint64_t size = at->file_size(missing);
    if (!missing) total += size;
  }
  return total;
}

}  // namespace strata::bench

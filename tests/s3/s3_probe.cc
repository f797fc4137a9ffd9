// A store by its URL, told on stdin what to do, one line a command, for tests that set its
// environment:
//   put KEY TEXT | claim KEY TEXT | get KEY OFFSET LENGTH | list PREFIX | delete KEY | counts
//   large KEY BYTES (put) | check KEY BYTES (get, in parts, by 8 threads)
// Answers one line: "ok …" or "error CODE MESSAGE".
#include <atomic>
#include <iostream>
#include <sstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "io/posix_file_system.h"
#include "io/store_url.h"

namespace strata::io {
namespace {

constexpr size_t kPart = 1 << 20;

uint8_t ByteAt(size_t offset) { return static_cast<uint8_t>(offset * 2654435761u >> 13); }

std::vector<uint8_t> Pattern(size_t size) {
  std::vector<uint8_t> bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = ByteAt(i);
  return bytes;
}

absl::Status CheckPattern(ObjectStore& store, const std::string& key, size_t size) {
  std::atomic<size_t> next = 0;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (size_t at = next.fetch_add(kPart); at < size; at = next.fetch_add(kPart)) {
        const auto part = store.GetRange(key, at, std::min(kPart, size - at));
        if (!part.ok()) std::cerr << part.status() << "\n";
        bool same = part.ok() && part->size() == std::min(kPart, size - at);
        for (size_t i = 0; same && i < part->size(); ++i) same = (*part)[i] == ByteAt(at + i);
        if (!same) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return wrong == 0 ? absl::OkStatus()
                    : absl::DataLossError(absl::StrCat(wrong.load(), " wrong parts"));
}

absl::StatusOr<std::string> Get(ObjectStore& store, std::istringstream& arguments) {
  std::string key;
  uint64_t offset = 0;
  uint64_t length = 0;
  arguments >> key >> offset >> length;
  const auto bytes = store.GetRange(key, offset, length);
  if (!bytes.ok()) return bytes.status();
  return std::string(bytes->begin(), bytes->end());
}

absl::StatusOr<std::string> Put(ObjectStore& store, std::istringstream& arguments,
                                IfPresent if_present) {
  std::string key;
  std::string text;
  arguments >> key >> text;
  const std::vector<uint8_t> bytes(text.begin(), text.end());
  const absl::Status status = PutObject(store, key, if_present, bytes);
  if (!status.ok()) return status;
  return "";
}

absl::StatusOr<std::string> List(ObjectStore& store, std::istringstream& arguments) {
  std::string prefix;
  arguments >> prefix;
  const auto objects = store.List(prefix, "", 1000000);
  if (!objects.ok()) return objects.status();
  std::string keys;
  for (const ObjectInfo& object : *objects) absl::StrAppend(&keys, " ", object.key);
  return keys;
}

std::string Counts(ObjectStore& store) {
  const RequestCounts counts = store.request_counts();
  std::string text;
  for (size_t i = 0; i < kRequestKinds; ++i) {
    absl::StrAppend(&text, kRequestKindNames[i], "=", counts.of[i], " ");
  }
  return absl::StrCat(text, "retries=", counts.retries);
}

absl::StatusOr<std::string> Run(ObjectStore& store, const std::string& line) {
  std::istringstream arguments(line);
  std::string verb;
  arguments >> verb;
  if (verb == "get") return Get(store, arguments);
  if (verb == "put") return Put(store, arguments, IfPresent::kReplace);
  if (verb == "claim") return Put(store, arguments, IfPresent::kFail);
  if (verb == "list") return List(store, arguments);
  if (verb == "counts") return Counts(store);
  std::string key;
  size_t size = 0;
  arguments >> key >> size;
  absl::Status status = absl::InvalidArgumentError("no such command");
  if (verb == "delete") status = store.Delete(key);
  if (verb == "large") status = PutObject(store, key, IfPresent::kReplace, Pattern(size));
  if (verb == "check") status = CheckPattern(store, key, size);
  if (!status.ok()) return status;
  return "";
}

void Answer(const absl::StatusOr<std::string>& answer) {
  if (answer.ok()) {
    std::cout << "ok " << *answer << std::endl;
  } else {
    std::cout << "error " << absl::StatusCodeToString(answer.status().code()) << " "
              << answer.status().message() << std::endl;
  }
}

int Main(const char* url) {
  auto store = OpenStore(&PosixFileSystem(), &SystemRandom(), url);
  if (!store.ok()) {
    Answer(store.status());
    return 1;
  }
  std::string line;
  while (std::getline(std::cin, line)) Answer(Run(**store, line));
  return 0;
}

}  // namespace
}  // namespace strata::io

int main(int argc, char** argv) { return argc == 2 ? strata::io::Main(argv[1]) : 2; }

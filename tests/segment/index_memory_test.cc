#include <malloc.h>
#include <sys/mman.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "gtest/gtest.h"
#include "io/file_stream.h"
#include "io/posix_file_system.h"
#include "segment/page_index_builder.h"
#include "tests/support/temporary_directory.h"

// An index of 100 million pages is opened and looked up in with 16 MiB of heap. The test command
// takes a tenth of the pages and of the heap; STRATA_INDEX_PAGES=100000000 in the environment all
// of them (about 330 MB in the directory for temporary files).

namespace {

std::atomic<size_t> heap_bytes = 0;
std::atomic<size_t> highest_heap_bytes = 0;

void* Counted(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  const size_t now = heap_bytes += malloc_usable_size(memory);
  if (now > highest_heap_bytes) highest_heap_bytes = now;
  return memory;
}

void Forget(void* memory) {
  heap_bytes -= malloc_usable_size(memory);
  std::free(memory);
}

}  // namespace

void* operator new(size_t size) { return Counted(std::malloc(size)); }
void* operator new[](size_t size) { return Counted(std::malloc(size)); }
void operator delete(void* memory) noexcept { Forget(memory); }
void operator delete[](void* memory) noexcept { Forget(memory); }
void operator delete(void* memory, size_t) noexcept { Forget(memory); }
void operator delete[](void* memory, size_t) noexcept { Forget(memory); }

namespace strata::segment {
namespace {

constexpr uint64_t kHeapLimitBytes = 16 << 20;
constexpr uint64_t kFullPages = 100'000'000;

uint64_t Pages() {
  const char* pages = std::getenv("STRATA_INDEX_PAGES");
  return pages == nullptr ? kFullPages / 10 : std::strtoull(pages, nullptr, 10);
}

// Entry i, worked out from i alone: the second number is its place among four pages.
uint32_t Mixed(uint64_t i) { return static_cast<uint32_t>(i * 0x9E3779B97F4A7C15 >> 32); }
uint32_t PageOf(uint64_t i) { return static_cast<uint32_t>(1 + 4 * i + Mixed(i) % 4); }
uint32_t GapOf(uint64_t i) { return static_cast<uint32_t>(1 + 4 * i + (Mixed(i) + 1) % 4); }
uint32_t OrdinalOf(uint64_t i) { return static_cast<uint32_t>(Mixed(~i) % kFullPages); }

class CountingSink : public io::ByteSink {
 public:
  absl::Status Append(io::ByteView bytes) override {
    bytes_ += bytes.size();
    return absl::OkStatus();
  }
  uint64_t bytes() const { return bytes_; }

 private:
  uint64_t bytes_ = 0;
};

class IndexMemoryTest : public testing::Test {
 protected:
  void SetUp() override {
    auto file = io::PosixFileSystem().Open(directory_.path() + "/index", io::OpenMode::kCreate);
    ASSERT_TRUE(file.ok()) << file.status();
    io::FileSink index(file->get());
    CountingSink hashes;
    PageIndexBuilder builder(&index, &hashes);
    for (uint64_t i = 0; i < Pages(); ++i) {
      const absl::Status added = builder.Add({PageNo(PageOf(i)), OrdinalOf(i), 0});
      if (!added.ok()) FAIL() << added;
    }
    ASSERT_TRUE(builder.Finish().ok());
    place_ = {0, builder.index_bytes(), builder.index_bytes(), hashes.bytes()};
  }

  std::shared_ptr<io::FileSource> OpenSource() {
    return *io::FileSource::Open(io::PosixFileSystem(), directory_.path() + "/index");
  }

  // Heap used since `before`, at the most, must be within the limit for so many pages.
  static void ExpectLittleHeap(size_t before) {
    const uint64_t limit = kHeapLimitBytes * Pages() / kFullPages;
    EXPECT_LE(highest_heap_bytes - before, limit);
    RecordProperty("heap_bytes", static_cast<int>(highest_heap_bytes - before));
  }

  static size_t StartCounting() { return highest_heap_bytes = heap_bytes.load(); }

  static void ExpectFindsSome(const PageIndex& index, uint64_t lookups) {
    const uint64_t pages = Pages();
    ASSERT_EQ(index.entries(), pages);
    for (uint64_t k = 0; k < lookups; ++k) {
      const uint64_t i = k * 0x9E3779B97F4A7C15 % pages;
      const auto found = index.Find(PageNo(PageOf(i)));
      ASSERT_TRUE(found.ok()) << found.status();
      ASSERT_EQ(found->value_or(UINT32_MAX), OrdinalOf(i)) << i;
      const auto absent = index.Find(PageNo(GapOf(i)));
      ASSERT_TRUE(absent.ok()) << absent.status();
      ASSERT_FALSE(absent->has_value()) << i;
    }
  }

  const support::TemporaryDirectory directory_{"index"};
  PageIndexPlace place_;
};

TEST_F(IndexMemoryTest, MappedIndexIsLookedUpInPlace) {
  const std::string path = directory_.path() + "/index";
  std::FILE* file = std::fopen(path.c_str(), "rb");
  ASSERT_NE(file, nullptr);
  void* index = ::mmap(nullptr, place_.length, PROT_READ, MAP_PRIVATE, ::fileno(file), 0);
  // Nobody may read a page hash for a lookup.
  void* hashes = ::mmap(nullptr, place_.hashes_length, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  std::fclose(file);
  ASSERT_NE(index, MAP_FAILED);
  ASSERT_NE(hashes, MAP_FAILED);
  {
    const size_t before = StartCounting();
    const auto opened = PageIndex::OverMemory(
        io::ByteView(static_cast<const uint8_t*>(index), place_.length),
        io::ByteView(static_cast<const uint8_t*>(hashes), place_.hashes_length));
    ASSERT_TRUE(opened.ok()) << opened.status();
    ExpectFindsSome(**opened, 1'000'000);
    ExpectLittleHeap(before);
  }
  ::munmap(index, place_.length);
  ::munmap(hashes, place_.hashes_length);
}

TEST_F(IndexMemoryTest, FetchedIndexIsReadBlockByBlock) {
  const size_t before = StartCounting();
  const auto opened = PageIndex::Open(OpenSource(), place_, 0);
  ASSERT_TRUE(opened.ok()) << opened.status();
  ExpectFindsSome(**opened, 50'000);
  ExpectLittleHeap(before);
}

}  // namespace
}  // namespace strata::segment

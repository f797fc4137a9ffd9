#pragma once

#include <map>
#include <string>
#include <vector>

#include "segment/manifest_log.h"
#include "tests/support/disk_helpers.h"
#include "tests/wal/ship_fixture.h"

namespace strata::wal {

constexpr char kLooksAtCopy[] = "/app.db: is a copy; looking whether it belongs to its log\n";

// Two copies of a database, one store.
class CopiesTest : public ShipTest {
 protected:
  using Files = std::map<std::string, std::vector<uint8_t>>;

  // Another machine's copy of everything local, as it is now.
  static void Copy(LogWorld& from, LogWorld* other) {
    for (const auto& [path, bytes] : from.disk->Files()) {
      if (path.rfind("/store", 0) == 0) continue;
      if (path.rfind(LogWorld::kDirectory, 0) == 0) {
        other->disk->CreateDirectory(LogWorld::kDirectory).IgnoreError();
      }
      ASSERT_TRUE(support::DurableFile(*other->disk, path, bytes).ok());
    }
    Attach(*other);
  }
  void CopyTo(LogWorld* other) { Copy(world_, other); }

  static Files StoreFiles(LogWorld& world) {
    Files files;
    for (const auto& [path, bytes] : world.disk->Files()) {
      if (path.rfind("/store/", 0) == 0) files[path] = bytes;
    }
    return files;
  }

  static void MoveStore(LogWorld& from, LogWorld& to) {
    for (const auto& [path, bytes] : StoreFiles(from)) {
      for (size_t at = 1; (at = path.find('/', at + 1)) != std::string::npos;) {
        to.disk->CreateDirectory(path.substr(0, at)).IgnoreError();
      }
      to.disk->Unlink(path).IgnoreError();
      ASSERT_TRUE(support::DurableFile(*to.disk, path, bytes).ok());
    }
  }

  static segment::ManifestEdits StateIn(LogWorld& world) {
    auto store = io::OpenStore(world.disk.get(), &world.random, world.store.url);
    segment::ManifestLog manifests(store->get(), kNamespace, &world.clock, &world.random);
    EXPECT_TRUE(manifests.Refresh().ok());
    auto all = manifests.ReadAll();
    EXPECT_TRUE(all.ok()) << all.status();
    return all.value_or(segment::ManifestEdits());
  }
};

}  // namespace strata::wal

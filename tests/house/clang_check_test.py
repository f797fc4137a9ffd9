#!/usr/bin/env python3
"""clang_check.py finds what it is there to find."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

CMAKE = sys.argv.pop(1) if len(sys.argv) > 1 else "cmake"
CHECK = pathlib.Path(__file__).resolve().parent / "clang_check.py"

PROJECT = """
cmake_minimum_required(VERSION 3.25)
project(sample LANGUAGES C CXX)
add_library(sample STATIC sample.cc)
target_compile_options(sample PRIVATE -Wthread-safety)
"""
SOURCE = """
class __attribute__((capability("mutex"))) Mutex {
 public:
  void Lock() __attribute__((acquire_capability()));
  void Unlock() __attribute__((release_capability()));
};
struct Counter {
  Mutex mutex;
  int count __attribute__((guarded_by(mutex))) = 0;
};
int Next(Counter& counter) {
  %s
}
"""


class ClangCheckTest(unittest.TestCase):
    def check(self, body, folders=()):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "CMakeLists.txt").write_text(PROJECT)
            (root / "sample.cc").write_text(SOURCE % body)
            return subprocess.run([sys.executable, CHECK, CMAKE, root, root / "build", root, *folders],
                                  capture_output=True, text=True, check=False)

    def test_what_holds_the_lock_passes(self):
        done = self.check("counter.mutex.Lock(); const int next = ++counter.count; counter.mutex.Unlock(); return next;")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_guarded_member_without_its_lock_is_an_error(self):
        done = self.check("return ++counter.count;")
        self.assertEqual(done.returncode, 1)
        self.assertIn("requires holding mutex", done.stderr)

    def test_a_folder_without_sources_is_an_error(self):
        done = self.check("return 0;", ["nowhere"])
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("nowhere", done.stderr)


if __name__ == "__main__":
    unittest.main()

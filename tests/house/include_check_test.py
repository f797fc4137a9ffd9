#!/usr/bin/env python3
"""The include check finds what it is there for."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECK = pathlib.Path(__file__).parent / "include_check.py"


class IncludeCheck(unittest.TestCase):
    def answer(self, files):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = pathlib.Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            done = subprocess.run([sys.executable, CHECK, folder], capture_output=True, text=True)
            return done.returncode, done.stdout

    def test_downward_is_fine(self):
        code, _ = self.answer({"io/file.h": "", "wal/log.cc": '#include "io/file.h"\n#include <vector>\n'})
        self.assertEqual(code, 0)

    def test_upward_is_a_finding(self):
        code, output = self.answer({"wal/log.h": "", "io/file.cc": '#include "wal/log.h"\n'})
        self.assertEqual(code, 1)
        self.assertIn("io/file.cc: includes wal/log.h", output)

    def test_a_sibling_is_a_finding(self):
        code, _ = self.answer({"wal/log.h": "", "compactor/merge.cc": '#include "wal/log.h"\n'})
        self.assertEqual(code, 1)

    def test_a_path_that_climbs_is_a_finding(self):
        code, _ = self.answer({"wal/log.h": "", "segment/frame.cc": '#include "../wal/log.h"\n'})
        self.assertEqual(code, 1)

    def test_product_code_includes_no_tests(self):
        code, _ = self.answer({"tests/support/disk.h": "", "io/file.cc": '#include "tests/support/disk.h"\n'})
        self.assertEqual(code, 1)

    def test_a_circle_is_a_finding(self):
        code, output = self.answer({"io/a.h": '#include "io/b.h"\n', "io/b.h": '#include "io/a.h"\n'})
        self.assertEqual(code, 1)
        self.assertIn("circle: io/a.h -> io/b.h -> io/a.h", output)

    def test_an_empty_tree_is_a_finding(self):
        self.assertEqual(self.answer({})[0], 1)


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""The style check finds what it is there for, and the ratchet only turns one way."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECK = pathlib.Path(__file__).parent / "style_check.py"


class StyleCheck(unittest.TestCase):
    def answer(self, files, ratchet=None):
        with tempfile.TemporaryDirectory() as folder:
            files = {**files, "tests/house/style_ratchet.json": json.dumps(ratchet or {})}
            for name, text in files.items():
                path = pathlib.Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            done = subprocess.run([sys.executable, CHECK, folder], capture_output=True, text=True)
            return done.returncode, done.stdout

    def test_a_clean_tree_is_fine(self):
        self.assertEqual(self.answer({"io/a.cc": "int a = 0;\n"})[0], 0)

    def test_a_long_header_is_a_finding(self):
        code, output = self.answer({"io/a.h": "#pragma once\n" + "extern int a;\n" * 250})
        self.assertEqual(code, 1)
        self.assertIn("io/a.h: lines over the limit: 1", output)

    def test_unfinished_work_is_a_finding(self):
        self.assertEqual(self.answer({"io/a.cc": "// TO" + "DO: later\n"})[0], 1)

    def test_the_clock_outside_io_is_a_finding(self):
        text = "void f() { clock_gettime(0, nullptr); }\n"
        self.assertEqual(self.answer({"wal/a.cc": text})[0], 1)
        self.assertEqual(self.answer({"io/a.cc": text})[0], 0)

    def test_another_format_is_a_finding(self):
        self.assertEqual(self.answer({"io/a.cc": "int  a=0 ;\n"})[0], 1)

    def test_what_a_merge_left_is_a_finding_in_any_file(self):
        self.assertEqual(self.answer({"tools/run": "<" * 7 + " HEAD\n"})[0], 1)

    def test_what_is_known_may_stay_and_not_grow(self):
        known = {"past the doors of io": {"wal/a.cc": 1}}
        one = "int a = rand();\n"
        self.assertEqual(self.answer({"wal/a.cc": one}, known)[0], 0)
        self.assertEqual(self.answer({"wal/a.cc": one + "int b = rand();\n"}, known)[0], 1)


if __name__ == "__main__":
    unittest.main()

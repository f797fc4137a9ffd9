#!/usr/bin/env python3
"""The list of exceptions is what it says: one line a file, with tests and a reason; and each test of ours that a line names
is there and names the file of SQLite's suite that it stands for.

exceptions_test.py ROOT
"""
import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(sys.argv.pop(1)).resolve()
LIST = ROOT / "tests" / "sqlite_suite" / "exceptions"


def lines():
    return [line.split("\t") for line in LIST.read_text().splitlines() if line.strip() and not line.startswith("#")]


def ours(reason):
    return [name.strip() for name in reason.partition("ours: ")[2].split(",") if name.strip()]


class Exceptions(unittest.TestCase):
    def test_each_line_has_a_file_tests_and_a_reason(self):
        for line in lines():
            self.assertEqual(len(line), 3, line)
            self.assertRegex(line[0], r"^[\w-]+\.test$")
            self.assertTrue(line[1].split() and line[2].strip(), line)

    def test_no_file_is_listed_twice(self):
        names = [line[0] for line in lines()]
        self.assertEqual(sorted(set(names)), sorted(names))

    def test_no_file_is_excused_as_a_whole(self):
        for name, patterns, _ in lines():
            self.assertFalse({"*", name, name.replace(".test", "*")} & set(patterns.split()), name)

    def test_our_tests_are_there_and_name_the_file(self):
        sources = [path.read_text() for path in ROOT.glob("tests/**/*_test.cc")]
        named = 0
        for name, _, reason in lines():
            for test in ours(reason):
                suite, _, which = test.partition(".")
                here = [text for text in sources
                        if re.search(rf"^TEST(_F|_P)?\({suite}, {which.replace('*', '')}", text, re.M) and name in text]
                self.assertEqual(len(here), 1, f"{name}: {test}")
                named += 1
        self.assertGreater(named, 0)


if __name__ == "__main__":
    unittest.main()

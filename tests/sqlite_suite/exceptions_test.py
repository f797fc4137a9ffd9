#!/usr/bin/env python3
"""The list of exceptions is what it says: one line a file, with tests and a reason; and each test of ours that a line names
is there and says, in the comment above it, which file of SQLite's suite it stands for. Each line has such a test, or says
"bytes only": nothing lies behind what the file looks at.

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


def comments_on(text, suite, which):
    """The comment above the test; for all tests of a suite the one that begins with "All SUITEs"."""
    if which == "*":
        return [each for each in re.findall(r"(?:^//.*\n)+", text, re.M) if f"All {suite}s " in each]
    return [found.group(1) for found in re.finditer(rf"((?:^//.*\n)*)^TEST(?:_F|_P)?\({suite}, {which}\)", text, re.M)]


class Exceptions(unittest.TestCase):
    def test_each_line_has_a_file_tests_and_a_reason(self):
        for line in lines():
            self.assertEqual(len(line), 3, line)
            self.assertRegex(line[0], r"^[\w/-]+\.test$")
            self.assertTrue(line[1].split() and line[2].strip(), line)

    def test_no_file_is_listed_twice(self):
        names = [line[0] for line in lines()]
        self.assertEqual(sorted(set(names)), sorted(names))

    def test_no_file_is_excused_as_a_whole(self):
        for name, patterns, _ in lines():
            self.assertFalse({"*", name, name.replace(".test", "*")} & set(patterns.split()), name)

    def test_each_line_has_a_test_of_ours_or_says_that_there_is_nothing_to_test(self):
        for name, _, reason in lines():
            self.assertNotEqual(bool(ours(reason)), "bytes only" in reason, f"{name}: {reason}")

    def test_our_tests_are_there_and_say_what_they_stand_for(self):
        sources = [path.read_text() for path in ROOT.glob("tests/**/*_test.cc")]
        for name, _, reason in lines():
            for test in ours(reason):
                suite, _, which = test.partition(".")
                comments = [comment for text in sources for comment in comments_on(text, suite, which)]
                self.assertEqual(len(comments), 1, f"{name}: {test}")
                self.assertRegex(comments[0], rf"\b{re.escape(name)}", f"{name}: {test}")


if __name__ == "__main__":
    unittest.main()

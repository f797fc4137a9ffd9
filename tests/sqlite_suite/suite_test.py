#!/usr/bin/env python3
"""What suite.py takes for worse, and how it reads what a file of SQLite's suite prints."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import suite


def row(code="0", failures="0", tests="10", failing="", loops="", passed=""):
    return ["x.test", code, failures, tests, "1.0", failing, loops, passed]


class HowWorse(unittest.TestCase):
    def worse(self, stock, strata):
        return suite.how_worse(stock, strata)

    def test_same_is_not_worse(self):
        self.assertEqual(self.worse(row(), row()), [])

    def test_test_that_fails_on_both_is_not_worse(self):
        both = row("1", "1", failing="x-1")
        self.assertEqual(self.worse(both, both), [])

    def test_failing_test_is_named(self):
        self.assertEqual(self.worse(row("1", "1", failing="x-1"), row("1", "2", failing="x-1 x-2")), ["x-2"])

    def test_test_that_fails_more_often_is_named(self):
        self.assertEqual(self.worse(row("1", "1", failing="x-1"), row("1", "2", failing="x-1 x-1")), ["x-1"])

    def test_failures_without_a_name_are_worse(self):
        self.assertEqual(self.worse(row(), row("1", "1000", "1650")), ["failures"])

    def test_failures_beside_named_ones_are_worse(self):
        self.assertEqual(self.worse(row(), row("1", "3", failing="x-1")), ["x-1", "failures"])

    def test_fewer_tests_are_worse(self):
        self.assertEqual(self.worse(row(), row(tests="9")), ["fewer"])

    def test_file_without_a_summary_is_worse(self):
        self.assertEqual(self.worse(row(), row("1", "crash", "9")), ["ends"])
        self.assertEqual(self.worse(row(), row("timeout", "crash", "9")), ["ends"])

    def test_death_by_a_signal_is_worse(self):
        self.assertEqual(self.worse(row(), row("-11", "crash", "9")), ["signal", "ends"])
        self.assertEqual(self.worse(row(), row("-6")), ["signal"])
        self.assertEqual(self.worse(row("-6"), row("-6")), [])

    def test_stock_that_ends_early_is_no_measure_but_for_the_tests_that_it_ran(self):
        self.assertEqual(self.worse(row("-11", "crash", "5"), row()), [])
        self.assertEqual(self.worse(row("-11", "crash", "5"), row("-11", "crash", "4")), ["fewer"])

    def test_where_stock_did_not_get_there_is_nothing_to_compare(self):
        stock = row("-11", "crash", "5", passed="x-1 x-2")
        self.assertEqual(self.worse(stock, row("1", "2", failing="x-2 x-7", loops="a:2:2:1:1")), ["x-2"])

    def test_loop_may_have_another_number_of_rounds(self):
        self.assertEqual(self.worse(row(tests="30", loops="a:20:20:0:19"), row(tests="12", loops="a:2:2:0:1")), [])
        self.assertEqual(self.worse(row(tests="12", loops="a:2:2:0:1"), row(tests="30", loops="a:20:20:0:19")), [])

    def test_rounds_do_not_stand_for_tests_outside(self):
        self.assertEqual(self.worse(row(tests="12", loops="a:2:2:0:1"), row(tests="29", loops="a:20:20:0:19")), ["fewer"])

    def test_failing_loop_is_named(self):
        good, bad = row(tests="30", loops="a:20:20:0:19"), row("1", "1", "30", loops="a:20:20:1:19")
        self.assertEqual(self.worse(good, bad), ["a"])
        self.assertEqual(self.worse(bad, bad), [])

    def test_loop_that_is_not_there_or_does_not_end_is_worse(self):
        stock = row(tests="30", loops="a:20:20:0:19")
        self.assertEqual(self.worse(stock, row(tests="30")), ["fewer"])
        self.assertEqual(self.worse(stock, row(tests="30", loops="+a:20:20:0:19")), ["fewer"])


class ReadOutput(unittest.TestCase):
    def row(self, out, name="x.test"):
        return suite.row_of(name, "0", 1.0, out)

    def test_failures_come_from_the_list_at_the_end(self):
        out = "x-1...\nError: no\nx-2... Ok\nx-3...\n! x-3 expected: [1]\n2 errors out of 3 tests\n!Failures on these tests: x-1 x-3\n"
        self.assertEqual(self.row(out)[2:6], ["2", "3", "1.0", "x-1 x-3"])

    def test_file_that_ends_early_names_what_it_printed(self):
        out = "x-1...\nError: no\nx-2... Ok\nx-3...\n! x-3 expected: [1]\n"
        self.assertEqual(self.row(out)[2:6], ["crash", "1", "1.0", "x-1 x-3"])
        self.assertEqual(self.row(out)[7], "x-2")

    def test_tests_of_a_loop_are_its_own(self):
        out = ("x-1... Ok\n\n#loop l-oom\nx-l-oom.1... Ok\nx-l-oom.2...\n! x-l-oom.2 expected: [0 ok]\nx-l-oom.3... Ok\n\n#end 2\n"
               "x-2... Ok\n1 errors out of 5 tests\n!Failures on these tests: x-l-oom.2\n")
        self.assertEqual(self.row(out)[5:7], ["", "l-oom:3:3:1:2"])

    def test_loop_of_io_errors_has_several_tests_a_round(self):
        rounds = "".join("l.%d.%d... Ok\n" % (n, k) for n in (1, 2, 3) for k in (1, 2, 3, 5))
        self.assertEqual(self.row("\n#loop l\n" + rounds + "\n#end 0\n")[6], "l:12:3:0:2")

    def test_loops_of_one_name_are_told_apart(self):
        out = "\n#loop l\nl.1... Ok\n\n#end 0\n\n#loop l\nl.1... Ok\n\n#end 0\n"
        self.assertEqual([each.partition(":")[0] for each in self.row(out)[6].split()], ["l", "l#2"])

    def test_loop_that_does_not_end_is_marked(self):
        self.assertTrue(self.row("\n#loop l\nl.1... Ok\n")[6].startswith("+l:"))

    def test_loop_that_a_file_writes_out_is_known_by_its_names(self):
        out = "ioerr2-1.1... Ok\nioerr2-3.0.1.cksum... Ok\nioerr2-3.0.2.cksum... Ok\nioerr2-5... Ok\n"
        self.assertEqual(self.row(out, "ioerr2.test")[6], "ioerr2-3.0:2:2:0:1")
        out = "f-1.0... Ok\nf-1.1.transient.9.1... Ok\nf-1.1.transient.9.2... Ok\ns-2-oom-persistent.1... Ok\nf-2... Ok\n"
        self.assertEqual(self.row(out)[6], "f-1.1.transient.9:2:2:0:1 s-2-oom-persistent:1:1:0:0")


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""The benches run, check their own results, and write table, data and plots. Speed is not looked at.

smoke_test.py BUILD
"""

import json
import pathlib
import subprocess
import sys
import unittest
import xml.etree.ElementTree

import pairs
import plot
from cases import Case, Metric

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(sys.argv.pop(1)).resolve()


class Statistics(unittest.TestCase):
    def test_a_ratio_is_ours_by_the_rivals(self):
        self.assertEqual(pairs.ratio_of([2, 2, 2], [3, 3, 3])["median"], 1.5)

    def test_the_interval_holds_the_mean_and_grows_with_the_spread(self):
        narrow = pairs.ratio_of([1] * 5, [1.0, 1.01, 0.99, 1.0, 1.0])
        wide = pairs.ratio_of([1] * 5, [1.0, 1.5, 0.6, 1.0, 1.0])
        self.assertLess(wide["low"], narrow["low"])
        self.assertLess(narrow["low"], 1)
        self.assertGreater(wide["high"], narrow["high"])

    def test_a_verdict_needs_the_whole_interval(self):
        case = Case("", "", "", {}, [])
        line = {"target": 1, "absolute": False, "higher_is_better": True, "medians": {}}
        for ratio, said in (({"median": 1.2, "low": 1.1, "high": 1.3}, "yes"),
                            ({"median": 1.2, "low": 0.9, "high": 1.3}, "yes, within the noise"),
                            ({"median": 0.9, "low": 0.8, "high": 1.3}, "no")):
            self.assertEqual(pairs.verdict({**line, "ratio": ratio}, case), said)

    def test_a_worker_that_fails_is_an_error_and_no_number(self):
        case = Case("none", "none", "no_such_workload", {}, [Metric("x", "x")])
        outcome = pairs.run_pairs(BUILD, BUILD / "bench" / "failing", case, 1, lambda _: None)
        self.assertIn("no such workload", outcome["error"])

    def test_plots_are_xml(self):
        xml.etree.ElementTree.fromstring(plot.ratio_bars("a < b", [("x & y", 2.0, 1.5, 2.5, 1.1)]))
        xml.etree.ElementTree.fromstring(plot.over_time("a", "MB", {"stock": [[0, 1], [1, 3]], "strata": [[0, 1]]}))


class Quick(unittest.TestCase):
    def test_every_workload_runs(self):
        output = BUILD / "bench" / "smoke"
        done = subprocess.run([sys.executable, HERE / "run.py", "--quick", "--build", BUILD, "--output", output,
                               "--work", BUILD / "bench" / "smoke-work"], capture_output=True, text=True)
        print(done.stdout + done.stderr)
        self.assertEqual(done.returncode, 0)
        results = json.loads((output / "results.json").read_text())["results"]
        self.assertGreaterEqual({r["group"] for r in results}, {"commits", "builtin", "heartbeat", "reads", "large",
                                                                "readers", "checkpoint", "recovery", "memory",
                                                                "upgrades"})
        for result in results:
            for line in result["lines"]:
                self.assertTrue(line["medians"], f"{result['name']}: {line['what']}")
        self.assertIn("| FULL, 1 threads |", (output / "results.md").read_text())


if __name__ == "__main__":
    unittest.main()

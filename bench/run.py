#!/usr/bin/env python3
"""Runs the benches, stock SQLite and Strata in turn, and writes table, data and plots.

run.py [--build DIR] [--output DIR] [--work DIR] [--only REGEX] [--merge] [--pairs N] [--quick]
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import sys
import time

import cases
import machine
import report
import speedtest
import syscalls
from pairs import Worker, WorkerFailed, run_pairs, summarize

ROOT = pathlib.Path(__file__).resolve().parent.parent


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("--output", type=pathlib.Path, help="default: docs/benchmarks; with --quick or --only, BUILD/bench")
    parser.add_argument("--work", type=pathlib.Path, help="where the databases go; default: BUILD/bench/work")
    parser.add_argument("--only", default="", help="cases whose \"group: name\" this regular expression finds")
    parser.add_argument("--merge", action="store_true", help="keep the results of other cases that --output has")
    parser.add_argument("--pairs", type=int, help="instead of each case's own number")
    parser.add_argument("--quick", action="store_true", help="two short pairs of everything: that it runs, not how fast")
    options = parser.parse_args()
    options.build = options.build.resolve()
    here = options.build / "bench"
    options.output = options.output or (here / "results" if options.quick or options.only else ROOT / "docs" / "benchmarks")
    options.work = (options.work or here / "work").resolve()
    return options


def say(words):
    print(words, flush=True)


def wanted(options, group, name):
    return not options.only or re.search(options.only, f"{group}: {name}") is not None


def run_case(options, case):
    say(f"{time.strftime('%H:%M:%S')} {case.group}: {case.name}")
    pairs = options.pairs or (2 if options.quick else case.pairs)
    outcome = run_pairs(options.build, options.work, case, pairs, say)
    result = {"name": case.name, "group": case.group, "parameters": case.parameters, "rounds": outcome["rounds"]}
    if "error" in outcome:
        say(f"   not measured: {outcome['error']}")
        return {**result, "error": outcome["error"]}
    result["lines"] = summarize(case, outcome)
    for line in result["lines"]:
        ratio = line.get("ratio")
        say(f"   {line['what']}: " + ", ".join(f"{arm} {value:.5g}" for arm, value in line["medians"].items()) +
            (f", ratio {ratio['median']:.3g}" if ratio else "") + (f" ({line['verdict']})" if line["verdict"] else ""))
    return result


def measured(options, about, results, more):
    """Adds results as they come, and writes all down each time; those of earlier runs stay with --merge."""
    earlier = []
    if options.merge and (options.output / "results.json").exists():
        earlier = json.loads((options.output / "results.json").read_text())["results"]
    for result in more:
        results.append({**result, "measured": {key: about[key] for key in ("date", "commit")},
                        "load": [round(each, 1) for each in os.getloadavg()]})
        by_name = {(each["group"], each["name"]): each for each in earlier + results}  # a later one in the place of its elder
        report.write(options.output, about, list(by_name.values()))


def main():
    options = arguments()
    try:
        worker = Worker(options.build, "commits", "strata", options.work / "about", {})
    except (OSError, WorkerFailed) as error:
        sys.exit(f"{options.build}: not built, or broken: {error}")
    about = machine.describe(ROOT, options.work, worker.about)
    worker.close()
    results = []
    measured(options, about, results, (run_case(options, case) for case in cases.all_cases(options.quick)
                                       if wanted(options, case.group, case.name)))
    if wanted(options, "speedtest1", "") and not options.quick:
        say("speedtest1")
        measured(options, about, results,
                 [speedtest.run(ROOT, options.build, options.work / "speedtest1", options.quick, say)])
    if wanted(options, "system calls", ""):
        say("system calls")
        measured(options, about, results, syscalls.run(options.build, options.work / "strace", options.quick, say))
    shutil.rmtree(options.work, ignore_errors=True)
    failed = [result for result in results if "error" in result]
    say(f"{len(results)} cases, {len(failed)} not measured; {options.output}/results.md")
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main())

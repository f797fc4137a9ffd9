#!/usr/bin/env python3
"""Runs files of SQLite's own test suite with every database in WAL mode, on stock SQLite and on Strata, and compares.

  suite.py --build BUILD --exceptions FILE [--all] [FILE.test ...]

BUILD/testfixture holds what tools/build_testfixture made, with the engine. A test that fails on Strata and not on stock is
an error, unless FILE lists it with a reason (lines: test name pattern, tab, reason); so is a listed pattern that no failing
test needs, when its file was run. --all runs every file of SQLite's `veryquick` set: about an hour on 2 cores.
"""
import argparse, concurrent.futures, fnmatch, os, re, shutil, subprocess, sys, tempfile

RUN = """
set argv0 {%(test_dir)s/strata.test}
set argv {}
source {%(test_dir)s/permutations.test}
%(suite)s
finish_test
"""
FILES = "run_tests wal-files -presql {pragma journal_mode = wal} -files {%s}"


def veryquick(fixture, test_dir):
    script = write_script(test_dir, "puts [join $allquicktests]")
    out = subprocess.run([fixture, script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=os.path.dirname(script))
    shutil.rmtree(os.path.dirname(script))
    return next(line for line in out.stdout.decode("latin1").splitlines() if ".test " in line).split()


def write_script(test_dir, suite):
    folder = tempfile.mkdtemp(prefix="strata-suite.")
    path = os.path.join(folder, "run.test")
    with open(path, "w") as out:
        out.write(RUN % {"test_dir": test_dir, "suite": suite})
    return path


def run(fixture, test_dir, name, env, timeout):
    """(tests run, names of failing tests, ended in order)"""
    script = write_script(test_dir, FILES % name)
    try:
        done = subprocess.run([fixture, script], cwd=os.path.dirname(script), env=env, timeout=timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        out = done.stdout.decode("latin1")
    except subprocess.TimeoutExpired as late:
        out = (late.stdout or b"").decode("latin1")
    shutil.rmtree(os.path.dirname(script), ignore_errors=True)
    total = re.search(r"(\d+) errors out of (\d+) tests", out)
    failing = re.search(r"^!Failures on these tests: (.*)$", out, re.M)
    names = failing.group(1).split() if failing else []
    tests = int(total.group(2)) if total else len(re.findall(r"\.\.\. Ok$", out, re.M))
    return tests, set(names), total is not None


def read_exceptions(path):
    lines = (line.rstrip("\n").split("\t") for line in open(path) if line.strip() and not line.startswith("#"))
    return {pattern: reason for pattern, reason in lines}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True)
    parser.add_argument("--exceptions", required=True)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--timeout", type=int, default=300, help="seconds for one file")
    parser.add_argument("files", nargs="*")
    args = parser.parse_args()
    base = os.path.join(os.path.abspath(args.build), "testfixture")
    test_dir = os.path.join(base, "source", "test")
    stock, strata = (os.path.join(base, kind, "testfixture") for kind in ("stock", "strata"))
    files = veryquick(stock, test_dir) if args.all else args.files
    exceptions = read_exceptions(args.exceptions)
    plain = {k: v for k, v in os.environ.items() if k != "STRATA_WAL"}
    ours = dict(plain, STRATA_WAL="1")

    def both(name):
        return name, run(stock, test_dir, name, plain, args.timeout), run(strata, test_dir, name, ours, args.timeout)

    worse = tests_run = 0
    used = set()
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for name, before, after in pool.map(both, files):
            tests_run += after[0]
            new = sorted(after[1] - before[1])
            excused = {test: p for test in new for p in exceptions if fnmatch.fnmatch(test, p)}
            used |= set(excused.values())
            left = [test for test in new if test not in excused]
            fewer = after[0] < before[0] or (before[2] and not after[2])
            if left or fewer:
                worse += 1
                print("%s: %d of %d tests ran, new failures: %s" % (name, after[0], before[0], " ".join(left[:12]) or "none"))
    for pattern in sorted(set(exceptions) - used):
        if args.all:
            worse += 1
            print("exception %s: nothing needs it" % pattern)
    print("%d files, %d tests on Strata; %d worse than stock; %d exceptions used" % (len(files), tests_run, worse, len(used)))
    return 1 if worse or tests_run == 0 else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Runs SQLite's own test suite with every database in WAL mode, on stock SQLite and on Strata, and compares.

  suite.py --build BUILD [--all | --slow | FILE.test ...] [--out FOLDER] [--jobs N] [--timeout S]
  suite.py --compare STOCK.csv STRATA.csv

BUILD/testfixture holds what tools/build_testfixture made, with the engine. --all: every file of SQLite's `veryquick` set
(974, about half an hour of one core each); --slow: all others too, fault injection and out of memory among them (hours).
A file is worse when a test fails that passes on stock, when it runs fewer tests, or ends early or by a signal; that is an
error unless the list `exceptions` beside this script says so for the file. So is an exception that nothing needs, with --all.

Loops of fault injection are compared as such: the n-th allocation or call of the VFS fails, for every n, so that the code
under test decides how many rounds there are. A loop is worse when a round of it fails and none does on stock, or when it is
not there or does not end.

FOLDER gets stock.csv and strata.csv, a row a file as it ends: file, exit code, failures (or "crash"), tests, seconds, names
of failing tests outside of loops, loops (name, tests, rounds, failures, faults; "+" before one that did not end), and for
a file that ended early the tests that passed; the folders stock and strata, what each file printed; and counts.txt, how
often SQLite's injectors were asked by Strata's allocations and files, and failed them.
--compare compares such rows, of whichever run.
"""
import argparse, collections, concurrent.futures, fnmatch, os, re, shutil, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
NOT_TESTS = {"all.test", "quick.test", "veryquick.test", "extraquick.test", "full.test", "memleak.test", "soak.test"}
RUN = """
set argv0 {%(test_dir)s/strata.test}
set argv {}
source {%(test_dir)s/permutations.test}
rename slave_test_script strata_slave_test_script
proc slave_test_script {script} { strata_slave_test_script "source {%(here)s/adapt.tcl}\n$script" }
%(suite)s
finish_test
"""
FILES = "run_tests wal-files -presql {pragma journal_mode = wal} -files {%s}"
# Loops that a file writes out itself, where adapt.tcl sees none: a test's name, of which the first group is the loop's.
WRITTEN_OUT = {
    "diskfull.test": re.compile(r"(diskfull-2)\.\d+\."),
    "ioerr2.test": re.compile(r"(ioerr2-[34]\.\d)\.\d+\."),
    "mallocC.test": re.compile(r"(mallocC-1)\.\d+\."),
}
IN_ANY_FILE = re.compile(r"(\S+[.-](?:persistent|transient)(?:\.\d+)?)\.\d+$")


class Loop:
    """Rounds of an injector; do_ioerr_test has several tests a round, and a fault in every round but the last."""

    def __init__(self, name):
        self.name, self.tests, self.failures, self.faults, self.ended = name, [], 0, 0, False

    @property
    def rounds(self):
        of_ioerr = sum(bool(re.search(r"\.\d+\.3$", test)) for test in self.tests)
        several = of_ioerr and self.tests[0].endswith(".1") and self.name in self.tests[0]
        return of_ioerr if several and not self.faults else len(self.tests)

    def __str__(self):
        faults = self.faults or max(self.rounds - 1, 0)
        counts = (len(self.tests), self.rounds, self.failures, faults)
        return "%s%s:%d:%d:%d:%d" % ("" if self.ended else "+", self.name, *counts)


def failing_tests(out):
    """With repetitions. The list at the end is whole, but a file that ends early has none."""
    listed = re.search(r"^!Failures on these tests: (.*)$", out, re.M)
    if listed:
        return listed.group(1).split()
    return re.findall(r"^! (\S+) expected", out, re.M) + re.findall(r"^(\S+)\.\.\.\s*\nError: ", out, re.M)


def read_output(name, out):
    """Failing tests outside of loops, and the loops by name, of what a file printed."""
    failing, loops, open_loops, seen = collections.Counter(failing_tests(out)), {}, [], collections.Counter()
    written_out = WRITTEN_OUT.get(name)

    def loop_named(loop):
        seen[loop] += 1
        unique = loop if seen[loop] == 1 else "%s#%d" % (loop, seen[loop])
        return loops.setdefault(unique, Loop(unique))

    for begun, ended, test in re.findall(r"^(?:#loop (\S+)|#end (\d+)|(\S+)\.\.\.(?!\S))", out, re.M):
        by_hand = test and not open_loops and (written_out or IN_ANY_FILE).match(test)
        if begun:
            open_loops.append(loop_named(begun))
        elif ended and open_loops:
            loop = open_loops.pop()
            loop.ended, loop.faults = True, int(ended)
        elif by_hand:
            loop = loops.get(by_hand.group(1)) or loop_named(by_hand.group(1))
            loop.ended = True
        else:
            loop = open_loops[-1] if open_loops else None
        if test and loop:
            loop.tests.append(test)
            if failing[test] > 0:
                failing[test] -= 1
                loop.failures += 1
    return sorted(failing.elements()), loops


def write_script(test_dir, suite):
    folder = tempfile.mkdtemp(prefix="strata-suite.")
    path = os.path.join(folder, "run.test")
    with open(path, "w") as out:
        out.write(RUN % {"test_dir": test_dir, "here": HERE, "suite": suite})
    return path


def veryquick(fixture, test_dir):
    script = write_script(test_dir, "puts [join $allquicktests]")
    out = subprocess.run([fixture, script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=os.path.dirname(script))
    shutil.rmtree(os.path.dirname(script))
    return next(line for line in out.stdout.decode("latin1").splitlines() if ".test " in line).split()


def every_file(test_dir):
    return sorted(f for f in os.listdir(test_dir) if f.endswith(".test") and f not in NOT_TESTS and "permutations" not in f)


def label(name, test_dir):
    """Files of the suite's extensions are named by their place in the source tree."""
    return os.path.relpath(os.path.join(test_dir, name), os.path.dirname(test_dir)) if "/" in name else name


def row_of(name, code, seconds, out):
    total = re.search(r"(\d+) errors out of (\d+) tests", out)
    failing, loops = read_output(name, out)
    failures, tests = total.groups() if total else ("crash", str(len(re.findall(r"^\S+\.\.\. Ok$", out, re.M))))
    passed = [] if total else sorted(set(re.findall(r"^(\S+)\.\.\. Ok$", out, re.M)))
    return [name, code, failures, tests, "%.1f" % seconds, " ".join(failing), " ".join(map(str, loops.values())), " ".join(passed)]


def run(fixture, test_dir, name, env, timeout, printed):
    """A row; what the file prints goes to the folder `printed`.

    A test build of SQLite seeds its random numbers with zeros: two that run at once would choose the same names for
    temporary files, so each gets a folder of its own.
    """
    script = write_script(test_dir, FILES % (os.path.join(test_dir, name) if "/" in name else name))
    env = dict(env, SQLITE_TMPDIR=os.path.dirname(script))
    begun = time.time()
    try:
        done = subprocess.run([fixture, script], cwd=os.path.dirname(script), env=env, timeout=timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        out, code = done.stdout.decode("latin1"), str(done.returncode)
    except subprocess.TimeoutExpired as late:
        out, code = (late.stdout or b"").decode("latin1"), "timeout"
    shutil.rmtree(os.path.dirname(script), ignore_errors=True)
    with open(os.path.join(printed, label(name, test_dir).replace("/", "-")), "w", encoding="latin1") as file:
        file.write(out)
    return row_of(label(name, test_dir), code, time.time() - begun, out)


Result = collections.namedtuple("Result", "code failures tests failing loops passed")
LoopResult = collections.namedtuple("LoopResult", "tests rounds failures faults ended")


def result_of(row):
    loops = {}
    for each in row[6].split():
        name, *counts = each.rsplit(":", 4)
        loops[name.lstrip("+")] = LoopResult(*map(int, counts), not name.startswith("+"))
    failures = None if row[2] == "crash" else int(row[2])
    return Result(row[1], failures, int(row[3]), collections.Counter(row[5].split()), loops, set(row[7].split()))


def unnamed(result):
    """Failures that no test's name stands for."""
    return (result.failures or 0) - sum(result.failing.values()) - sum(loop.failures for loop in result.loops.values())


def ended_early(result):
    return result.code == "timeout" or result.failures is None


def by_signal(result):
    return result.code.startswith("-")


def tests_outside(result):
    return result.tests - sum(loop.tests for loop in result.loops.values())


def how_worse(stock_row, strata_row):
    """What is worse on Strata: names of tests and loops, "failures" without a name, "fewer", "signal", "ends"."""
    stock, strata = result_of(stock_row), result_of(strata_row)
    worse = sorted((strata.failing - stock.failing).keys())
    if ended_early(stock):
        worse = [test for test in worse if test in stock.passed]
    lost = False
    for name, loop in sorted(stock.loops.items()):
        there = strata.loops.get(name)
        lost = lost or there is None or (loop.ended and not there.ended)
    for name, loop in sorted(strata.loops.items()):
        reached = name in stock.loops or not ended_early(stock)
        if loop.failures and reached and not (name in stock.loops and stock.loops[name].failures):
            worse.append(name)
    if unnamed(strata) > max(unnamed(stock), 0) and not ended_early(stock):
        worse.append("failures")
    if by_signal(strata) and not by_signal(stock):
        worse.append("signal")
    if ended_early(strata) and not ended_early(stock):
        worse.append("ends")
    elif stock.code != "timeout" and (lost or tests_outside(strata) < tests_outside(stock)):
        worse.append("fewer")
    return worse


def read_exceptions():
    path = os.path.join(HERE, "exceptions")
    lines = (line.rstrip("\n").split("\t") for line in open(path) if line.strip() and not line.startswith("#"))
    return {name: patterns.split() for name, patterns, _ in lines}


def compare(stock, strata, all_files):
    """Prints what is worse and not excused; the number of such files."""
    exceptions, bad, excused = read_exceptions(), 0, 0
    for name in sorted(stock):
        worse = how_worse(stock[name], strata[name]) if name in strata else ["no result"]
        patterns = exceptions.get(name, [])
        left = [each for each in worse if not any(fnmatch.fnmatch(each, p) for p in patterns)]
        excused += bool(worse) and not left
        if left:
            bad += 1
            print("%s: %s of %s tests ran, worse than stock: %s" % (name, strata[name][3] if name in strata else "0", stock[name][3],
                                                                     " ".join(left[:12])))
        if all_files and patterns and not worse:
            bad += 1
            print("%s: nothing needs its exception" % name)
    for kind, rows in (("stock", stock), ("Strata", strata)):
        loops = [loop for row in rows.values() for loop in result_of(row).loops.values()]
        print("fault injection on %-6s: %d loops, %d rounds, %d faults, %d rounds failed" %
              (kind, len(loops), sum(each.rounds for each in loops), sum(each.faults for each in loops),
               sum(each.failures for each in loops)))
    print("%d files; tests on stock %d, on Strata %d; %d files worse, %d as the exceptions say" %
          (len(stock), sum(int(r[3]) for r in stock.values()), sum(int(r[3]) for r in strata.values()), bad, excused))
    return bad


def read(path):
    return {row[0]: row for row in (line.rstrip("\n").split("\t") for line in open(path))}


def run_both(args):
    base = os.path.join(os.path.abspath(args.build), "testfixture")
    test_dir = os.path.join(base, "source", "test")
    fixtures = {kind: os.path.join(base, kind, "testfixture") for kind in ("stock", "strata")}
    out = args.out or tempfile.mkdtemp(prefix="strata-suite-out.")
    os.makedirs(out, exist_ok=True)
    plain = {k: v for k, v in os.environ.items() if k != "STRATA_WAL"}
    env = {"stock": plain,
           "strata": dict(plain, STRATA_WAL="1", STRATA_INJECTION_COUNTS=os.path.join(os.path.abspath(out), "counts.txt"))}
    for name in args.files:
        if not os.path.isfile(os.path.join(test_dir, name)):
            sys.exit("%s: no such file in %s" % (name, test_dir))
    files = args.files or (every_file(test_dir) if args.slow else veryquick(fixtures["stock"], test_dir))
    rows = {}
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for kind in ("stock", "strata"):
            printed = os.path.join(out, kind)
            os.makedirs(printed, exist_ok=True)
            with open(printed + ".csv", "w") as file:
                rows[kind] = {}
                for row in pool.map(lambda name: run(fixtures[kind], test_dir, name, env[kind], args.timeout, printed),
                                    files):
                    rows[kind][row[0]] = row
                    file.write("\t".join(row) + "\n")
                    file.flush()
    print("results: %s" % out)
    counts = os.path.join(out, "counts.txt")
    if os.path.exists(counts):
        sums = [sum(map(int, column)) for column in zip(*(re.findall(r"\d+", line) for line in open(counts)))]
        print("Strata's allocations asked SQLite's injector %d times, which refused %d; its file calls %d, failed %d" % tuple(sums))
    return rows["stock"], rows["strata"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--slow", action="store_true")
    parser.add_argument("--out")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--timeout", type=int, default=300, help="seconds for one file")
    parser.add_argument("--compare", nargs=2, metavar="CSV")
    parser.add_argument("files", nargs="*")
    args = parser.parse_args()
    if args.compare:
        stock, strata = map(read, args.compare)
    elif args.build and (args.all or args.slow or args.files):
        stock, strata = run_both(args)
    else:
        parser.error("say --compare, or --build with --all, --slow or files")
    bad = compare(stock, strata, args.all or args.slow)
    return 1 if bad or not stock else 0


if __name__ == "__main__":
    sys.exit(main())

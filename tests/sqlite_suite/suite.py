#!/usr/bin/env python3
"""Runs SQLite's own test suite with every database in WAL mode, on stock SQLite and on Strata, and compares.

  suite.py --build BUILD [--all | --slow | FILE.test ...] [--out FOLDER] [--jobs N] [--timeout S]
  suite.py --compare STOCK.csv STRATA.csv

BUILD/testfixture holds what tools/build_testfixture made, with the engine. --all: every file of SQLite's `veryquick` set
(974, about half an hour of one core each); --slow: all others too, fault injection and out of memory among them (hours).
A file is worse when a test fails that passes on stock, when it runs fewer tests, or ends early; that is an error unless the
list `exceptions` beside this script says so for the file. So is an exception that nothing needs, with --all.

FOLDER gets stock.csv and strata.csv, a row a file as it ends: file, exit code, failures (or "crash"), tests, seconds, names
of failing tests, rounds of fault injection; and counts.txt, how often SQLite's injectors were asked by Strata's allocations
and files, and failed them.
--compare compares such rows, of whichever run.
"""
import argparse, concurrent.futures, fnmatch, os, re, shutil, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
NOT_TESTS = {"all.test", "quick.test", "veryquick.test", "extraquick.test", "full.test", "memleak.test", "soak.test"}
RUN = """
set argv0 {%(test_dir)s/strata.test}
set argv {}
source {%(test_dir)s/permutations.test}
%(suite)s
finish_test
"""
# Tests that are one round of an injector: the n-th allocation, or call of the VFS, fails.
ROUND = re.compile(r"^\S*(?:-(?:oom|ioerr|full|shmerr|cantopen)\S*|\.(?:transient|persistent)|ioerr\S*\.\d+)\.\d+\.\.\.", re.M)
FILES = "run_tests wal-files -presql {pragma journal_mode = wal} -files {%s}"


def write_script(test_dir, suite):
    folder = tempfile.mkdtemp(prefix="strata-suite.")
    path = os.path.join(folder, "run.test")
    with open(path, "w") as out:
        out.write(RUN % {"test_dir": test_dir, "suite": suite})
    return path


def veryquick(fixture, test_dir):
    script = write_script(test_dir, "puts [join $allquicktests]")
    out = subprocess.run([fixture, script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=os.path.dirname(script))
    shutil.rmtree(os.path.dirname(script))
    return next(line for line in out.stdout.decode("latin1").splitlines() if ".test " in line).split()


def every_file(test_dir):
    return sorted(f for f in os.listdir(test_dir) if f.endswith(".test") and f not in NOT_TESTS and "permutations" not in f)


def run(fixture, test_dir, name, env, timeout):
    """A row: file, exit code, failures, tests, seconds, names, rounds.

    A test build of SQLite seeds its random numbers with zeros: two that run at once would choose the same names for
    temporary files, so each gets a folder of its own.
    """
    script = write_script(test_dir, FILES % name)
    env = dict(env, SQLITE_TMPDIR=os.path.dirname(script))
    begun = time.time()
    try:
        done = subprocess.run([fixture, script], cwd=os.path.dirname(script), env=env, timeout=timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        out, code = done.stdout.decode("latin1"), str(done.returncode)
    except subprocess.TimeoutExpired as late:
        out, code = (late.stdout or b"").decode("latin1"), "timeout"
    shutil.rmtree(os.path.dirname(script), ignore_errors=True)
    total = re.search(r"(\d+) errors out of (\d+) tests", out)
    failing = sorted(set(re.findall(r"^! (\S+) expected", out, re.M)))
    failures, tests = total.groups() if total else ("crash", str(len(re.findall(r"\.\.\. Ok$", out, re.M))))
    return [name, code, failures, tests, "%.1f" % (time.time() - begun), " ".join(failing), str(len(ROUND.findall(out)))]


def ended_early(row):
    return row[1] == "timeout" or row[2] == "crash"


def how_worse(stock, strata):
    """What is worse on Strata: names of tests, "fewer", "ends"."""
    names = [set(re.sub(r"^aw-", "", test) for test in row[5].split()) for row in (stock, strata)]
    worse = sorted(names[1] - names[0])
    if ended_early(strata) and not ended_early(stock):
        worse.append("ends")
    elif int(strata[3]) < int(stock[3]) and stock[1] != "timeout":
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
    rounds = [sum(int(row[6]) for row in rows.values() if len(row) > 6) for rows in (stock, strata)]
    print("rounds of fault injection: on stock %d, on Strata %d" % tuple(rounds))
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
    files = args.files or (every_file(test_dir) if args.slow else veryquick(fixtures["stock"], test_dir))
    rows = {}
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for kind in ("stock", "strata"):
            with open(os.path.join(out, kind + ".csv"), "w") as file:
                rows[kind] = {}
                for row in pool.map(lambda name: run(fixtures[kind], test_dir, name, env[kind], args.timeout), files):
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
    bad = compare(stock, strata, args.all)
    return 1 if bad or not stock else 0


if __name__ == "__main__":
    sys.exit(main())

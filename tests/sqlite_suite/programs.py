#!/usr/bin/env python3
"""Builds and runs the test programs of SQLite's source tree on the drop-in library: speedtest1 (the same result hashes as
stock SQLite), kvtest, threadtest3 and mptest.

  programs.py --build BUILD [--all] [--only NAME ...]

BUILD/testfixture/source is the tree that tools/build_testfixture gets; BUILD/lib holds the libraries. Without --all it runs
a slice of about 20 seconds: speedtest1 and kvtest at a small size, one test of threadtest3, mptest's multiwrite01. A script of mptest that fails is run on stock SQLite too, and must fail alike there.

threadtest3 copies a log in one of its tests (walthread5). Strata's is a directory, and that is copied in its place: nothing
else in the program is changed.
"""
import argparse, os, re, shutil, subprocess, sys, tempfile

SPEED = ["--verify", "--journal", "wal"]
PROGRAMS = {"speedtest1": ["test/speedtest1.c"], "kvtest": ["test/kvtest.c"],
            "threadtest3": ["test/threadtest3.c", "src/test_multiplex.c"], "mptest": ["mptest/mptest.c"]}


COPY = """static void filecopy_x(Error *pErr, const char *zFrom, const char *zTo){
  char *command = sqlite3_mprintf("rm -rf '%s' && cp -a '%s' '%s'", zTo, zFrom, zTo);
  if( pErr->rc==SQLITE_OK && system(command)!=0 ) system_error(pErr, EIO);
  sqlite3_free(command);
}

"""


def copying_directories(text):
    """threadtest3.c, whose copies of a log may be of a directory."""
    for place, there in (("static void filecopy_x(", "static void filecopy_of_a_file("),
                         ("static char *walthread5_thread(", COPY + "static char *walthread5_thread(")):
        assert text.count(place) == 1, place
        text = text.replace(place, there)
    return text


class Runner:
    def __init__(self, build):
        self.lib = os.path.join(build, "lib")
        self.source = os.path.join(build, "testfixture", "source")
        self.include = os.path.join(build, "sqlite", "generated", "include")
        self.bin = os.path.join(build, "testfixture", "programs")
        os.makedirs(self.bin, exist_ok=True)
        self.folder = tempfile.mkdtemp(prefix="strata-programs.")

    def compile(self, name, kind):
        """The program, linked with libsqlite3.so (kind strata) or libsqlite3-stock.so."""
        to = os.path.join(self.bin, "%s-%s" % (name, kind))
        sources = [self.source_of(name, each) for each in PROGRAMS[name]]
        if not os.path.exists(to) or any(os.path.getmtime(to) < os.path.getmtime(each) for each in sources):
            library = "sqlite3" if kind == "strata" else "sqlite3-stock"
            subprocess.run(["gcc", "-O2", "-w", "-I" + self.include, "-I" + os.path.join(self.source, "test"),
                            "-I" + os.path.join(self.source, "src"), *sources, "-o", to, "-L" + self.lib, "-l" + library,
                            "-Wl,-rpath," + self.lib, "-lpthread", "-ldl", "-lm"], check=True)
        return to

    def source_of(self, name, file):
        path = os.path.join(self.source, file)
        if name != "threadtest3" or not file.endswith("threadtest3.c"):
            return path
        changed = os.path.join(self.bin, "threadtest3.c")
        text = copying_directories(open(path, encoding="latin1").read())
        if not os.path.exists(changed) or open(changed, encoding="latin1").read() != text:
            with open(changed, "w", encoding="latin1") as out:
                out.write(text)
        return changed

    def run(self, name, kind, *args, timeout=3600):
        env = {k: v for k, v in os.environ.items() if k != "STRATA_WAL"}
        if kind == "strata":
            env["STRATA_WAL"] = "1"
        done = subprocess.run([self.compile(name, kind), *args], cwd=self.folder, env=env, timeout=timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout.decode("latin1")


def check(name, passed, what):
    print("%-12s %s: %s" % (name, "passed" if passed else "FAILED", what))
    return passed


def speedtest1(runner, all_of_it):
    hashes = {}
    for kind in ("stock", "strata"):
        code, out = runner.run("speedtest1", kind, *SPEED, "--size", "100" if all_of_it else "5", "speed-%s.db" % kind)
        hashes[kind] = (code, re.findall(r"Verification Hash: (.*)", out))
    return check("speedtest1", hashes["stock"] == hashes["strata"] and hashes["strata"][0] == 0 and hashes["strata"][1],
                 "stock %s, Strata %s" % (hashes["stock"], hashes["strata"]))


def kvtest(runner, all_of_it):
    count = "10000" if all_of_it else "500"
    codes = [runner.run("kvtest", "strata", "init", "kv.db", "--count", count, "--size", "12000")[0]]
    for how in (["--random"], ["--asc"], ["--desc"], ["--update", "--random"], ["--random", "--blob-api"]):
        codes.append(runner.run("kvtest", "strata", "run", "kv.db", "--count", count, "--jmode", "wal", *how)[0])
    codes.append(runner.run("kvtest", "strata", "stat", "kv.db")[0])
    return check("kvtest", not any(codes), "exit codes %s" % codes)


def threadtest3(runner, all_of_it):
    code, out = runner.run("threadtest3", "strata", *([] if all_of_it else ["walthread5"]))
    tests = re.findall(r"^Running (\S+)", out, re.M)
    errors = [line for line in out.splitlines() if "rror" in line]
    return check("threadtest3", code == 0 and tests, "%d tests; %s" % (len(tests), "; ".join(errors[-5:])))


def mptest(runner, all_of_it):
    passed = True
    for script in ("multiwrite01",) + (("crash01", "config01", "config02") if all_of_it else ()):
        path = os.path.join(runner.source, "mptest", script + ".test")
        summaries = {}
        for kind in ("strata", "stock"):
            code, out = runner.run("mptest", kind, "mp-%s-%s.db" % (script, kind), path, "--journalmode", "WAL", "--timeout",
                                   "60000")
            found = re.search(r"Summary: (\d+) errors out of (\d+) tests", out)
            summaries[kind] = [int(each) for each in found.groups()] if found else [sys.maxsize, 0]
            if code == 0:
                break
        what = ", ".join("%s %d errors in %d tests" % (kind, *counts) for kind, counts in summaries.items())
        good = code == 0 and "stock" not in summaries or summaries["strata"] == summaries.get("stock")
        passed = check("mptest", good, "%s: %s" % (script, what)) and passed
    return passed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", nargs="+", default=list(PROGRAMS), choices=list(PROGRAMS))
    args = parser.parse_args()
    runner = Runner(os.path.abspath(args.build))
    steps = {"speedtest1": speedtest1, "kvtest": kvtest, "threadtest3": threadtest3, "mptest": mptest}
    results = [steps[name](runner, args.all) for name in args.only]
    shutil.rmtree(runner.folder, ignore_errors=True)
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())

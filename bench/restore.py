#!/usr/bin/env python3
"""How long a restore from a store in a directory takes, against copying the same file: pairs in turn, each ending with
the data on disk.

restore.py [--build DIR] [--work DIR] [--megabytes N] [--pairs N] [--codec raw|zstd|dictionary] [--no-sync]
"""

import argparse
import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Half of a row is words that compress, half is noise: pages come to about 55% with zstd.
FILL = """
import os, random, sqlite3, sys
path, megabytes = sys.argv[1], int(sys.argv[2])
words = [("%x" % random.Random(i).getrandbits(40)) for i in range(2000)]
choose = random.Random(7)
database = sqlite3.connect(path, isolation_level=None)
database.execute("PRAGMA journal_mode=off")
database.execute("PRAGMA synchronous=off")
database.execute("CREATE TABLE t(n INTEGER PRIMARY KEY, words, noise)")
database.execute("BEGIN")
for n in range(megabytes * 500):
    database.execute("INSERT INTO t VALUES(?,?,?)", (n, " ".join(choose.choices(words, k=90)), os.urandom(950)))
database.execute("COMMIT")
"""

ADOPT = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], uri=True, isolation_level=None)
database.execute("UPDATE t SET noise = NULL WHERE n = 0")
database.close()
"""


def run(command, **options):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True, **options).stdout


class Bench:
    def __init__(self, options, folder):
        self.options = options
        self.folder = pathlib.Path(folder)
        self.source = self.folder / "app.db"
        self.target = self.folder / "restored.db"
        self.store = f"file://{self.folder}/store"
        self.strata = options.build / "bin" / "strata"

    def prepare(self):
        run([sys.executable, "-c", FILL, self.source, self.options.megabytes])
        environment = {**os.environ, "LD_LIBRARY_PATH": str(self.options.build / "lib")}
        uri = f"file:{self.source}?wal=strata&store={self.store}&namespace=app&dictionary_frames=0&close_ship_ms=3600000"
        run([sys.executable, "-c", ADOPT, uri], env=environment)
        run([self.strata, "compact", "app", "--store", self.store, "--strategy", "all", "--codec", self.options.codec,
             "--level", 3])

    def timed(self, command):
        self.target.unlink(missing_ok=True)
        if not self.options.no_sync:
            os.sync()
        began = time.monotonic()
        output = run(command)
        if not self.options.no_sync:
            run(["sync", self.target])
        return time.monotonic() - began, output

    def copy(self):
        return self.timed(["cp", "--reflink=never", self.source, self.target])[0]

    def restore(self):
        more = ["--parallelism", self.options.parallelism] if self.options.parallelism else []
        return self.timed([self.strata, "restore", "app", "-o", self.target, "--store", self.store, "--json", *more])[0]

    def estimate(self):
        return json.loads(run([self.strata, "restore", "app", "-o", self.target, "--store", self.store, "--json",
                               "--dry-run"]))["estimated_seconds"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("--work", type=pathlib.Path, help="where the files go; default: the temporary directory")
    parser.add_argument("--megabytes", type=int, default=512)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--parallelism", type=int)
    parser.add_argument("--codec", choices=("raw", "zstd", "dictionary"), default="raw")
    parser.add_argument("--no-sync", action="store_true", help="for a file system in memory")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="strata-restore-bench-", dir=options.work) as folder:
        bench = Bench(options, folder)
        bench.prepare()
        size = bench.source.stat().st_size
        print(f"{size / 1e6:.0f} MB, codec {options.codec}, estimate {bench.estimate():.2f} s")
        pairs = []
        for number in range(options.pairs):
            first, second = (bench.copy, bench.restore) if number % 2 == 0 else (bench.restore, bench.copy)
            a, b = first(), second()
            pairs.append((a, b) if number % 2 == 0 else (b, a))
            print(f"  cp {pairs[-1][0]:.3f} s, restore {pairs[-1][1]:.3f} s", flush=True)
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
        ratios = [b / a for a, b in pairs]
        print(f"restore / cp: median {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}); "
              f"{size / 1e6 / statistics.median(b for _, b in pairs):.0f} MB/s; largest child {memory / 2**20:.0f} MiB")


if __name__ == "__main__":
    main()

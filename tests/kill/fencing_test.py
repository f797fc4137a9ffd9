#!/usr/bin/env python3
"""Two writers, one namespace: a stopped process comes back after another one took over, and changes nothing.

fencing_test.py BUILD [--rounds N] [--seed N]; LD_LIBRARY_PATH leads to the drop-in library. The store is a directory, or
what STRATA_TEST_STORE names (an URL under which each round uses a namespace of its own).

Each round: process A writes and ships; SIGSTOP at a random moment; its files are copied; process B opens the copy
with takeover=1, writes and ships; SIGCONT. A must be told, by a commit that fails; the store must hold just what B
holds, before and after A woke up, and verify must find nothing.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

SETTINGS = "seal_ms=20&seal_bytes=65536&checkpoint_bytes=65536"
LIMIT_S = 60


def child(uri, who):
    """Writes numbered rows until told otherwise; says what became of it."""
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=60)
    connection.execute("CREATE TABLE IF NOT EXISTS rows(who TEXT, number INTEGER, payload BLOB)")
    number = 0
    while True:
        number += 1
        try:
            connection.execute("INSERT INTO rows VALUES(?, ?, ?)", (who, number, os.urandom(300)))
        except sqlite3.Error as error:
            print(json.dumps({"number": number, "error": str(error)}), flush=True)
            sys.stdin.readline()
            return
        print(json.dumps({"number": number}), flush=True)
        if number % 50 == 0:
            time.sleep(0.01)


class Writer:
    def __init__(self, path, store, namespace, who, more=""):
        self.uri = f"file:{path}?wal=strata&store={store}&namespace={namespace}&{SETTINGS}{more}"
        self.process = subprocess.Popen([sys.executable, __file__, "--child", self.uri, who], stdout=subprocess.PIPE,
                                        stdin=subprocess.PIPE, text=True)

    def acknowledged(self, count):
        for _ in range(count):
            line = self.process.stdout.readline()
            if not line or "error" in json.loads(line):
                return line or "exited"
        return None

    def until_told(self):
        """The message of the commit that failed; None when none did in time."""
        end = time.monotonic() + LIMIT_S
        while time.monotonic() < end:
            line = self.process.stdout.readline()
            if not line:
                return None
            answer = json.loads(line)
            if "error" in answer:
                return answer["error"]
        return None

    def kill(self):
        self.process.kill()
        self.process.wait()


def rows_of(path):
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        return connection.execute("SELECT who, number, payload FROM rows ORDER BY rowid").fetchall()


class Rounds:
    def __init__(self, build, folder, rng):
        self.strata = str(pathlib.Path(build) / "tools" / "strata")
        if not os.path.exists(self.strata):
            self.strata = str(next(p for p in pathlib.Path(build).rglob("strata") if p.is_file() and os.access(p, os.X_OK)))
        self.folder = folder
        self.store = os.environ.get("STRATA_TEST_STORE", f"file://{folder}/store")
        self.rng = rng
        self.findings = []
        self.late = 0

    def run_strata(self, *arguments):
        return subprocess.run([self.strata, *arguments, "--store", self.store], capture_output=True, text=True, check=False)

    def restored(self, namespace):
        output = self.folder / "restored.db"
        answer = self.run_strata("restore", namespace, "-o", str(output), "--force")
        if answer.returncode != 0:
            self.findings.append(f"{namespace}: restore: {answer.stderr.strip()}")
            return None
        return rows_of(output)

    def round(self, number):
        namespace = f"fence-{os.getpid()}-{number}"
        here, there = self.folder / f"{number}-a", self.folder / f"{number}-b"
        here.mkdir()
        a = Writer(here / "app.db", self.store, namespace, "A")
        problem = a.acknowledged(self.rng.randrange(100, 900))
        if problem:
            self.findings.append(f"{namespace}: A: {problem}")
        time.sleep(self.rng.random() * 0.2)
        os.kill(a.process.pid, signal.SIGSTOP)
        shutil.copytree(here, there)
        b = Writer(there / "app.db", self.store, namespace, "B", "&takeover=1")
        problem = b.acknowledged(200)
        if problem:
            self.findings.append(f"{namespace}: B: {problem}")
        time.sleep(0.3)
        b.kill()
        self.ship(there / "app.db", namespace)
        wanted = rows_of(there / "app.db")
        self.compare(namespace, "before A woke up", wanted)
        os.kill(a.process.pid, signal.SIGCONT)
        told = a.until_told()
        if told is None:
            self.findings.append(f"{namespace}: A was never told")
        time.sleep(0.2)
        a.kill()
        self.compare(namespace, "after A woke up", wanted)
        self.verify(namespace)
        return told

    def ship(self, path, namespace):
        """Opens and closes cleanly: everything is in the store and in the plain file then."""
        code = ("import sqlite3, sys\nc = sqlite3.connect(sys.argv[1], uri=True, isolation_level=None)\n"
                "c.execute('SELECT count(*) FROM rows').fetchone()\n"
                "c.execute('INSERT INTO rows VALUES(\"B\", 0, NULL)')\nc.close()\n")
        uri = f"file:{path}?wal=strata&store={self.store}&namespace={namespace}&{SETTINGS}&close_ship_ms=60000"
        subprocess.run([sys.executable, "-c", code, uri], check=True)

    def compare(self, namespace, when, wanted):
        found = self.restored(namespace)
        if found is not None and found != wanted:
            self.findings.append(f"{namespace}, {when}: the store has {len(found)} rows, B has {len(wanted)}")

    def verify(self, namespace):
        answer = self.run_strata("verify", namespace, "--full", "--json")
        if answer.returncode != 0:
            self.findings.append(f"{namespace}: verify: {answer.stdout} {answer.stderr}")
        elif "an orphan" in answer.stdout:
            self.late += 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    with tempfile.TemporaryDirectory(prefix="strata-fencing-") as folder:
        rounds = Rounds(arguments.build, pathlib.Path(folder), random.Random(arguments.seed))
        for number in range(arguments.rounds):
            told = rounds.round(number)
            print(f"round {number}: A was told: {told}", flush=True)
        print(f"{rounds.late} of {arguments.rounds} rounds left an object that came too late")
    for finding in rounds.findings:
        print(f"FAILED: {finding}")
    sys.exit(1 if rounds.findings else 0)


if __name__ == "__main__":
    if sys.argv[1] == "--child":
        child(*sys.argv[2:])
    else:
        main()

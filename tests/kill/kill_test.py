#!/usr/bin/env python3
"""A writing process is killed (SIGKILL) again and again: no acknowledged commit is lost, none appears in part.

kill_test.py BUILD [--rounds N] [--seed N]; LD_LIBRARY_PATH leads to the drop-in library.

Each commit inserts a numbered set of rows, one number after the other, and is then acknowledged in a file outside of
the database. After each kill a new process opens the database, looks, and goes on writing. Databases with and without
a store take turns, at synchronous OFF, NORMAL and FULL: the machine stays up, so that all three must keep everything.
"""

import argparse
import json
import os
import pathlib
import random
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time

THREADS = 2
WINDOW = 2000  # numbers kept in the database
OPEN_LIMIT_S = 1  # each; on a busy machine one opening in fifty may take
SLOW_OPEN_S = 5
VERIFY_EVERY = 20  # kills; before anybody opens the database again
SYNCHRONOUS = ["FULL", "NORMAL", "OFF"]
SETTINGS = "segment_bytes=262144&seal_bytes=131072&seal_ms=50&unsynced_ms=50&checkpoint_bytes=131072"


def connect(uri, synchronous):
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=60)
    connection.execute(f"PRAGMA synchronous={synchronous}")
    return connection


# ---- the process that is killed ----

def look(connection):
    """What recovery left: the numbers that are there, and whether all is whole."""
    low, high, count = connection.execute("SELECT min(number), max(number), count(*) FROM commits").fetchone()
    torn = connection.execute("SELECT count(*) FROM commits c WHERE rows != "
                              "(SELECT count(*) FROM rows r WHERE r.number = c.number)").fetchone()[0]
    strays = connection.execute("SELECT count(*) FROM rows WHERE number NOT IN (SELECT number FROM commits)").fetchone()[0]
    return {"high": high or 0, "gaps": 0 if high is None else high - low + 1 - count, "torn": torn + strays,
            "integrity": connection.execute("PRAGMA integrity_check").fetchone()[0]}


def write(uri, synchronous, acknowledgements, seed):
    rng = random.Random(seed)
    connection = connect(uri, synchronous)
    connection.execute("PRAGMA cache_size=20")  # larger transactions spill
    while True:
        rows = rng.choice([1, 1, 1, 3, 10, 100])
        connection.execute("BEGIN IMMEDIATE")
        number = connection.execute("SELECT coalesce(max(number), 0) + 1 FROM commits").fetchone()[0]
        connection.execute("INSERT INTO commits VALUES(?, ?)", (number, rows))
        connection.executemany("INSERT INTO rows VALUES(?, ?)",
                               [(number, rng.randbytes(rng.randrange(400))) for _ in range(rows)])
        connection.execute("DELETE FROM rows WHERE number <= ?", (number - WINDOW,))
        connection.execute("DELETE FROM commits WHERE number <= ?", (number - WINDOW,))
        connection.execute("COMMIT")
        os.write(acknowledgements, struct.pack("<Q", number))


def child(uri, synchronous, path, seed):
    begun = time.monotonic()
    connection = connect(uri, synchronous)
    connection.execute("CREATE TABLE IF NOT EXISTS commits(number INTEGER PRIMARY KEY, rows INTEGER NOT NULL)")
    connection.execute("CREATE TABLE IF NOT EXISTS rows(number INTEGER NOT NULL, payload BLOB)")
    connection.execute("CREATE INDEX IF NOT EXISTS rows_by_number ON rows(number)")
    seconds = time.monotonic() - begun
    print(json.dumps({"open_seconds": seconds, **look(connection)}), flush=True)
    acknowledgements = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    threads = [threading.Thread(target=write, args=(uri, synchronous, acknowledgements, seed + i)) for i in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# ---- the one that kills ----

class Database:
    def __init__(self, folder, with_store):
        self.path = folder / ("stored.db" if with_store else "alone.db")
        self.acknowledgements = folder / (self.path.name + ".acknowledged")
        self.uri = f"file:{self.path}?wal=strata&{SETTINGS}"
        self.store = f"file://{folder}/store"
        self.with_store = with_store
        if with_store:
            self.uri += f"&store={self.store}&namespace=kills"

    def acknowledged(self):
        if not self.acknowledgements.exists():
            return 0
        data = self.acknowledgements.read_bytes()
        return max(number for (number,) in struct.iter_unpack("<Q", data)) if data else 0


class Kills:
    def __init__(self, build, rng):
        self.build = build
        self.rng = rng
        self.findings = []
        self.opens = []
        self.commits = 0
        self.verified = 0  # times, right after a kill

    def start(self, database, synchronous):
        return subprocess.Popen([sys.executable, __file__, "--child", database.uri, synchronous,
                                 str(database.acknowledgements), str(self.rng.randrange(2**32))],
                                stdout=subprocess.PIPE, text=True)

    def round(self, number, database, synchronous):
        before = database.acknowledged()
        process = self.start(database, synchronous)
        line = process.stdout.readline()
        if not line:
            self.findings.append(f"round {number}: {database.path.name} cannot be opened, exit code {process.wait()}")
            return False
        self.judge(number, database, before, json.loads(line))
        deadline = time.monotonic() + 60
        while database.acknowledged() == before and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.001)
        time.sleep(self.rng.random() ** 2 * 0.3)
        process.send_signal(signal.SIGKILL)
        if process.wait() != -signal.SIGKILL:
            self.findings.append(f"round {number}: the writer ended by itself with {process.returncode}")
        process.stdout.close()
        if database.acknowledged() == before:
            self.findings.append(f"round {number}: nothing was committed")
        self.commits += database.acknowledged() - before
        if database.with_store and number % VERIFY_EVERY == VERIFY_EVERY - 1:
            self.strata("verify", "--store", database.store, "kills", "--full")
            self.verified += 1
        return True

    def judge(self, number, database, acknowledged, state):
        self.opens.append(state["open_seconds"])
        if state["high"] < acknowledged or state["gaps"] or state["torn"] or state["integrity"] != "ok":
            self.findings.append(f"round {number}: {database.path.name}: acknowledged {acknowledged}, found {state}")

    def finish(self, database):
        """A clean close, and what is in the store."""
        connection = connect(f"{database.uri}&close_ship_ms=60000", "FULL")
        state = {"open_seconds": 0, **look(connection)}
        connection.close()
        self.judge("end", database, database.acknowledged(), state)
        if pathlib.Path(f"{database.path}-wal").exists():
            self.findings.append(f"{database.path.name}: its log is still there after a clean close")
        if database.with_store:
            self.compare_store(database)

    def judge_opens(self):
        slow = [seconds for seconds in self.opens if seconds > OPEN_LIMIT_S]
        if len(slow) * 50 > len(self.opens) or any(seconds > SLOW_OPEN_S for seconds in slow):
            self.findings.append(f"{len(slow)} of {len(self.opens)} openings took more than {OPEN_LIMIT_S} s: {slow}")

    def strata(self, *arguments):
        done = subprocess.run([str(self.build / "bin" / "strata"), *arguments], capture_output=True, text=True)
        if done.returncode != 0:
            self.findings.append(f"strata {arguments[0]}: exit code {done.returncode}: {done.stdout}{done.stderr}")

    def compare_store(self, database):
        restored = database.path.with_name("restored.db")
        self.strata("verify", "--store", database.store, "kills", "--full")
        self.strata("restore", "--store", database.store, "kills", "-o", str(restored))
        if restored.exists() and restored.read_bytes() != database.path.read_bytes():
            self.findings.append("the restored database differs from the one that was closed")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--keep", type=pathlib.Path, help="folder to work in, and to leave")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    rng = random.Random(arguments.seed)
    kills = Kills(arguments.build.resolve(), rng)
    with tempfile.TemporaryDirectory() as folder:
        folder = arguments.keep or pathlib.Path(folder)
        folder.mkdir(exist_ok=True)
        databases = [Database(folder, False), Database(folder, True)]
        rounds = 0
        for number in range(arguments.rounds):
            if not kills.round(number, databases[number % 2], SYNCHRONOUS[number // 2 % 3]):
                break
            rounds += 1
        else:
            for database in databases:
                kills.finish(database)
    kills.judge_opens()
    opens = sorted(kills.opens) or [0]
    print("\n".join(kills.findings[:20]))
    print(f"{rounds} kills, {kills.commits} commits acknowledged, {len(kills.findings)} findings, "
          f"{kills.verified} times the store verified right after a kill; opening: median "
          f"{opens[len(opens) // 2]:.3f} s, longest {opens[-1]:.3f} s")
    return 1 if kills.findings or rounds < arguments.rounds else 0


if __name__ == "__main__":
    if sys.argv[1] == "--child":
        child(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]))
    else:
        sys.exit(main())

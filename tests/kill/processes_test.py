#!/usr/bin/env python3
"""Writers and readers in many processes on one database, of which one is killed (SIGKILL) every second.

processes_test.py [--seconds N] [--writers N] [--readers N] [--kill-every S] [--seed N]; LD_LIBRARY_PATH leads to the
drop-in library. Ten minutes: --seconds 600.

Each commit adds a numbered row, changes others, and stores a hash over all of them; only then it is acknowledged in a
file outside of the database. Every reader computes the hash of every snapshot anew: it must be that of one commit, and
no commit that was acknowledged before the snapshot began may be missing in it. Nobody may wait for longer than his
busy timeout, and in the end everything that was acknowledged must be there.
"""

import argparse
import ctypes
import hashlib
import mmap
import os
import pathlib
import random
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time

TIMEOUT_S = 20
SLACK_S = 10  # of a machine that does other work as well
SLOTS = 64
LEVELS = ["FULL", "NORMAL", "FULL", "OFF"]
SETTINGS = "wal=strata&segment_bytes=262144&checkpoint_bytes=131072&unsynced_ms=50"


class Acknowledged:
    """The highest number that any process acknowledged, in a file that they share: one word for each."""

    def __init__(self, path):
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 8 * SLOTS)

    def note(self, slot, number):
        struct.pack_into("<Q", self.map, 8 * slot, number)

    def highest(self):
        return max(struct.unpack(f"<{SLOTS}Q", self.map[:]))


def connect(path, level="FULL"):
    connection = sqlite3.connect(f"file:{path}?{SETTINGS}", uri=True, isolation_level=None, timeout=TIMEOUT_S)
    connection.execute(f"PRAGMA synchronous={level}")
    return connection


def hash_of(connection):
    digest = hashlib.sha256()
    for number, payload in connection.execute("SELECT number, payload FROM rows ORDER BY number"):
        digest.update(struct.pack("<Q", number) + payload)
    return digest.hexdigest()


def timed(action, what):
    begun = time.monotonic()
    result = action()
    waited = time.monotonic() - begun
    if waited > TIMEOUT_S + SLACK_S:
        raise RuntimeError(f"{what} took {waited:.1f} s")
    return result


def write(path, acknowledged, slot, seed):
    rng = random.Random(seed)
    connection = timed(lambda: connect(path, LEVELS[slot % len(LEVELS)]), "opening")
    while True:
        timed(lambda: connection.execute("BEGIN IMMEDIATE"), "the write lock")
        number = connection.execute("SELECT coalesce(max(number), 0) + 1 FROM rows").fetchone()[0]
        connection.execute("INSERT INTO rows VALUES(?, ?)", (number, rng.randbytes(rng.randrange(200))))
        for _ in range(rng.randrange(3)):
            connection.execute("UPDATE rows SET payload = ? WHERE number = ?",
                               (rng.randbytes(rng.randrange(200)), number - rng.randrange(50)))
        connection.execute("DELETE FROM rows WHERE number <= ?", (number - 100,))
        connection.execute("UPDATE state SET number = ?, hash = ?", (number, hash_of(connection)))
        if rng.randrange(20) == 0:
            connection.execute("ROLLBACK")
            continue
        connection.execute("COMMIT")
        acknowledged.note(slot, number)
        if rng.randrange(200) == 0:
            timed(lambda: connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall(), "a checkpoint")
        if rng.randrange(100) == 0:
            connection.close()
            connection = timed(lambda: connect(path, LEVELS[slot % len(LEVELS)]), "opening")
        time.sleep(rng.random() * 0.01)


def read(path, acknowledged, slot, seed):
    rng = random.Random(seed)
    connection = timed(lambda: connect(path), "opening")
    while True:
        before = acknowledged.highest()
        timed(lambda: connection.execute("BEGIN"), "reading")
        number, digest = connection.execute("SELECT number, hash FROM state").fetchone()
        time.sleep(rng.random() * 0.02)
        if hash_of(connection) != digest:
            raise RuntimeError(f"the snapshot of commit {number} is of no commit")
        connection.execute("COMMIT")
        if number < before:
            raise RuntimeError(f"commit {before} was acknowledged, the snapshot is of {number}")


def tell_errors():
    """SQLite's log, for the messages behind its codes."""
    library = ctypes.CDLL("libsqlite3.so.0")
    callback = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p)(
        lambda _, code, message: print(f"[{code}] {message.decode()}", flush=True))
    library.sqlite3_shutdown()
    library.sqlite3_config(16, callback, None)  # SQLITE_CONFIG_LOG
    return callback


def child(role, path, words, slot, seed):
    kept = tell_errors()  # as long as the library
    try:
        {"write": write, "read": read}[role](path, Acknowledged(words), slot, seed)
    except Exception as error:  # told to the parent
        print(f"{role} {slot}: {type(error).__name__}: {error}", flush=True)
        os._exit(1)
    del kept


class Processes:
    def __init__(self, folder, rng):
        self.path = folder / "app.db"
        self.words = folder / "acknowledged"
        self.words.write_bytes(bytes(8 * SLOTS))
        self.rng = rng
        self.running = {}
        self.findings = []
        self.kills = 0

    def create(self):
        connection = connect(self.path)
        connection.execute("CREATE TABLE rows(number INTEGER PRIMARY KEY, payload BLOB)")
        connection.execute("CREATE TABLE state(number INTEGER, hash TEXT)")
        connection.execute("INSERT INTO state VALUES(0, ?)", (hash_of(connection),))
        return connection

    def start(self, role, slot):
        self.running[role, slot] = subprocess.Popen(
            [sys.executable, __file__, "--child", role, str(self.path), str(self.words), str(slot),
             str(self.rng.randrange(2**32))], stdout=subprocess.PIPE, text=True)

    def reap(self):
        for (role, slot), process in list(self.running.items()):
            if process.poll() is None:
                continue
            self.findings.append(f"{role} {slot} ended by itself: {process.stdout.read().strip()}")
            del self.running[role, slot]

    def kill_one(self):
        if not self.running:
            return
        role, slot = self.rng.choice(sorted(self.running))
        self.kill(role, slot)
        self.kills += 1
        self.start(role, slot)

    def kill(self, role, slot):
        process = self.running.pop((role, slot))
        process.send_signal(signal.SIGKILL)
        if process.wait() != -signal.SIGKILL:
            self.findings.append(f"{role} {slot} ended by itself: {process.stdout.read().strip()}")
        process.stdout.close()

    def finish(self, acknowledged):
        for role, slot in list(self.running):
            self.kill(role, slot)
        connection = timed(lambda: connect(self.path), "opening in the end")
        number, digest = connection.execute("SELECT number, hash FROM state").fetchone()
        if number < acknowledged.highest():
            self.findings.append(f"acknowledged {acknowledged.highest()}, in the end there is {number}")
        if hash_of(connection) != digest:
            self.findings.append(f"in the end commit {number} is not whole")
        check = connection.execute("PRAGMA integrity_check").fetchone()[0]
        if check != "ok":
            self.findings.append(check)
        connection.close()
        if pathlib.Path(f"{self.path}-wal").exists():
            self.findings.append("the log is still there after the last close")
        return number


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--readers", type=int, default=8)
    parser.add_argument("--kill-every", type=float, default=1)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--keep", type=pathlib.Path, help="folder to work in, and to leave")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        folder = arguments.keep or pathlib.Path(folder)
        folder.mkdir(exist_ok=True)
        processes = Processes(folder, random.Random(arguments.seed))
        first = processes.create()
        acknowledged = Acknowledged(processes.words)
        for slot in range(arguments.writers):
            processes.start("write", slot)
        for slot in range(arguments.readers):
            processes.start("read", slot)
        end = time.monotonic() + arguments.seconds
        first.close()
        while time.monotonic() < end and not processes.findings:
            time.sleep(arguments.kill_every)
            processes.reap()
            processes.kill_one()
        number = processes.finish(acknowledged)
    print("\n".join(processes.findings[:20]))
    print(f"{processes.kills} kills, {number} commits, {len(processes.findings)} findings")
    return 1 if processes.findings or number == 0 or processes.kills == 0 else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]), int(sys.argv[6]))
    else:
        sys.exit(main())

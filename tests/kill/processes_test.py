#!/usr/bin/env python3
"""Writers and readers in many processes on one database, of which one is killed (SIGKILL) every second.

processes_test.py [--seconds N] [--writers N] [--readers N] [--kill-every S] [--seed N]; LD_LIBRARY_PATH leads to the
drop-in library. Ten minutes: --seconds 600.

Each commit takes the next number, notes it in a table with its writer and that writer's own count, changes other rows,
and stores a hash over all of those; only then it is acknowledged, in a file of its writer outside of the database. Every
reader computes the hash of every snapshot anew: it must be that of one commit, and no commit that was acknowledged
before the snapshot began may be missing in it. In the end each acknowledged commit must be there, once, under its number.

Every call is timed from outside: a process tells in shared memory what it does and since when, and nothing may take
longer than the busy timeout and a second and a half, also not what is still under way in the end.
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

TIMEOUT_S = 10
MARGIN_S = 1.5  # of a machine that does other work as well
LIMIT_S = TIMEOUT_S + MARGIN_S
START_S = 30  # until Python runs
SLOTS = 64
LEVELS = ["FULL", "NORMAL", "FULL", "OFF"]
SETTINGS = "wal=strata&segment_bytes=262144&checkpoint_bytes=131072&unsynced_ms=50"
CALLS = ["", "starting", "opening", "BEGIN", "BEGIN IMMEDIATE", "SELECT", "INSERT", "UPDATE", "DELETE", "the hash",
         "ROLLBACK", "COMMIT", "a checkpoint", "closing"]


class Board:
    """What processes tell each other, in a file that they share. For each: the highest number that it acknowledged, the
    call that it is in, since when (monotonic ns, 0: none), and the longest that ended: its call and ns."""

    WORDS = struct.Struct("<QQQQQ")

    def __init__(self, path):
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), self.WORDS.size * SLOTS)

    def put(self, slot, word, value):
        struct.pack_into("<Q", self.map, self.WORDS.size * slot + 8 * word, value)

    def get(self, slot):
        return self.WORDS.unpack_from(self.map, self.WORDS.size * slot)

    def highest(self):
        return max(self.get(slot)[0] for slot in range(SLOTS))

    def begin(self, slot, call):
        self.put(slot, 1, CALLS.index(call))
        self.put(slot, 2, time.monotonic_ns())

    def end(self, slot):
        _, call, since, _, longest = self.get(slot)
        took = time.monotonic_ns() - since
        self.put(slot, 2, 0)
        if call != CALLS.index("starting") and took > longest:
            self.put(slot, 3, call)
            self.put(slot, 4, took)


class Process:
    """One of them, from inside."""

    def __init__(self, path, board, slot, seed, level="FULL"):
        self.path, self.board, self.slot, self.level = path, board, slot, level
        self.rng = random.Random(seed)
        board.end(slot)  # of the start
        self.open()

    def timed(self, call, action):
        self.board.begin(self.slot, call)
        result = action()
        self.board.end(self.slot)
        return result

    def open(self):
        self.connection = self.timed("opening", lambda: connect(self.path, self.level))

    def run(self, sql, *values):
        call = next(call for call in reversed(CALLS) if call and sql.startswith(call)) if sql[0] != "P" else "a checkpoint"
        return self.timed(call, lambda: self.connection.execute(sql, values).fetchall())

    def hash(self):
        return self.timed("the hash", lambda: hash_of(self.connection))


def connect(path, level="FULL"):
    connection = sqlite3.connect(f"file:{path}?{SETTINGS}", uri=True, isolation_level=None, timeout=TIMEOUT_S)
    connection.execute(f"PRAGMA synchronous={level}")
    return connection


def hash_of(connection):
    digest = hashlib.sha256()
    for number, payload in connection.execute("SELECT number, payload FROM rows ORDER BY number"):
        digest.update(struct.pack("<Q", number) + payload)
    return digest.hexdigest()


def write(process, writer, acknowledgements):
    rng = process.rng
    kept = os.open(acknowledgements / str(writer), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    own = 0
    while True:
        process.run("BEGIN IMMEDIATE")
        number = process.run("SELECT coalesce(max(number), 0) + 1 FROM commits")[0][0]
        process.run("INSERT INTO commits VALUES(?, ?, ?)", number, writer, own + 1)
        process.run("INSERT INTO rows VALUES(?, ?)", number, rng.randbytes(rng.randrange(200)))
        for _ in range(rng.randrange(3)):
            process.run("UPDATE rows SET payload = ? WHERE number = ?", rng.randbytes(rng.randrange(200)),
                        number - rng.randrange(50))
        process.run("DELETE FROM rows WHERE number <= ?", number - 100)
        process.run("UPDATE state SET number = ?, hash = ?", number, process.hash())
        if rng.randrange(20) == 0:
            process.run("ROLLBACK")
            continue
        process.run("COMMIT")
        own += 1
        os.write(kept, struct.pack("<QQ", number, own))
        process.board.put(process.slot, 0, number)
        if rng.randrange(200) == 0:
            process.run("PRAGMA wal_checkpoint(PASSIVE)")
        if rng.randrange(100) == 0:
            process.timed("closing", process.connection.close)
            process.open()
        time.sleep(rng.random() * 0.01)


def read(process):
    while True:
        before = process.board.highest()
        process.run("BEGIN")
        number, digest = process.run("SELECT number, hash FROM state")[0]
        time.sleep(process.rng.random() * 0.02)
        if process.hash() != digest:
            raise RuntimeError(f"the snapshot of commit {number} is of no commit")
        last = process.run("SELECT count(*), coalesce(max(number), 0) FROM commits WHERE number > ?", number - 100)[0]
        process.run("COMMIT")
        if last != (min(number, 100), number):
            raise RuntimeError(f"the snapshot of commit {number} has {last[0]} of the last 100 commits, up to {last[1]}")
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


def child(role, folder, slot, seed, writer):
    kept = tell_errors()  # as long as the library
    folder = pathlib.Path(folder)
    try:
        process = Process(folder / "app.db", Board(folder / "board"), slot, seed, LEVELS[slot % len(LEVELS)])
        if role == "write":
            write(process, writer, folder / "acknowledged")
        else:
            read(process)
    except Exception as error:  # told to the parent
        print(f"{role} {slot}: {type(error).__name__}: {error}", flush=True)
        os._exit(1)
    del kept


class Processes:
    def __init__(self, folder, rng):
        self.folder = folder
        self.path = folder / "app.db"
        self.acknowledged = folder / "acknowledged"
        self.acknowledged.mkdir()
        (folder / "board").write_bytes(bytes(Board.WORDS.size * SLOTS))
        self.board = Board(folder / "board")
        self.rng = rng
        self.running = {}
        self.findings = []
        self.kills = 0
        self.writers = 0

    def create(self):
        connection = connect(self.path)
        connection.execute("CREATE TABLE rows(number INTEGER PRIMARY KEY, payload BLOB)")
        connection.execute("CREATE TABLE commits(number INTEGER PRIMARY KEY, writer INTEGER, own INTEGER)")
        connection.execute("CREATE TABLE state(number INTEGER, hash TEXT)")
        connection.execute("INSERT INTO state VALUES(0, ?)", (hash_of(connection),))
        return connection

    def start(self, role, slot):
        self.writers += 1
        self.board.begin(slot, "starting")
        self.running[role, slot] = subprocess.Popen(
            [sys.executable, __file__, "--child", role, str(self.folder), str(slot), str(self.rng.randrange(2**32)),
             str(self.writers)], stdout=subprocess.PIPE, text=True)

    def reap(self):
        for (role, slot), process in list(self.running.items()):
            if process.poll() is None:
                continue
            self.findings.append(f"{role} {slot} ended by itself: {process.stdout.read().strip()}")
            del self.running[role, slot]

    def watch(self):
        """Finds who has been in a call for too long."""
        for role, slot in self.running:
            _, call, since, _, _ = self.board.get(slot)
            waited = (time.monotonic_ns() - since) / 1e9
            if since and waited > (START_S if CALLS[call] == "starting" else LIMIT_S):
                self.findings.append(f"{role} {slot}: {CALLS[call]} takes {waited:.1f} s already")

    def longest(self):
        """The longest calls that came to an end, a process each; those beyond the limit are findings."""
        ended = sorted(((took / 1e9, CALLS[call]) for _, _, _, call, took in map(self.board.get, range(SLOTS)) if took),
                       reverse=True)
        self.findings += [f"{call} took {took:.1f} s" for took, call in ended if took > LIMIT_S]
        return ", ".join(f"{call} {took:.2f} s" for took, call in ended[:3])

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

    def run(self, seconds, kill_every):
        end = time.monotonic() + seconds
        kill_at = time.monotonic() + kill_every
        while time.monotonic() < end and not self.findings:
            time.sleep(0.1)
            self.reap()
            self.watch()
            if time.monotonic() >= kill_at:
                self.kill_one()
                kill_at += kill_every

    def wait_for_calls(self):
        """What is under way comes to its end, or is found."""
        end = time.monotonic_ns()
        while not self.findings:
            under_way = [slot for _, slot in self.running if 0 < self.board.get(slot)[2] < end]
            if not under_way:
                return
            time.sleep(0.05)
            self.reap()
            self.watch()

    def check_acknowledged(self, connection):
        rows = {}
        for number, writer, own in connection.execute("SELECT number, writer, own FROM commits"):
            rows.setdefault((writer, own), []).append(number)
        last = max((number for numbers in rows.values() for number in numbers), default=0)
        if sum(map(len, rows.values())) != last:
            self.findings.append(f"there are {sum(map(len, rows.values()))} commits, numbered up to {last}")
        count = 0
        for file in sorted(self.acknowledged.iterdir()):
            for number, own in struct.iter_unpack("<QQ", file.read_bytes()):
                count += 1
                found = rows.get((int(file.name), own), [])
                if found != [number]:
                    self.findings.append(f"writer {file.name} was told of its commit {own} as {number}, found: {found}")
        return count

    def finish(self):
        self.wait_for_calls()
        for role, slot in list(self.running):
            self.kill(role, slot)
        begun = time.monotonic()
        connection = connect(self.path)
        number, digest = connection.execute("SELECT number, hash FROM state").fetchone()
        if time.monotonic() - begun > LIMIT_S:
            self.findings.append(f"opening in the end took {time.monotonic() - begun:.1f} s")
        count = self.check_acknowledged(connection)
        if hash_of(connection) != digest:
            self.findings.append(f"in the end commit {number} is not whole")
        check = connection.execute("PRAGMA integrity_check").fetchone()[0]
        if check != "ok":
            self.findings.append(check)
        connection.close()
        if pathlib.Path(f"{self.path}-wal").exists():
            self.findings.append("the log is still there after the last close")
        return count


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
        for slot in range(arguments.writers):
            processes.start("write", slot)
        for slot in range(arguments.readers):
            processes.start("read", arguments.writers + slot)
        first.close()
        processes.run(arguments.seconds, arguments.kill_every)
        count = processes.finish()
        longest = processes.longest()
    print("\n".join(processes.findings[:20]))
    print(f"{processes.kills} kills, {count} commits acknowledged and there, longest calls: {longest}; "
          f"{len(processes.findings)} findings")
    return 1 if processes.findings or count == 0 or processes.kills == 0 else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]), int(sys.argv[6]))
    else:
        sys.exit(main())

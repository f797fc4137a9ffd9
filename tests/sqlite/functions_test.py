#!/usr/bin/env python3
"""The SQL functions of Strata's connections, and commits that return when the store has them.

functions_test.py STRATA_COMMAND; LD_LIBRARY_PATH leads to the drop-in library.
"""

import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest

STRATA = None
NAMES = ("strata_durable_frame", "strata_frame", "strata_seal", "strata_status", "strata_wait_durable")
SLOW = "seal_ms=3600000"  # nothing is shipped but what is asked for

# Prints each number whose COMMIT returned, until it is killed.
WRITER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], uri=True, isolation_level=None)
connection.execute("CREATE TABLE IF NOT EXISTS t(n INTEGER PRIMARY KEY, b)")
n = 0
while True:
    connection.execute("INSERT INTO t VALUES(?, randomblob(500))", (n,))
    print(n, flush=True)
    n += 1
"""


class Functions(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.path = self.root / "app.db"
        self.store = f"file://{self.root}/store"

    def uri(self, query="wal=strata", path=None):
        return f"file:{path or self.path}?{query}"

    def open(self, query="wal=strata", **options):
        connection = sqlite3.connect(self.uri(query), uri=True, isolation_level=None, **options)
        self.addCleanup(connection.close)
        return connection

    def shipped(self, more=SLOW):
        return f"wal=strata&store={self.store}&namespace=app&{more}"

    def one(self, connection, sql, *parameters):
        return connection.execute(sql, parameters).fetchone()[0]

    def names(self, connection):
        return tuple(sorted({row[0] for row in connection.execute(
            "SELECT name FROM pragma_function_list WHERE name LIKE 'strata%'")}))

    def restored(self, name="restored.db"):
        target = self.root / name
        subprocess.run([STRATA, "restore", "app", "-o", str(target), "--store", self.store, "--force"], check=True,
                       capture_output=True)
        return [row[0] for row in sqlite3.connect(target).execute("SELECT n FROM t ORDER BY n")]

    def test_only_connections_on_strata_have_them(self):
        self.assertEqual(self.names(self.open("wal=builtin")), ())
        self.assertEqual(self.names(sqlite3.connect(":memory:")), ())
        self.assertEqual(self.names(self.open()), NAMES)

    def test_a_log_that_is_there_brings_them(self):
        writer = self.open()
        writer.execute("CREATE TABLE t(a)")
        self.assertEqual(self.names(self.open("cache=private")), NAMES)

    def test_attached_databases_have_them_by_name(self):
        main = self.open("wal=builtin")
        main.execute("ATTACH ? AS side", (self.uri(path=self.root / "side.db"),))
        main.execute("CREATE TABLE side.t(a)")
        self.assertGreater(self.one(main, "SELECT strata_frame('side')"), 0)
        with self.assertRaisesRegex(sqlite3.OperationalError, "database main has no Strata log"):
            main.execute("SELECT strata_frame()")
        with self.assertRaisesRegex(sqlite3.OperationalError, "no such database"):
            main.execute("SELECT strata_frame('nowhere')")

    def test_frames_grow_with_commits_and_stand_still_in_a_snapshot(self):
        writer, reader = self.open(), self.open()
        before = self.one(writer, "SELECT strata_frame()")
        writer.execute("CREATE TABLE t(a)")
        after = self.one(writer, "SELECT strata_frame()")
        self.assertGreater(after, before)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM t").fetchall()
        writer.execute("INSERT INTO t VALUES(1)")
        self.assertEqual(self.one(reader, "SELECT strata_frame()"), after)
        reader.execute("COMMIT")
        self.assertEqual(self.one(reader, "SELECT strata_frame()"), self.one(writer, "SELECT strata_frame()"))

    def test_without_a_store_nothing_can_be_waited_for(self):
        connection = self.open()
        connection.execute("CREATE TABLE t(a)")
        self.assertIsNone(self.one(connection, "SELECT strata_durable_frame()"))
        for sql in ("SELECT strata_wait_durable(1, 0)", "SELECT strata_seal()"):
            with self.assertRaisesRegex(sqlite3.OperationalError, "no store"):
                connection.execute(sql)
        with self.assertRaisesRegex(sqlite3.OperationalError, "has no store"):
            self.open("wal=strata&durable=store", timeout=0).execute("SELECT strata_frame()")
            sqlite3.connect(self.uri("wal=strata&durable=store", self.root / "new.db"), uri=True)

    def test_what_is_waited_for_is_in_the_store(self):
        connection = self.open(self.shipped())
        connection.execute("CREATE TABLE t(n)")
        for n in range(20):
            connection.execute("INSERT INTO t VALUES(?)", (n,))
            frame = self.one(connection, "SELECT strata_frame()")
            self.assertEqual(self.one(connection, "SELECT strata_wait_durable(?, 0)", frame), 0)
            self.assertEqual(self.one(connection, "SELECT strata_wait_durable(?, 30000)", frame), 1)
            self.assertEqual(self.one(connection, "SELECT strata_durable_frame()"), frame)
            if n % 7 == 0:
                self.assertEqual(self.restored(), list(range(n + 1)))

    def test_a_seal_goes_without_waiting(self):
        connection = self.open(self.shipped())
        connection.execute("CREATE TABLE t(n)")
        frame = self.one(connection, "SELECT strata_seal()")
        self.assertEqual(frame, self.one(connection, "SELECT strata_frame()"))
        end = time.monotonic() + 30
        while self.one(connection, "SELECT strata_durable_frame()") < frame:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)

    def test_what_cannot_come_is_an_error(self):
        connection = self.open(self.shipped())
        connection.execute("CREATE TABLE t(n)")
        with self.assertRaisesRegex(sqlite3.OperationalError, "frame 1000000 does not exist"):
            connection.execute("SELECT strata_wait_durable(1000000, 0)")
        with self.assertRaisesRegex(sqlite3.OperationalError, "whole numbers"):
            connection.execute("SELECT strata_wait_durable(NULL, 0)")
        connection.execute("CREATE VIEW v AS SELECT strata_frame()")
        with self.assertRaisesRegex(sqlite3.OperationalError, "unsafe use"):
            connection.execute("SELECT * FROM v").fetchall()

    def test_status_is_json(self):
        connection = self.open(self.shipped())
        connection.execute("CREATE TABLE t(n)")
        self.one(connection, "SELECT strata_wait_durable(strata_seal(), 30000)")
        status = json.loads(self.one(connection, "SELECT strata_status()"))
        self.assertEqual(status["log"], f"{self.path}-wal")
        self.assertEqual(status["store"]["url"], self.store)
        self.assertEqual(status["store"]["namespace"], "app")
        self.assertEqual(status["store"]["durable_frame"], status["frame"])
        self.assertEqual(status["store"]["waiting_frames"], 0)
        self.assertIsNone(status["store"]["stopped"])
        self.assertIsNone(status["snapshot_frame"])
        connection.execute("INSERT INTO t VALUES(1)")
        status = json.loads(self.one(connection, "SELECT strata_status()"))
        self.assertEqual(status["store"]["waiting_frames"], status["frame"] - status["store"]["durable_frame"])
        self.assertGreater(status["store"]["waiting_bytes"], 0)

    def test_a_store_out_of_reach_is_waited_for_as_long_as_asked(self):
        connection = self.open(self.shipped(), check_same_thread=False)
        connection.execute("CREATE TABLE t(n)")
        self.one(connection, "SELECT strata_wait_durable(strata_seal(), 30000)")
        shutil.move(self.root / "store", self.root / "away")
        (self.root / "store").write_text("no directory")
        connection.execute("INSERT INTO t VALUES(1)")
        self.assertEqual(self.one(connection, "SELECT strata_wait_durable(strata_frame(), 300)"), 0)
        threading.Timer(0.3, connection.interrupt).start()
        with self.assertRaisesRegex(sqlite3.OperationalError, "interrupted"):
            connection.execute("SELECT strata_wait_durable(strata_frame(), -1)")
        (self.root / "store").unlink()
        shutil.move(self.root / "away", self.root / "store")
        self.assertEqual(self.one(connection, "SELECT strata_wait_durable(strata_frame(), 60000)"), 1)
        self.assertEqual(self.restored(), [1])

    def test_an_interrupted_commit_is_done_here_and_arrives_later(self):
        connection = self.open(self.shipped(SLOW + "&durable=store"), check_same_thread=False)
        connection.execute("CREATE TABLE t(n)")
        shutil.move(self.root / "store", self.root / "away")
        (self.root / "store").write_text("no directory")
        threading.Timer(0.5, connection.interrupt).start()
        began = time.monotonic()
        connection.execute("INSERT INTO t VALUES(1)")
        self.assertGreater(time.monotonic() - began, 0.3)
        self.assertEqual(self.one(connection, "SELECT count(*) FROM t"), 1)
        (self.root / "store").unlink()
        shutil.move(self.root / "away", self.root / "store")
        self.assertEqual(self.one(connection, "SELECT strata_wait_durable(strata_frame(), 60000)"), 1)

    def test_a_commit_that_the_store_will_never_have_fails(self):
        connection = self.open(self.shipped(SLOW + "&durable=store"))
        connection.execute("CREATE TABLE t(n)")
        (self.root / "copy").mkdir()
        shutil.copy(self.path, self.root / "copy" / "app.db")
        shutil.copytree(f"{self.path}-wal", self.root / "copy" / "app.db-wal")
        done = subprocess.run([sys.executable, "-c", "import sqlite3, sys\n"
                               "c = sqlite3.connect(sys.argv[1], uri=True, isolation_level=None)\n"
                               "c.execute('INSERT INTO t VALUES(7)')",
                               self.uri(self.shipped(SLOW + "&durable=store&takeover=1"),
                                        self.root / "copy" / "app.db")], check=False, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        with self.assertRaises(sqlite3.OperationalError):
            connection.execute("INSERT INTO t VALUES(1)")
        with self.assertRaisesRegex(sqlite3.OperationalError, "taken over"):
            connection.execute("SELECT strata_wait_durable(strata_frame(), 1000)")
        self.assertEqual(self.restored(), [7])

    def test_settings_that_exclude_each_other_are_refused(self):
        for more, words in (("durable=store&fenced=continue", "exclude each other"), ("durable=maybe", "local or store")):
            with self.assertRaisesRegex(sqlite3.OperationalError, words):
                self.open(self.shipped(more))

    def test_killed_writers_lose_nothing_that_the_store_acknowledged(self):
        for round_number in range(6):
            uri = self.uri(self.shipped(SLOW + "&durable=store"))
            process = subprocess.Popen([sys.executable, "-c", WRITER, uri], stdout=subprocess.PIPE, text=True)
            told = [int(process.stdout.readline()) for _ in range(5 + 7 * round_number)]
            os.kill(process.pid, signal.SIGKILL)
            told += [int(line) for line in process.stdout.read().splitlines()]
            process.wait()
            process.stdout.close()
            self.assertEqual(told, list(range(len(told))))
            self.path.unlink()
            shutil.rmtree(f"{self.path}-wal")
            found = self.restored()
            self.assertEqual(found, list(range(len(found))))
            self.assertGreaterEqual(len(found), len(told))
            self.assertLessEqual(len(found), len(told) + 1)
            shutil.rmtree(self.root / "store")

    def test_many_writers_that_wait_share_segments(self):
        self.open(self.shipped(SLOW + "&durable=store")).execute("CREATE TABLE t(n)")

        def write(who):
            mine = sqlite3.connect(self.uri(self.shipped(SLOW + "&durable=store")), uri=True, isolation_level=None,
                                   timeout=60)
            for n in range(20):
                mine.execute("INSERT INTO t VALUES(?)", (100 * who + n,))
            mine.close()

        threads = [threading.Thread(target=write, args=(who,)) for who in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(self.restored()), 160)
        segments = len(list((self.root / "store").rglob("*.seg")))
        self.assertLess(segments, 150)


if __name__ == "__main__":
    STRATA = sys.argv.pop(1)
    unittest.main()

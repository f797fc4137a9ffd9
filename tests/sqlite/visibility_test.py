#!/usr/bin/env python3
"""What was committed is there for the next reader, at every synchronous level; and waiting for the write lock takes
as long as busy_timeout says.

visibility_test.py [unittest arguments]; LD_LIBRARY_PATH leads to the drop-in library.
"""

import pathlib
import sqlite3
import statistics
import tempfile
import threading
import time
import unittest

COMMITS = 10000
LEVELS = ["OFF", "NORMAL", "FULL", "EXTRA"]


class OnStrata(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.uri = f"file:{pathlib.Path(self.folder.name) / 'app.db'}?wal=strata"
        self.connections = []

    def tearDown(self):
        for connection in self.connections:
            connection.close()
        self.folder.cleanup()

    def connect(self, synchronous="FULL", timeout=5.0):
        connection = sqlite3.connect(self.uri, uri=True, isolation_level=None, timeout=timeout, check_same_thread=False)
        connection.execute(f"PRAGMA synchronous={synchronous}")
        self.connections.append(connection)
        return connection


class Visibility(OnStrata):
    def commit_then_read(self, synchronous, commits):
        """By a connection that was open, and by one that is opened after the commit."""
        writer, reader = self.connect(synchronous), self.connect()
        writer.execute("CREATE TABLE t(n INTEGER)")
        writer.execute("INSERT INTO t VALUES(0)")
        for number in range(1, commits + 1):
            writer.execute("UPDATE t SET n = ?", (number,))
            self.assertEqual(reader.execute("SELECT n FROM t").fetchone()[0], number)
            opened = sqlite3.connect(self.uri, uri=True)
            self.assertEqual(opened.execute("SELECT n FROM t").fetchone()[0], number)
            opened.close()

    def test_a_commit_at_off_is_there_for_the_next_reader(self):
        self.commit_then_read("OFF", COMMITS)

    def test_a_commit_at_normal_is_there_for_the_next_reader(self):
        self.commit_then_read("NORMAL", COMMITS)

    def test_a_commit_at_full_is_there_for_the_next_reader(self):
        self.commit_then_read("FULL", COMMITS)

    def test_a_commit_at_extra_is_there_for_the_next_reader(self):
        self.commit_then_read("EXTRA", COMMITS)

    def test_a_reader_beside_mixed_writers_never_goes_back(self):
        setup = self.connect()
        setup.execute("CREATE TABLE t(n INTEGER)")
        setup.execute("INSERT INTO t VALUES(0)")
        acknowledged = [0]
        failures = []

        def write(synchronous):
            connection = self.connect(synchronous, timeout=60)
            for _ in range(COMMITS // 10):
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("UPDATE t SET n = n + 1")
                number = connection.execute("SELECT n FROM t").fetchone()[0]
                connection.execute("COMMIT")
                acknowledged[0] = max(acknowledged[0], number)

        writers = [threading.Thread(target=write, args=(level,)) for level in LEVELS]
        for thread in writers:
            thread.start()
        reader, last, reads = self.connect(), 0, 0
        while any(thread.is_alive() for thread in writers):
            known = acknowledged[0]
            seen = reader.execute("SELECT n FROM t").fetchone()[0]
            if seen < known or seen < last:
                failures.append((known, last, seen))
            last, reads = seen, reads + 1
        for thread in writers:
            thread.join()
        self.assertEqual(failures, [])
        self.assertGreater(reads, 0)
        self.assertEqual(setup.execute("SELECT n FROM t").fetchone()[0], len(LEVELS) * (COMMITS // 10))


class BusyTimeout(OnStrata):
    def wait_of(self, timeout):
        """Seconds until BEGIN IMMEDIATE gives up while another connection holds the write lock."""
        holder, waiter = self.connect(), self.connect(timeout=timeout)
        holder.execute("CREATE TABLE IF NOT EXISTS t(n)")
        waiter.execute("SELECT count(*) FROM t").fetchone()
        holder.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()
        with self.assertRaises(sqlite3.OperationalError) as raised:
            waiter.execute("BEGIN IMMEDIATE")
        seconds = time.monotonic() - begun
        self.assertEqual(raised.exception.sqlite_errorcode & 0xFF, sqlite3.SQLITE_BUSY)
        holder.execute("ROLLBACK")
        return seconds

    # Never short of the timeout. A busy machine may add to a wait, but not to most of five.
    def test_a_wait_ends_within_a_tenth_of_the_timeout(self):
        for timeout in (0.3, 1.0):
            waits = [self.wait_of(timeout) for _ in range(5)]
            self.assertGreaterEqual(min(waits), timeout * 0.99)
            self.assertLessEqual(statistics.median(waits), timeout * 1.1, waits)

    def test_without_a_timeout_nobody_waits(self):
        self.assertLess(min(self.wait_of(0) for _ in range(5)), 0.1)

    def test_a_wait_ends_when_the_lock_is_free(self):
        holder, waiter = self.connect(), self.connect(timeout=60)
        holder.execute("CREATE TABLE t(n)")
        holder.execute("BEGIN IMMEDIATE")
        freed = threading.Timer(0.2, lambda: holder.execute("COMMIT"))
        freed.start()
        waiter.execute("BEGIN IMMEDIATE")
        waiter.execute("ROLLBACK")
        freed.join()


if __name__ == "__main__":
    unittest.main()

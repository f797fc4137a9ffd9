#!/usr/bin/env python3
"""A process that commits once and then only sleeps: the background syncs and ships without another call.

quiet_process_test.py STRATA_COMMAND; LD_LIBRARY_PATH leads to the drop-in library.
"""

import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

DEADLINE_S = 30  # a failure takes this long; what is asked for takes a second or two

CHILD = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], uri=True, isolation_level=None)
connection.execute("PRAGMA synchronous=NORMAL")
connection.execute("CREATE TABLE IF NOT EXISTS t(a)")
connection.execute("INSERT INTO t VALUES(1)")
print("committed", flush=True)
time.sleep(600)
"""


def wait_for(condition):
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


class QuietProcess(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)
        self.path = self.root / "app.db"
        self.store = f"file://{self.root}/store"
        self.process = None

    def tearDown(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
        self.folder.cleanup()

    def start(self, *wrapper, store=True, settings=""):
        uri = f"file:{self.path}?wal=strata{settings}"
        if store:
            uri += f"&store={self.store}&namespace=quiet"
        self.process = subprocess.Popen([*wrapper, sys.executable, "-c", CHILD, uri], stdout=subprocess.PIPE, text=True)
        self.assertEqual(self.process.stdout.readline(), "committed\n")

    def restored_rows(self):
        copy = self.root / "copy.db"
        done = subprocess.run([STRATA, "restore", "--store", self.store, "quiet", "-o", copy, "--force"],
                              capture_output=True)
        if done.returncode != 0:
            return None
        connection = sqlite3.connect(copy)
        try:
            return connection.execute("SELECT count(*) FROM t").fetchone()[0]
        except sqlite3.OperationalError:
            return None
        finally:
            connection.close()

    def test_its_commit_arrives_in_the_store(self):
        self.start()
        self.assertTrue(wait_for(lambda: self.restored_rows() == 1))
        self.assertIsNone(self.process.poll())

    def rows_in_the_file_itself(self):
        """What stock SQLite would find in app.db without any log."""
        copy = self.root / "bare.db"
        copy.write_bytes(self.path.read_bytes())
        try:
            connection = sqlite3.connect(f"file:{copy}?immutable=1", uri=True)
            try:
                return connection.execute("SELECT count(*) FROM t").fetchone()[0]
            finally:
                connection.close()
        except sqlite3.DatabaseError:  # copied while it was being written, or nothing there yet
            return None

    def test_its_commit_arrives_in_the_database_file(self):
        self.start(store=False, settings="&checkpoint_bytes=4096")
        self.assertTrue(wait_for(lambda: self.rows_in_the_file_itself() == 1))
        self.assertIsNone(self.process.poll())

    def test_its_normal_commit_is_synced(self):
        trace = self.root / "trace"
        self.start("strace", "-f", "-y", "-e", "trace=fsync,fdatasync,write", "-o", str(trace), store=False)

        def synced_after_commit():
            lines = trace.read_text().splitlines()
            committed = next((i for i, line in enumerate(lines) if '"committed' in line), len(lines))
            return any("sync(" in line and ".log>" in line for line in lines[committed:])

        self.assertTrue(wait_for(synced_after_commit))
        # The tracer leads the process; the process itself goes with it.
        for line in trace.read_text().splitlines()[:1]:
            os.kill(int(line.split()[0]), signal.SIGKILL)


if __name__ == "__main__":
    STRATA = sys.argv.pop(1)
    unittest.main()

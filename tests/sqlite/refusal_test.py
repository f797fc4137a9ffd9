#!/usr/bin/env python3
"""What must be refused or put right: copies that went their own way, foreign snapshots, read-only openers, a store out of
reach, damaged logs; and `strata recover`.

refusal_test.py STRATA_COMMAND; LD_LIBRARY_PATH leads to the drop-in library.
"""

import ctypes
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import unittest

STRATA = None

CRASH = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], uri=True, isolation_level=None)
connection.execute("PRAGMA synchronous=FULL")
connection.execute("CREATE TABLE IF NOT EXISTS t(a)")
for i in range(int(sys.argv[2])):
    connection.execute("INSERT INTO t VALUES(?)", (i,))
os.kill(os.getpid(), signal.SIGKILL)
"""

# Opens and writes with ever more descriptors left; a line for each: "done", or the error.
FEW_DESCRIPTORS = """
import os, resource, sqlite3, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
for left in range(12):
    taken = []
    try:
        while True:
            taken.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        pass
    for descriptor in taken[len(taken) - left:]:
        os.close(descriptor)
    try:
        connection = sqlite3.connect(f"{sys.argv[1]}{left}.db?wal=strata", uri=True, isolation_level=None, timeout=0)
        connection.execute("CREATE TABLE t(a)")
        print("done")
    except sqlite3.Error as error:
        print(error)
    for descriptor in taken[:len(taken) - left]:
        os.close(descriptor)
"""


class InFolder(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)
        self.path = self.root / "app.db"
        self.store = f"file://{self.root}/store"

    def tearDown(self):
        self.folder.cleanup()

    def open(self, query="wal=strata", **options):
        return sqlite3.connect(f"file:{self.path}?{query}", uri=True, isolation_level=None, **options)

    def with_store(self):
        return f"wal=strata&store={self.store}&namespace=app"

    def crash(self, rows=50, query="wal=strata"):
        done = subprocess.run([sys.executable, "-c", CRASH, f"file:{self.path}?{query}", str(rows)], check=False)
        self.assertEqual(done.returncode, -signal.SIGKILL)

    def log_file(self):
        """The one with the frames: the newest may be prepared for later."""
        return max((self.root / "app.db-wal").glob("*.log"), key=lambda file: len(file.read_bytes().rstrip(b"\0")))

    def strata(self, *arguments):
        return subprocess.run([STRATA, *arguments], capture_output=True, text=True, check=False)

    def rows_by_builtin(self):
        connection = sqlite3.connect(f"file:{self.path}?wal=builtin", uri=True)
        try:
            self.assertEqual(connection.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            return connection.execute("SELECT count(*) FROM t").fetchone()[0]
        finally:
            connection.close()


class Lack(InFolder):
    def test_a_lack_of_descriptors_is_not_a_locked_database(self):
        done = subprocess.run([sys.executable, "-c", FEW_DESCRIPTORS, f"file:{self.root}/app"], capture_output=True,
                              text=True, check=True)
        outcomes = done.stdout.splitlines()
        self.assertEqual((len(outcomes), outcomes[-1]), (12, "done"), done.stdout + done.stderr)
        for outcome in outcomes:
            self.assertRegex(outcome, "^done$|unable to open database file|Too many open files")


class Recover(InFolder):
    def test_a_crashed_log_becomes_a_plain_file(self):
        self.crash(50)
        done = self.strata("recover", str(self.path), "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(json.loads(done.stdout)["whole"])
        self.assertFalse((self.root / "app.db-wal").exists())
        self.assertEqual(self.rows_by_builtin(), 50)

    def test_without_a_log_there_is_nothing_to_recover(self):
        self.open().close()
        self.assertEqual(self.strata("recover", str(self.path)).returncode, 2)

    def damage(self):
        self.crash(50)
        with open(self.log_file(), "r+b") as file:
            file.seek(self.end_of_frames() // 2)
            file.write(b"\xff" * 64)

    def end_of_frames(self):
        """The file may go on with zeros: it was written through before its first frame."""
        return len(self.log_file().read_bytes().rstrip(b"\0"))

    def test_a_damaged_log_is_refused_and_left_alone(self):
        self.damage()
        before = self.log_file().read_bytes()
        done = self.strata("recover", str(self.path))
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn(str(self.log_file()), done.stderr)
        self.assertEqual(self.log_file().read_bytes(), before)
        with self.assertRaises(sqlite3.DatabaseError):
            self.open().execute("SELECT count(*) FROM t")

    def test_accepted_loss_keeps_a_whole_prefix_and_a_copy_of_the_log(self):
        self.damage()
        before = self.log_file().read_bytes()
        name = self.log_file().name
        done = self.strata("recover", str(self.path), "--accept-loss")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.root / "app.db-damaged-1" / name).read_bytes(), before)
        rows = self.rows_by_builtin()
        self.assertGreater(rows, 0)
        self.assertLess(rows, 50)


class Refusals(InFolder):
    def test_a_copy_that_went_its_own_way_stops_shipping(self):
        connection = self.open(self.with_store())
        connection.execute("CREATE TABLE t(a)")
        connection.close()
        for name in ("app.db", "app.db-strata"):
            shutil.copy2(self.root / name, self.root / (name + ".kept"))
        connection = self.open()
        connection.execute("INSERT INTO t VALUES('the store has this')")
        connection.close()
        for name in ("app.db", "app.db-strata"):
            shutil.copy2(self.root / (name + ".kept"), self.root / name)
        connection = self.open()
        connection.execute("INSERT INTO t VALUES('and not this')")
        connection.execute("PRAGMA wal_checkpoint")
        with self.assertRaises(sqlite3.OperationalError):
            connection.execute("INSERT INTO t VALUES('nor this')")
        connection.close()
        done = self.strata("verify", "--store", self.store, "app", "--full")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_leaving_wal_mode_with_the_store_out_of_reach_is_an_error(self):
        connection = self.open(self.with_store() + "&close_ship_ms=100")
        connection.execute("CREATE TABLE t(a)")
        shutil.rmtree(self.root / "store", ignore_errors=True)
        (self.root / "store").write_text("in the way")
        connection.execute("INSERT INTO t VALUES(1)")
        try:
            mode = connection.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
        except sqlite3.OperationalError:
            mode = "error"
        self.assertNotEqual(mode, "delete")
        connection.close()
        self.assertTrue((self.root / "app.db-wal").is_dir())

    def test_one_connection_alone_is_never_busy(self):
        connection = self.open("wal=strata&segment_bytes=65536&checkpoint_bytes=65536", timeout=0)
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("CREATE TABLE t(a)")
        for i in range(3000):
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM t WHERE rowid=1").fetchall()
            connection.execute("INSERT INTO t VALUES(?)", (i,))
            connection.execute("COMMIT")
        connection.close()
        self.assertEqual(self.rows_by_builtin(), 3000)

    def test_a_database_header_with_another_page_size_is_no_overflow(self):
        connection = self.open("wal=builtin")
        connection.execute("PRAGMA page_size=65536")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.close()
        self.crash(50)
        with open(self.path, "r+b") as file:
            file.seek(16)
            file.write(b"\x02\x00")  # 512
        script = ("import sqlite3, sys\ntry:\n  c = sqlite3.connect(sys.argv[1], uri=True)\n"
                  "  c.execute('SELECT count(*) FROM t').fetchall()\nexcept sqlite3.Error as e: print(e)")
        done = subprocess.run([sys.executable, "-c", script, f"file:{self.path}"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)


class Snapshots(InFolder):
    def test_a_snapshot_of_another_database_is_refused(self):
        library = ctypes.CDLL("libsqlite3.so.0")

        def open_database(name):
            handle = ctypes.c_void_p()
            uri = f"file:{self.root}/{name}?wal=strata".encode()
            self.assertEqual(library.sqlite3_open_v2(uri, ctypes.byref(handle), 0x46, None), 0)
            return handle

        def run(handle, *statements):
            for sql in statements:
                self.assertEqual(library.sqlite3_exec(handle, sql.encode(), None, None, None), 0, sql)

        first, second = open_database("first.db"), open_database("second.db")
        run(first, "CREATE TABLE t(a)", "INSERT INTO t VALUES(1)", "INSERT INTO t VALUES(2)", "BEGIN", "SELECT * FROM t")
        run(second, "CREATE TABLE t(a)", "INSERT INTO t VALUES(1)")
        snapshot = ctypes.c_void_p()
        self.assertEqual(library.sqlite3_snapshot_get(first, b"main", ctypes.byref(snapshot)), 0)
        run(second, "BEGIN")
        sqlite_error_snapshot = 1 | 3 << 8
        self.assertEqual(library.sqlite3_snapshot_open(second, b"main", snapshot), sqlite_error_snapshot)
        again = open_database("first.db")
        run(again, "SELECT * FROM t", "BEGIN")
        self.assertEqual(library.sqlite3_snapshot_open(again, b"main", snapshot), 0)
        library.sqlite3_snapshot_free(snapshot)
        for handle in (again, first, second):
            self.assertEqual(library.sqlite3_close_v2(handle), 0)


if __name__ == "__main__":
    STRATA = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)

#!/usr/bin/env python3
"""Databases on a file system that is mounted read-only: what opens, and what an error says.

read_only_media_test.py: LD_LIBRARY_PATH leads to the drop-in library. Needs the right to mount (root): without it
the test fails. The mounts are in a mount namespace of the test's own.
"""

import contextlib
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

OWN_NAMESPACE = "STRATA_TEST_OWN_MOUNTS"


def mount(*arguments):
    subprocess.run(["mount", *map(str, arguments)], check=True)


class ReadOnlyMedia(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)
        self.media = self.root / "media"
        self.media.mkdir()
        mount("-t", "tmpfs", "none", self.media)
        self.path = self.media / "app.db"

    def tearDown(self):
        subprocess.run(["umount", self.media], check=True)
        self.folder.cleanup()

    def fill(self):
        connection = sqlite3.connect(f"file:{self.path}?wal=strata", uri=True, isolation_level=None)
        connection.execute("CREATE TABLE t(a)")
        connection.execute("INSERT INTO t VALUES(1)")
        return connection

    def leave_log(self):
        """The database with a log, as a killed process leaves it."""
        connection = self.fill()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        before = self.path.read_bytes()
        connection.execute("INSERT INTO t VALUES(2)")
        kept = self.root / "kept"
        shutil.copytree(self.media, kept)
        connection.close()
        for name in os.listdir(self.media):
            (self.media / name).unlink()
        shutil.copytree(kept, self.media, dirs_exist_ok=True)
        return before

    def protect(self):
        mount("-o", "remount,ro", self.media)
        with self.assertRaises(OSError):
            (self.media / "new").touch()

    def count(self, query=""):
        connection = sqlite3.connect(f"file:{self.path}?{query}", uri=True)
        try:
            return connection.execute("SELECT count(*) FROM t").fetchone()[0]
        finally:
            connection.close()

    def error(self, query="", sql="SELECT count(*) FROM t"):
        with self.assertRaises(sqlite3.DatabaseError) as caught:
            with contextlib.closing(sqlite3.connect(f"file:{self.path}?{query}", uri=True)) as connection:
                connection.execute(sql)
        return str(caught.exception)

    def test_a_closed_database_is_read_with_wal_strata_or_immutable(self):
        self.fill().close()
        self.protect()
        self.assertEqual(self.count("wal=strata"), 1)
        self.assertEqual(self.count("wal=strata&mode=ro"), 1)
        self.assertEqual(self.count("immutable=1"), 1)

    def test_without_either_the_error_says_what_to_do(self):
        self.fill().close()
        self.protect()
        self.assertEqual(self.error(), "unable to open database file: a database in WAL mode that cannot be written: "
                         "wal=strata or immutable=1 in its URI reads it")
        other = sqlite3.connect(":memory:", uri=True)
        with self.assertRaisesRegex(sqlite3.OperationalError, "wal=strata or immutable=1"):
            other.execute(f"ATTACH 'file:{self.path}' AS app")
        other.close()

    def test_a_log_that_was_left_is_read_too(self):
        self.leave_log()
        self.protect()
        for query in ("", "wal=strata", "mode=ro"):
            self.assertEqual(self.count(query), 2)

    def test_writing_is_refused(self):
        self.leave_log()
        self.protect()
        self.assertEqual(self.error(sql="INSERT INTO t VALUES(3)"), "attempt to write a readonly database")

    def test_a_damaged_log_is_told_by_name(self):
        self.leave_log()
        (self.media / "app.db-wal" / "identity").write_text("strata identity 1\n")
        self.protect()
        self.assertRegex(self.error(), "^database disk image is malformed: .*app.db-wal/identity: identity is damaged")

    def test_a_database_of_another_moment_is_told(self):
        before = self.leave_log()
        shutil.copy(self.path, self.root / "now.db")
        ledger = self.media / "app.db-wal" / "ledger"
        self.assertTrue(ledger.exists())
        self.path.unlink()
        self.path.write_bytes(before[:4096] + bytes(len(before) - 4096))
        self.protect()
        self.assertRegex(self.error(), "a copy that does not belong to its log .* VACUUM INTO")


if __name__ == "__main__":
    if os.environ.get(OWN_NAMESPACE) is None:
        os.environ[OWN_NAMESPACE] = "1"
        os.execvp("unshare", ["unshare", "-m", "--propagation", "private", sys.executable, *sys.argv])
    unittest.main(verbosity=2)

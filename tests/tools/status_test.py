#!/usr/bin/env python3
"""`strata status --database` beside an application that has the database open.

status_test.py STRATA_COMMAND; LD_LIBRARY_PATH leads to the drop-in library.
"""

import json
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import unittest

STRATA = None


class StatusOfAnOpenDatabase(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)
        self.store = f"file://{self.root}/store"

    def tearDown(self):
        self.folder.cleanup()

    def open(self, path="app.db", seal_ms=3_600_000):
        return sqlite3.connect(
            f"file:{self.root}/{path}?wal=strata&store={self.store}&namespace=app&seal_ms={seal_ms}",
            uri=True, isolation_level=None)

    def status(self, database):
        done = subprocess.run([STRATA, "status", "--json", "--store", self.store, "app", "--database",
                               str(self.root / database)], capture_output=True, text=True, check=False)
        return done.returncode, json.loads(done.stdout)

    def test_what_the_store_lacks_is_told_while_commits_go_on(self):
        first = self.open()
        first.execute("CREATE TABLE t(a)")
        first.close()
        code, answer = self.status("app.db")
        self.assertEqual((code, answer["namespaces"][0]["local"]), (0, None))
        shipped = answer["namespaces"][0]["last"]["frame"]
        writer = self.open()
        for i in range(50):
            writer.execute("INSERT INTO t VALUES(?)", (i,))
            if i % 10 == 9:
                code, answer = self.status("app.db")
                self.assertEqual(code, 0, answer)
                local = answer["namespaces"][0]["local"]
                self.assertEqual(local["unshipped_frames"], local["last_frame"] - shipped)
                self.assertGreaterEqual(local["unshipped_frames"], i + 1)
        writer.close()

    def test_another_database_is_refused(self):
        self.open().execute("CREATE TABLE t(a)").connection.close()
        other = sqlite3.connect(f"file:{self.root}/other.db?wal=strata", uri=True)
        other.execute("CREATE TABLE t(a)")
        code, answer = self.status("other.db")
        self.assertEqual(code, 2)
        self.assertIn("not the same database", answer["error"]["message"])
        other.close()


if __name__ == "__main__":
    STRATA = sys.argv.pop(1)
    unittest.main()

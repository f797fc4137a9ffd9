#!/usr/bin/env python3
"""`strata import` brings a database into a store, `strata export` makes a plain file of one again.

adopt_leave_test.py STRATA_COMMAND; LD_LIBRARY_PATH leads to the drop-in library.
"""

import hashlib
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

STRATA = None

# Two rows a transaction, until it is killed.
WRITER = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], uri=True, isolation_level=None, timeout=60)
print("writing", flush=True)
while True:
    database.execute("BEGIN IMMEDIATE")
    database.execute("INSERT INTO t(b) VALUES(randomblob(700))")
    database.execute("INSERT INTO t(b) VALUES(randomblob(700))")
    database.execute("COMMIT")
"""


class AdoptAndLeave(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.path = self.root / "app.db"
        self.store = f"file://{self.root}/store"

    def plain(self, rows=2000, mode="delete", page_size=4096):
        database = sqlite3.connect(self.path, isolation_level=None)
        database.execute(f"PRAGMA page_size={page_size}")
        database.execute(f"PRAGMA journal_mode={mode}")
        database.execute("CREATE TABLE t(n INTEGER PRIMARY KEY, b)")
        database.execute("BEGIN")
        database.executemany("INSERT INTO t VALUES(?, randomblob(700))", [(n,) for n in range(rows)])
        database.execute("COMMIT")
        database.close()

    def strata(self, *arguments, code=0, **options):
        done = subprocess.run([STRATA, *map(str, arguments), "--json"], capture_output=True, text=True, check=False,
                              **options)
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def content(self, path, query="mode=ro"):
        with sqlite3.connect(f"file:{path}?{query}", uri=True) as database:
            self.assertEqual(database.execute("PRAGMA integrity_check").fetchone(), ("ok",))
            rows = database.execute("SELECT n, b FROM t ORDER BY n").fetchall()
        database.close()
        return hashlib.sha256(repr(rows).encode()).hexdigest(), len(rows)

    def restored(self):
        target = self.root / "restored.db"
        self.strata("restore", "app", "-o", target, "--store", self.store, "--force")
        return self.content(target)

    def segments(self):
        return sorted(path.name for path in (self.root / "store").rglob("*.seg"))

    def test_an_imported_database_is_whole_and_goes_on_without_a_second_base(self):
        for mode, page_size in (("delete", 4096), ("wal", 512), ("delete", 65536)):
            with self.subTest(mode=mode, page_size=page_size):
                self.plain(300, mode, page_size)
                before = self.content(self.path)
                answer = self.strata("import", self.path, "app", "--store", self.store)
                self.assertEqual(answer["bytes"], self.path.stat().st_size)
                self.assertEqual(self.content(self.path), before)
                self.assertFalse(pathlib.Path(f"{self.path}-wal").exists())
                self.assertEqual(self.restored(), before)
                imported = self.segments()
                uri = f"file:{self.path}?wal=strata&store={self.store}&namespace=app"
                database = sqlite3.connect(uri, uri=True, isolation_level=None)
                database.execute("INSERT INTO t VALUES(-1, 'more')")
                database.close()
                self.assertEqual(self.restored()[1], before[1] + 1)
                self.assertEqual(len(self.segments()), len(imported) + 1)
                self.assertEqual(self.strata("verify", "app", "--full", "--store", self.store)["namespaces"][0]["findings"], [])
                for path in [self.path, pathlib.Path(f"{self.path}-strata"), *(self.root / "store").rglob("*")]:
                    if path.is_file():
                        path.unlink()

    def test_a_killed_import_is_finished_by_the_next(self):
        self.plain(20000)
        before = self.content(self.path)
        for wait in (0.05, 0.1, 0.2, 0.4):
            process = subprocess.Popen([STRATA, "import", self.path, "app", "--store", self.store],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(wait)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        self.strata("import", self.path, "app", "--store", self.store)
        self.assertEqual(self.restored(), before)

    def test_what_cannot_be_imported_is_left_alone(self):
        self.strata("import", self.path, "app", "--store", self.store, code=2)
        self.assertFalse(self.path.exists())
        self.path.write_bytes(b"no database at all" * 1000)
        self.strata("import", self.path, "app", "--store", self.store, code=1)
        self.assertEqual(self.path.read_bytes(), b"no database at all" * 1000)
        self.path.unlink()
        self.plain(10)
        other = sqlite3.connect(self.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO t VALUES(-1, 'mine')")
        answer = self.strata("import", self.path, "app", "--store", self.store, code=2)
        self.assertIn("locked", answer["error"]["message"])
        other.execute("COMMIT")
        other.close()
        self.assertEqual(self.content(self.path)[1], 11)
        self.strata("import", self.path, "../x", "--store", self.store, code=2)

    def test_an_exported_database_is_plain_again(self):
        self.plain(500)
        before = self.content(self.path)
        self.strata("import", self.path, "app", "--store", self.store)
        self.strata("export", self.path)
        self.assertEqual(self.content(self.path), before)
        self.assertEqual(self.path.read_bytes()[18:20], b"\1\1")
        self.assertEqual(sorted(p.name for p in self.root.glob("app.db*")), ["app.db"])
        answer = self.strata("export", self.path, code=2)
        self.assertIn("is not on Strata", answer["error"]["message"])

    def test_a_copy_is_one_snapshot_of_a_database_that_goes_on(self):
        self.plain(3000)
        writer = subprocess.Popen([sys.executable, "-c", WRITER, f"file:{self.path}?wal=strata"],
                                  stdout=subprocess.PIPE, text=True)
        self.addCleanup(writer.stdout.close)
        self.addCleanup(writer.wait)
        self.addCleanup(writer.kill)
        self.assertEqual(writer.stdout.readline(), "writing\n")
        counts = []
        for number in range(3):
            copy = self.root / f"copy-{number}.db"
            self.strata("export", self.path, "-o", copy)
            self.assertEqual(copy.read_bytes()[18:20], b"\1\1")
            with sqlite3.connect(f"file:{copy}?mode=ro", uri=True) as database:
                self.assertEqual(database.execute("PRAGMA integrity_check").fetchone(), ("ok",))
                least, pairs = database.execute("SELECT count(*) % 2, count(*) FROM t").fetchone()
                self.assertEqual(least, 0, "half of a transaction")
                counts.append(pairs)
            database.close()
            self.assertEqual(self.strata("export", self.path, "-o", copy, code=2)["error"]["code"], "ALREADY_EXISTS")
        self.assertLess(counts[0], counts[-1])
        self.assertIsNone(writer.poll())


if __name__ == "__main__":
    STRATA = sys.argv.pop(1)
    unittest.main()

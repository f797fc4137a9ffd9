#!/usr/bin/env python3
"""`strata import` brings a database into a store, `strata export` makes a plain file of one again.

adopt_leave_test.py STRATA_COMMAND; LD_LIBRARY_PATH leads to the drop-in library.
"""

import os
import pathlib
import signal
import sqlite3
import subprocess
import time

import database_case


class AdoptAndLeave(database_case.DatabaseCase):
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
            process = subprocess.Popen([self.command, "import", self.path, "app", "--store", self.store],
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
        writer = self.writer(f"file:{self.path}?wal=strata")
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
    database_case.run_tests()

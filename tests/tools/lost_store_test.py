#!/usr/bin/env python3
"""A database whose store is gone, and one that begins again from what its store has: docs/operating.md.

lost_store_test.py STRATA_COMMAND; LD_LIBRARY_PATH leads to the drop-in library.
"""

import os
import sqlite3
import time

import database_case


class LostStore(database_case.DatabaseCase):
    def shipped(self, path=None):
        return f"file:{path or self.path}?wal=strata&store={self.store}&namespace=app&seal_ms=20"

    def rows(self, path):
        return self.content(path)[1]

    def log_ids(self):
        return [log["log_id"] for log in self.strata("points", "app", "--store", self.store)["logs"]]

    def kill_a_writer_and_lose_the_store(self):
        self.plain(200)
        self.strata("import", self.path, "app", "--store", self.store)
        writer = self.writer(self.shipped())
        reader = sqlite3.connect(self.shipped(), uri=True)
        while reader.execute("SELECT count(*) FROM t").fetchone() < (220,):
            time.sleep(0.01)
        reader.close()
        writer.kill()
        writer.wait()
        os.rename(self.root / "store", self.root / "away")

    def test_recover_gives_a_plain_file_when_the_store_is_gone(self):
        self.kill_a_writer_and_lose_the_store()
        answer = self.strata("recover", self.path, code=1)
        self.assertFalse(answer["whole"])
        self.assertIn("--leave-store", answer["not_in_store"])
        self.assertTrue((self.root / "app.db-wal").exists())
        answer = self.strata("recover", "--leave-store", self.path)
        self.assertTrue(answer["whole"])
        self.assertIn("begins a new history", answer["not_in_store"])
        self.assertEqual(answer["damaged_log"], "")
        self.assertFalse((self.root / "app.db-wal").exists())
        before = self.content(self.path)
        self.assertGreater(before[1], 200)
        self.assertEqual(before[1] % 2, 0, "half of a transaction")

        os.rename(self.root / "away", self.root / "store")
        database = sqlite3.connect(self.shipped(), uri=True, isolation_level=None)
        database.execute("INSERT INTO t(b) VALUES('after')")
        database.close()
        self.assertEqual(self.restored(), self.content(self.path))
        self.assertEqual(self.rows(self.path), before[1] + 1)
        self.assertEqual(len(self.log_ids()), 2)
        self.strata("verify", "app", "--full", "--store", self.store)

    def test_recover_keeps_the_history_of_a_store_that_comes_back(self):
        self.kill_a_writer_and_lose_the_store()
        self.strata("recover", self.path, code=1)
        os.rename(self.root / "away", self.root / "store")
        answer = self.strata("recover", self.path)
        self.assertTrue(answer["whole"])
        self.assertEqual(answer["not_in_store"], "")
        self.assertEqual(self.restored(), self.content(self.path))
        self.assertEqual(len(self.log_ids()), 1)
        self.strata("verify", "app", "--full", "--store", self.store)

    def test_a_restored_database_takes_over_and_the_older_history_stays(self):
        self.plain(100)
        self.strata("import", self.path, "app", "--store", self.store)
        old = sqlite3.connect(self.shipped(), uri=True, isolation_level=None)
        old.execute("INSERT INTO t(b) VALUES('old')")
        self.assertEqual(old.execute("SELECT strata_wait_durable(strata_frame(), 30000)").fetchone(), (1,))
        new = self.root / "new.db"
        self.strata("restore", "app", "-o", new, "--store", self.store)
        self.strata("import", new, "app", "--store", self.store, code=2)
        self.strata("import", "--takeover", new, "app", "--store", self.store)
        database = sqlite3.connect(self.shipped(new), uri=True, isolation_level=None)
        database.execute("INSERT INTO t(b) VALUES('new'), ('newer')")
        database.close()

        with self.assertRaises(sqlite3.OperationalError):
            for _ in range(3000):
                old.execute("INSERT INTO t(b) VALUES('lost')")
                time.sleep(0.01)
        old.close()
        self.assertEqual(self.restored(), self.content(new))
        self.assertEqual(self.rows(new), 103)
        first, second = self.log_ids()
        back = self.root / "back.db"
        self.strata("restore", "app", "-o", back, "--store", self.store, "--log-id", first)
        self.assertEqual(self.rows(back), 101)
        self.assertNotEqual(first, second)
        self.strata("verify", "app", "--full", "--store", self.store)


if __name__ == "__main__":
    database_case.run_tests()

#!/usr/bin/env python3
"""The meta-db is on SQLite's own WAL, also where the environment asks for Strata: docs/decisions/0031.

meta_db_test.py STRATA_COMMAND; LD_LIBRARY_PATH leads to the drop-in library.
"""

import os
import sqlite3

import database_case


class MetaDb(database_case.DatabaseCase):
    def test_the_environment_does_not_choose_its_wal(self):
        meta = self.root / "meta.db"
        self.plain(10)
        self.strata("import", self.path, "app", "--store", self.store)
        environment = {**os.environ, "STRATA_WAL": "1"}
        self.strata("monitor", "app", "--store", self.store, "--meta", meta, env=environment)
        # A database that is open on SQLite's WAL cannot be opened on another one.
        other = sqlite3.connect(f"file:{meta}?wal=builtin", uri=True, isolation_level=None)
        other.execute("BEGIN")
        self.assertEqual(other.execute("SELECT count(*) FROM monitored_namespaces").fetchone(), (1,))
        self.assertTrue((self.root / "meta.db-wal").is_file())
        with self.assertRaises(sqlite3.OperationalError):
            sqlite3.connect(f"file:{meta}?wal=strata", uri=True, timeout=0).execute("SELECT 1 FROM monitored_namespaces")
        answer = self.strata("sync", "--store", self.store, "--meta", meta, env=environment)
        self.assertEqual(len(answer["namespaces"]), 1, answer)
        other.close()


if __name__ == "__main__":
    database_case.run_tests()

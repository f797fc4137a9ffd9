#!/usr/bin/env python3
"""Programs that know nothing of Strata run on the drop-in library.

drop_in_test.py LIBRARY SYSTEM_LIBRARY SQLITE_HEADER; LD_LIBRARY_PATH leads to LIBRARY.
"""

import os
import pathlib
import re
import sqlite3
import subprocess
import sys
import tempfile
import unittest

PUBLIC = re.compile(r"^sqlite3[a-z0-9]*_")


def defined_symbols(library):
    output = subprocess.run(["nm", "-D", "--defined-only", library], check=True, capture_output=True, text=True)
    return {line.split()[-1].split("@")[0] for line in output.stdout.splitlines()}


class Exports(unittest.TestCase):
    def test_every_public_symbol_of_the_system_library_is_there(self):
        wanted = {name for name in defined_symbols(SYSTEM_LIBRARY) if PUBLIC.match(name)}
        self.assertGreater(len(wanted), 300)
        self.assertEqual(wanted - defined_symbols(LIBRARY), set())

    def test_nothing_else_is_exported(self):
        self.assertEqual({name for name in defined_symbols(LIBRARY) if not PUBLIC.match(name)}, set())


class Program(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name) / "app.db"
        self.log = pathlib.Path(str(self.path) + "-wal")

    def tearDown(self):
        self.folder.cleanup()

    def test_it_runs_on_this_library(self):
        version = re.search(r'#define SQLITE_VERSION\s+"([^"]+)"', pathlib.Path(HEADER).read_text()).group(1)
        self.assertEqual(sqlite3.sqlite_version, version)
        self.assertIn(os.path.realpath(LIBRARY), pathlib.Path("/proc/self/maps").read_text())

    def test_wal_mode_is_as_upstream(self):
        connection = sqlite3.connect(self.path)
        self.assertEqual(connection.execute("PRAGMA journal_mode=wal").fetchone()[0], "wal")
        with connection:
            connection.execute("CREATE TABLE t(a)")
            connection.executemany("INSERT INTO t VALUES(?)", [(i,) for i in range(1000)])
        self.assertEqual(self.log.read_bytes()[:3], b"\x37\x7f\x06")
        other = sqlite3.connect(self.path)
        self.assertEqual(other.execute("SELECT sum(a) FROM t").fetchone()[0], 499500)
        other.close()
        connection.close()
        self.assertFalse(self.log.exists())

    def test_features_of_the_system_library_work(self):
        connection = sqlite3.connect(":memory:")
        connection.execute("CREATE VIRTUAL TABLE f USING fts5(a)")
        connection.execute("CREATE VIRTUAL TABLE g USING fts4(a)")
        connection.execute("CREATE VIRTUAL TABLE r USING rtree(id, x, y)")
        self.assertEqual(connection.execute("SELECT json_extract('[1,2]', '$[1]')").fetchone()[0], 2)
        self.assertAlmostEqual(connection.execute("SELECT pow(2, 0.5)").fetchone()[0], 2**0.5)
        connection.close()

    def test_compile_options_of_the_system_library_are_kept(self):
        probe = "import sqlite3\nfor r in sqlite3.connect(':memory:').execute('PRAGMA compile_options'): print(r[0])"
        clean = {key: value for key, value in os.environ.items() if key != "LD_LIBRARY_PATH"}
        system = subprocess.run([sys.executable, "-c", probe], env=clean, check=True, capture_output=True, text=True)
        ours = {row[0] for row in sqlite3.connect(":memory:").execute("PRAGMA compile_options")}
        enabled = {line for line in system.stdout.split() if line.startswith("ENABLE_")}
        # The official amalgamation's parser has no LIMIT on UPDATE and DELETE.
        self.assertLessEqual(enabled - ours, {"ENABLE_UPDATE_DELETE_LIMIT"})

    def test_unknown_log_is_an_error(self):
        with self.assertRaisesRegex(sqlite3.OperationalError, "wal=nonsense: no such write-ahead log"):
            sqlite3.connect(f"file:{self.path}?wal=nonsense", uri=True)
        self.assertFalse(self.log.exists())


if __name__ == "__main__":
    LIBRARY, SYSTEM_LIBRARY, HEADER = sys.argv[1:4]
    unittest.main(argv=sys.argv[:1])

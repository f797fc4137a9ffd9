"""What the tests of importing, exporting and leaving a store share."""

import hashlib
import json
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import unittest

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


class DatabaseCase(unittest.TestCase):
    """app.db and a store in a folder of their own."""

    command = None  # the strata binary

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
        done = subprocess.run([self.command, *map(str, arguments), "--json"], capture_output=True, text=True, check=False,
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

    def writer(self, uri):
        """A process that commits to `uri` until it is killed, and has begun."""
        process = subprocess.Popen([sys.executable, "-c", WRITER, uri], stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), "writing\n")
        return process


def run_tests():
    """Of the script that calls it, whose argument is the strata command."""
    DatabaseCase.command = sys.argv.pop(1)
    unittest.main(verbosity=2)

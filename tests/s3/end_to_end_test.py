#!/usr/bin/env python3
"""An application that writes with store=s3://…, and every subcommand of strata on what it shipped, against Ceph's
gateway; with the gateway gone for a while. end_to_end_test.py BUILD"""

import json
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

import ceph
import s3_request

BUILD = pathlib.Path()
STORE = f"s3://{ceph.BUCKET}/store"

# Each transaction is numbered; what is printed has returned from COMMIT.
WRITER = """
import sqlite3, sys
path, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
database = sqlite3.connect(path, uri=True, isolation_level=None, timeout=10)
database.execute("CREATE TABLE IF NOT EXISTS t(n INTEGER PRIMARY KEY, text)")
for n in range(first, first + count):
    database.execute("BEGIN IMMEDIATE")
    database.execute("INSERT INTO t VALUES(?, hex(randomblob(700)))", (n,))
    database.execute("COMMIT")
    print(n, flush=True)
database.close()
"""


def numbers(path):
    """What a plain SQLite reads from a restored file."""
    code = ("import sqlite3, sys; d = sqlite3.connect(sys.argv[1]); "
            "assert d.execute('PRAGMA integrity_check').fetchone() == ('ok',); "
            "print(*[n for n, in d.execute('SELECT n FROM t ORDER BY n')])")
    done = subprocess.run(["/usr/bin/python3", "-c", code, path], capture_output=True, text=True, check=True)
    return [int(n) for n in done.stdout.split()]


class EndToEnd(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.TemporaryDirectory(prefix="strata-s3-")
        cls.addClassCleanup(cls.root.cleanup)
        cls.ceph = ceph.Ceph(pathlib.Path(cls.root.name) / "ceph")
        cls.addClassCleanup(cls.ceph.stop)
        cls.ceph.create()
        s3_request.Bucket(cls.ceph.endpoint, ceph.ACCESS_KEY, ceph.SECRET_KEY, ceph.BUCKET).create()
        cls.aws = cls.ceph.aws()

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=self.root.name))
        self.name = self.id().rsplit(".", 1)[1].replace("_", "-")
        self.database = self.folder / "app.db"

    def write(self, first, count, **settings):
        """Returns the numbers whose COMMIT returned."""
        more = "".join(f"&{name}={value}" for name, value in {"seal_ms": 50, **settings}.items())
        uri = f"file:{self.database}?wal=strata&store={STORE}&namespace={self.name}{more}"
        environment = {**self.aws, "LD_LIBRARY_PATH": str(BUILD / "lib")}
        done = subprocess.run(["/usr/bin/python3", "-c", WRITER, uri, str(first), str(count)], env=environment,
                              capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [int(n) for n in done.stdout.split()]

    def strata(self, *arguments, code=0):
        command = [str(BUILD / "bin" / "strata"), *arguments, "--store", STORE, "--json"]
        done = subprocess.run(command, env={**self.aws, "XDG_STATE_HOME": str(self.folder)}, capture_output=True,
                              text=True, timeout=120)
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def restored(self, *arguments):
        target = self.folder / f"restored-{time.monotonic_ns()}.db"
        self.strata("restore", self.name, "-o", str(target), *arguments)
        return numbers(target)

    def test_written_listed_verified_compacted_restored(self):
        written = self.write(0, 200) + self.write(200, 200)
        self.assertEqual(written, list(range(400)))
        self.assertFalse((self.folder / "app.db-wal").exists(), "not everything was shipped")
        self.assertEqual(self.restored(), written)
        points = self.strata("points", self.name, "--commits")
        self.assertEqual(self.strata("verify", self.name, "--full").get("findings", []), [])
        self.strata("segments", self.name)
        self.strata("analyze", self.name)
        self.assertIn(self.name, json.dumps(self.strata("namespaces")))
        self.strata("monitor", self.name)
        self.strata("sync", self.name)
        frame = self.strata("restore", self.name, "-o", str(self.folder / "x.db"), "--dry-run")
        self.assertTrue(points and frame)
        self.strata("compact", self.name, "--strategy", "all")
        self.strata("verify", self.name, "--full")
        self.assertEqual(self.restored(), written)
        self.assertEqual(self.write(400, 10), list(range(400, 410)))
        self.assertEqual(self.restored(), list(range(410)))

    def test_commits_go_on_while_the_store_is_gone(self):
        written = self.write(0, 50)
        self.ceph.kill("rgw")
        try:
            began = time.monotonic()
            written += self.write(50, 50, close_ship_ms=500)
            self.assertLess(time.monotonic() - began, 15, "a store that is gone holds up a close")
            self.assertTrue((self.folder / "app.db-wal").exists())
        finally:
            self.ceph.start_gateway()
        self.assertEqual(self.restored(), written[:50])
        written += self.write(100, 5, close_ship_ms=30000)
        self.assertFalse((self.folder / "app.db-wal").exists())
        self.assertEqual(self.restored(), written)

    def test_a_large_segment_goes_in_parts(self):
        uri = f"file:{self.database}?wal=strata&store={STORE}&namespace={self.name}&seal_ms=60000&seal_bytes=100000000"
        code = ("import sqlite3, sys; d = sqlite3.connect(sys.argv[1], uri=True, isolation_level=None);"
                "d.execute('CREATE TABLE t(n INTEGER PRIMARY KEY, b)'); d.execute('BEGIN');"
                "d.executemany('INSERT INTO t VALUES(?, randomblob(1000000))', [(n,) for n in range(80)]);"
                "d.execute('COMMIT'); d.close()")
        subprocess.run(["/usr/bin/python3", "-c", code, uri + "&close_ship_ms=60000"], check=True, timeout=120,
                       env={**self.aws, "LD_LIBRARY_PATH": str(BUILD / "lib")})
        self.assertGreater(max(s["bytes"] if "bytes" in s else s["size"] for s in self.segments()), 70_000_000)
        self.assertEqual(self.restored(), list(range(80)))

    def segments(self):
        answer = self.strata("segments", self.name)
        return answer["segments"] if isinstance(answer, dict) else answer

    def test_settings_that_cannot_work_are_said_at_once(self):
        began = time.monotonic()
        for change, words in (({"AWS_SECRET_ACCESS_KEY": "x"}, "secret access key is wrong"),
                              ({"AWS_ENDPOINT_URL": "ftp://x"}, "endpoint URL")):
            done = subprocess.run([str(BUILD / "bin" / "strata"), "points", self.name, "--store", STORE],
                                  env={**self.aws, **change}, capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 2)
            self.assertIn(words, done.stderr)
        done = subprocess.run([str(BUILD / "bin" / "strata"), "points", self.name, "--store", "s3://no-such-bucket/s"],
                              env=self.aws, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 2)
        self.assertIn("NoSuchBucket", done.stderr)
        self.assertLess(time.monotonic() - began, 10)

    def test_the_drop_in_library_needs_neither_libcurl_nor_openssl(self):
        for file in ("lib/libsqlite3.so.0", "bin/strata"):
            needed = subprocess.run(["ldd", str(BUILD / file)], capture_output=True, text=True, check=True).stdout
            self.assertNotIn("libcurl", needed)
            self.assertNotIn("libcrypto", needed)


if __name__ == "__main__":
    BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()

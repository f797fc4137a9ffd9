#!/usr/bin/env python3
"""Programs that bundle SQLite, on the injected sqlite3.c: a C program of ours (events.c) and Node's better-sqlite3
(ledger.js), which is built by tools/build_better_sqlite3.

bundle_test.py BUILD WORK CC events|better-sqlite3

Exit code 77, with the reason: better-sqlite3 cannot be built on this machine.
"""
import json
import os
import contextlib
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import unittest

BUILD = WORK = CC = None
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PLAIN = {k: v for k, v in os.environ.items() if k not in ("STRATA_WAL", "LD_LIBRARY_PATH")}


def link_flags():
    lines = (BUILD / "sqlite" / "strata.pc").read_text().splitlines()
    packages = next(line for line in lines if line.startswith("Requires: ")).split()[1:]
    libraries = subprocess.run(["pkg-config", "--libs", *packages], capture_output=True, text=True, check=True)
    return ["-Wl,-u,strata_engine_methods", BUILD / "lib" / "libstrata.a", *libraries.stdout.split(),
            "-lstdc++", "-ldl", "-lm", "-pthread"]


class WithFolder(unittest.TestCase):
    def setUp(self):
        self.folder = WORK / self.id().rsplit(".", 1)[-1]
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.file = self.folder / "app.db"


class Events(WithFolder):
    @classmethod
    def setUpClass(cls):
        WORK.mkdir(parents=True, exist_ok=True)
        cls.program = WORK / "events"
        compiler = (["ccache"] if shutil.which("ccache") else []) + [CC]
        bundle = BUILD / "sqlite" / "generated" / "bundle" / "sqlite3.c"
        include = "-I" + str(BUILD / "sqlite" / "generated" / "include")
        options = ["-O0", "-w", "-DSQLITE_DQS=0", "-DSQLITE_ENABLE_FTS5", include]
        for source in (bundle, HERE / "events.c"):
            subprocess.run([*compiler, *options, "-c", source, "-o", WORK / (source.stem + ".o")], check=True)
        subprocess.run([CC, WORK / "events.o", WORK / "sqlite3.o", "-o", cls.program, *link_flags()], check=True)

    def show(self):
        done = subprocess.run([self.program, self.file, "show"], env=PLAIN, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        found, searched, integrity = done.stdout.split("\n")[:3]
        self.assertEqual((found, integrity), (searched, "ok"))
        return int(found)

    def test_threads_add_events_and_a_clean_close_leaves_a_plain_file(self):
        done = subprocess.run([self.program, self.file, "add", "4", "50"], env=PLAIN, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(len(done.stdout.splitlines()), 200)
        self.assertFalse(pathlib.Path(str(self.file) + "-wal").exists())
        with contextlib.closing(sqlite3.connect(self.file)) as plain:  # the system's SQLite
            self.assertEqual(plain.execute("SELECT count(*) FROM event").fetchone(), (200,))
        self.assertEqual(self.show(), 200)

    def test_what_was_acknowledged_survives_a_kill(self):
        with subprocess.Popen([self.program, self.file, "add", "4", "1000000"], env=PLAIN, stdout=subprocess.PIPE,
                              text=True) as running:
            acknowledged = [running.stdout.readline() for _ in range(300)]
            running.send_signal(signal.SIGKILL)
            acknowledged += [line for line in running.stdout if line.endswith("\n")]
        self.assertTrue(pathlib.Path(str(self.file) + "-wal").is_dir())
        self.assertGreaterEqual(self.show(), len(acknowledged))


class BetterSqlite3(WithFolder):
    @classmethod
    def setUpClass(cls):
        environment = {**PLAIN, "CFLAGS": "-O0", "CXXFLAGS": "-O0"}
        built = subprocess.run([ROOT / "tools" / "build_better_sqlite3", BUILD], env=environment, capture_output=True,
                               text=True, check=False)
        if built.returncode == 77:
            print(built.stderr)
            sys.exit(77)
        assert built.returncode == 0, built.stderr
        cls.addon = built.stdout.strip()

    def ledger(self, name, **environment):
        done = subprocess.run(["node", HERE / "ledger.js", BUILD / "better-sqlite3" / "package", self.addon,
                               self.folder / name], env={**PLAIN, **environment}, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)

    def test_it_does_on_strata_what_it_does_on_sqlites_own_log(self):
        strata = self.ledger("strata.db", STRATA_WAL="1")
        builtin = self.ledger("builtin.db")
        self.assertEqual((strata["log"], builtin["log"]), ("directory", "file"))
        self.assertEqual((strata["after"], builtin["after"]), ("none", "none"))
        self.assertEqual(strata["result"], builtin["result"])
        result = strata["result"]
        self.assertEqual((result["mode"], result["integrity"], result["entries"]), ("wal", "ok", 902))
        self.assertEqual(result["entries"], result["backup"])
        self.assertTrue(result["isolated"] and result["seen"])
        with contextlib.closing(sqlite3.connect(self.folder / "strata.db")) as plain:
            self.assertEqual(plain.execute("SELECT count(*) FROM entry").fetchone(), (902,))


if __name__ == "__main__":
    BUILD, WORK, CC = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve(), sys.argv[3]
    which = {"events": "Events", "better-sqlite3": "BetterSqlite3"}[sys.argv[4]]
    unittest.main(argv=[sys.argv[0], which])

#!/usr/bin/env python3
"""Several processes on one database: they read and write beside each other, come and go in any order, and are killed.

processes_test.py BUILD; LD_LIBRARY_PATH leads to the drop-in library.
"""

import ctypes
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest

BUILD = None

# Runs lines of Python that it is sent, with `c` as its connection.
AGENT = """
import os, sqlite3, sys
def connect(query="wal=strata", timeout=5):
    return sqlite3.connect(f"file:{sys.argv[1]}?{query}", uri=True, isolation_level=None, timeout=timeout)
for line in sys.stdin:
    try:
        if line.startswith("="):
            answer = repr(eval(line[1:]))
        else:
            exec(line)
            answer = "done"
    except sqlite3.Error as error:
        answer = f"error: {error}"
    print(answer, flush=True)
"""

# Gives all rows of a table another value in each transaction, and checkpoints now and then.
BUSY_WRITER = """
import itertools, sqlite3, sys
c = sqlite3.connect(f"file:{sys.argv[1]}?wal=strata", uri=True, isolation_level=None, timeout=30)
c.execute("CREATE TABLE busy(v, b)")
c.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<200)"
          "INSERT INTO busy SELECT 0, zeroblob(500) FROM n")
for v in itertools.count(1):
    c.execute("UPDATE busy SET v = ?", (v,))
    if v % 7 == 0:
        c.execute("PRAGMA wal_checkpoint(TRUNCATE)" if v % 2 else "PRAGMA wal_checkpoint").fetchall()
    if v == 20:
        print("begun", flush=True)
"""


class Agent:
    def __init__(self, path):
        self.process = subprocess.Popen([sys.executable, "-c", AGENT, str(path)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def send(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def answer(self):
        return self.process.stdout.readline().rstrip("\n")

    def __call__(self, line):
        self.send(line)
        return self.answer()

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        self.end()

    def end(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class Processes(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)
        self.path = self.root / "app.db"
        self.agents = []

    def tearDown(self):
        for agent in self.agents:
            if agent.process.returncode is None:
                agent.signal(signal.SIGCONT)
                agent.kill()
        self.folder.cleanup()

    def agent(self, *lines):
        agent = Agent(self.path)
        self.agents.append(agent)
        for line in lines or ["c = connect()"]:
            self.assertEqual(agent(line), "done", line)
        return agent

    def with_table(self):
        return self.agent("c = connect()", "c.execute('CREATE TABLE t(a)')", "c.execute('INSERT INTO t VALUES(1)')")

    def count(self, agent):
        return agent("=c.execute('SELECT count(*) FROM t').fetchone()[0]")

    def shell(self, sql):
        return subprocess.run([BUILD / "bin" / "sqlite3", self.path, sql], capture_output=True, text=True, timeout=60)

    def stock(self, sql):
        """The answer of the system's SQLite."""
        code = f"import sqlite3; print(sqlite3.connect({str(self.path)!r}).execute({sql!r}).fetchone()[0])"
        environment = {key: value for key, value in os.environ.items() if key != "LD_LIBRARY_PATH"}
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)

    def assert_plain(self, rows):
        """What stock SQLite sees when all have closed."""
        self.assertFalse((self.root / "app.db-wal").exists(), "the log is still there")
        self.assertEqual(self.stock("PRAGMA integrity_check").stdout, "ok\n")
        self.assertEqual(self.stock("SELECT count(*) FROM t").stdout, f"{rows}\n")

    def test_the_shell_reads_and_writes_while_the_application_runs(self):
        app = self.with_table()
        done = self.shell("SELECT count(*) FROM t; INSERT INTO t VALUES(2); SELECT count(*) FROM t;")
        self.assertEqual((done.stdout, done.stderr), ("1\n2\n", ""))
        self.assertEqual(self.count(app), "2")
        self.assertEqual(app("c.execute('INSERT INTO t VALUES(3)')"), "done")
        self.assertEqual(self.shell("SELECT count(*) FROM t").stdout, "3\n")
        self.assertEqual(app("c.close()"), "done")
        self.assert_plain(3)

    def test_an_idle_owner_makes_nobody_busy(self):
        app = self.with_table()
        for row in range(10):
            self.assertEqual(app(f"c.execute('INSERT INTO t VALUES({row})')"), "done")
            begun = time.monotonic()
            done = self.shell(f"INSERT INTO t VALUES({row})")  # without a timeout
            self.assertEqual(done.stderr, "")
            self.assertLess(time.monotonic() - begun, 20)
        self.assertEqual(self.count(app), "21")

    def test_stock_sqlite_is_still_refused(self):
        self.with_table()
        self.assertIn("OperationalError", self.stock("SELECT count(*) FROM t").stderr)

    def test_whoever_closes_last_leaves_a_plain_file(self):
        for order in ((0, 1, 2), (2, 1, 0), (1, 0, 2)):
            with self.subTest(order=order):
                agents = [self.agent() for _ in range(3)]
                agents[0]("c.execute('CREATE TABLE IF NOT EXISTS t(a)')")
                agents[0]("c.execute('DELETE FROM t')")
                for agent in agents:
                    self.assertEqual(agent("c.execute('INSERT INTO t VALUES(1)')"), "done")
                for at in order:
                    self.assertEqual(agents[at]("c.close()"), "done")
                self.assert_plain(3)

    def test_an_owner_killed_inside_a_transaction_blocks_nobody(self):
        app = self.with_table()
        other = self.agent()
        app("c.execute('PRAGMA cache_size=5')")
        app("c.execute('BEGIN IMMEDIATE')")
        app("c.executemany('INSERT INTO t VALUES(?)', [('x' * 500,)] * 1000)")
        self.assertEqual(self.count(other), "1")
        app.kill()
        begun = time.monotonic()
        self.assertEqual(other("c.execute('INSERT INTO t VALUES(2)')"), "done")
        self.assertLess(time.monotonic() - begun, 5)
        self.assertEqual(self.count(other), "2")
        other("c.close()")
        self.assert_plain(2)

    def test_a_commit_at_normal_outlives_its_killed_process(self):
        other = self.agent()
        app = self.with_table()
        app("c.execute('PRAGMA synchronous=NORMAL')")
        app("c.execute('INSERT INTO t VALUES(2)')")
        app.kill()
        self.assertEqual(self.count(other), "2")
        self.assertEqual(other("c.execute('INSERT INTO t VALUES(3)')"), "done")
        other("c.close()")
        self.assert_plain(3)

    def test_a_process_may_come_during_a_long_transaction(self):
        app = self.with_table()
        app("c.execute('BEGIN IMMEDIATE')")
        app("c.execute('INSERT INTO t VALUES(2)')")
        begun = time.monotonic()
        other = self.agent()
        self.assertEqual(self.count(other), "1")
        self.assertLess(time.monotonic() - begun, 20)
        self.assertEqual(self.agent("c = connect(timeout=0)")("c.execute('BEGIN IMMEDIATE')"),
                         "error: database is locked")
        app("c.execute('COMMIT')")
        self.assertEqual(self.count(other), "2")

    def test_a_waiting_writer_gets_its_turn(self):
        app = self.with_table()
        other = self.agent()
        app("c.execute('BEGIN IMMEDIATE')")
        other.send("c.execute('INSERT INTO t VALUES(2)')")
        time.sleep(0.3)
        app("c.execute('COMMIT')")
        self.assertEqual(other.answer(), "done")
        self.assertEqual(self.count(app), "2")

    def test_a_stopped_process_that_was_quiet_blocks_nobody(self):
        app = self.with_table()
        time.sleep(1)
        app.signal(signal.SIGSTOP)
        other = self.agent()
        self.assertEqual(other("c.execute('INSERT INTO t VALUES(2)')"), "done")
        app.signal(signal.SIGCONT)
        self.assertEqual(self.count(app), "2")

    def test_exclusive_locking_mode_keeps_other_processes_out(self):
        app = self.agent("c = connect()", "c.execute('PRAGMA locking_mode=EXCLUSIVE')", "c.execute('CREATE TABLE t(a)')")
        self.assertIn("locked", self.shell("SELECT count(*) FROM t").stderr)
        app("c.close()")
        self.assertEqual(self.shell("SELECT count(*) FROM t").stdout, "0\n")

    def test_a_reader_goes_on_beside_a_checkpoint_elsewhere(self):
        app = self.with_table()
        other = self.agent()
        other("c.execute('BEGIN')")
        self.assertEqual(self.count(other), "1")
        app("c.execute('DELETE FROM t')")
        app("c.execute('PRAGMA wal_checkpoint(PASSIVE)').fetchall()")
        self.assertEqual(self.count(other), "1")
        self.assertEqual(app("=c.execute('PRAGMA wal_checkpoint(TRUNCATE)').fetchone()[0]"), "1")
        other("c.execute('COMMIT')")
        self.assertEqual(app("=c.execute('PRAGMA wal_checkpoint(TRUNCATE)').fetchone()[0]"), "0")
        self.assertEqual(self.count(other), "0")

    def test_a_killed_reader_holds_no_checkpoint_up(self):
        app = self.with_table()
        other = self.agent()
        other("c.execute('BEGIN')")
        self.assertEqual(self.count(other), "1")
        app("c.execute('INSERT INTO t VALUES(2)')")
        other.kill()
        self.assertEqual(app("=c.execute('PRAGMA wal_checkpoint(TRUNCATE)').fetchone()[0]"), "0")

    def test_a_read_only_process_reads_beside_a_writer(self):
        app = self.with_table()
        reader = self.agent("c = connect('mode=ro')")
        self.assertEqual(self.count(reader), "1")
        app("c.execute('INSERT INTO t VALUES(2)')")
        self.assertEqual(self.count(reader), "2")
        self.assertIn("readonly", reader("c.execute('INSERT INTO t VALUES(2)')"))

    def test_a_read_only_connection_that_comes_first_keeps_no_writer_out(self):
        self.with_table()("c.close()")
        agent = self.agent("r = connect('wal=strata&mode=ro')", "r.execute('SELECT count(*) FROM t').fetchall()",
                           "c = connect()", "c.execute('INSERT INTO t VALUES(2)')")
        self.assertEqual(agent("=r.execute('SELECT count(*) FROM t').fetchone()[0]"), "2")
        other = self.agent("c = connect()", "c.execute('INSERT INTO t VALUES(3)')")
        self.assertEqual(agent("=r.execute('SELECT count(*) FROM t').fetchone()[0]"), "3")
        other("c.close()")
        agent("r.close()")
        agent("c.close()")
        self.assert_plain(3)

    def test_a_copy_of_the_files_opens_as_after_a_crash(self):
        app = self.with_table()
        copy = self.root / "copy.db"
        shutil.copytree(self.root / "app.db-wal", self.root / "copy.db-wal")
        shutil.copy(self.path, copy)
        app("c.execute('INSERT INTO t VALUES(2)')")
        done = subprocess.run([BUILD / "bin" / "sqlite3", copy, "PRAGMA integrity_check; SELECT count(*) FROM t"],
                              capture_output=True, text=True, check=False)
        self.assertEqual((done.stdout, done.stderr), ("ok\n1\n", ""))
        self.assertEqual(self.count(app), "2")

    def copy(self, *what):
        """Runs cp(1), into a folder of its own; the copied database."""
        folder = self.root / "copy"
        folder.mkdir(exist_ok=True)
        subprocess.run(["cp", "-r", *what, folder], check=True)
        return folder / "app.db"

    def open_copy(self, path, sql="PRAGMA integrity_check; SELECT count(*), max(a) FROM t"):
        return subprocess.run([BUILD / "bin" / "sqlite3", path, sql], capture_output=True, text=True, check=False)

    def test_a_copied_database_whose_log_went_on_is_refused(self):
        app = self.with_table()
        copied = self.copy(self.path)
        for row in range(2, 5):
            app(f"c.execute('INSERT INTO t VALUES({row})')")
        app("c.execute('PRAGMA wal_checkpoint(TRUNCATE)').fetchall()")
        self.copy(self.root / "app.db-wal")
        for _ in range(2):  # nothing was made of it the first time
            done = self.open_copy(copied)
            self.assertEqual(done.stdout, "")
            self.assertIn("a copy that does not belong to its log", done.stderr)
            self.assertIn("VACUUM INTO", done.stderr)
        done = subprocess.run([BUILD / "bin" / "strata", "recover", copied], capture_output=True, text=True, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("does not belong to its log", done.stderr)
        done = subprocess.run([BUILD / "bin" / "strata", "recover", "--accept-loss", copied], capture_output=True,
                              text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.count(app), "4")

    def test_a_log_copied_before_the_database_grew_is_refused(self):
        app = self.with_table()
        copied = self.copy(self.root / "app.db-wal")
        app("c.execute('CREATE TABLE u AS SELECT zeroblob(10000) AS b')")
        app("c.execute('PRAGMA wal_checkpoint(FULL)').fetchall()")
        self.copy(self.path)
        self.assertIn("a copy that does not belong to its log", self.open_copy(copied).stderr)

    def test_an_idle_database_is_copied_and_moved_with_its_log(self):
        app = self.with_table()
        app("c.execute('PRAGMA wal_checkpoint(TRUNCATE)').fetchall()")
        app("c.execute('INSERT INTO t VALUES(2)')")
        app.kill()
        copied = self.copy(self.path, self.root / "app.db-wal")
        self.assertEqual(self.open_copy(copied, "SELECT count(*), max(a) FROM t; INSERT INTO t VALUES(3)").stdout,
                         "2|2\n")
        preserved = self.root / "preserved"
        subprocess.run(["cp", "-a", self.root / "copy", preserved], check=True)
        self.assertEqual(self.open_copy(preserved / "app.db").stdout, "ok\n3|3\n")
        moved = self.root / "moved"
        moved.mkdir()
        for name in ("app.db", "app.db-wal"):
            (self.root / name).rename(moved / name)
        self.assertEqual(self.open_copy(moved / "app.db").stdout, "ok\n2|2\n")

    def test_a_copy_of_a_busy_database_is_right_or_refused(self):
        self.with_table()
        writer = subprocess.Popen([sys.executable, "-c", BUSY_WRITER, str(self.path)], stdout=subprocess.PIPE, text=True)
        self.assertEqual(writer.stdout.readline(), "begun\n")
        outcomes = {"right": 0, "refused": 0}
        try:
            for _ in range(20):
                shutil.rmtree(self.root / "copy", ignore_errors=True)
                folder = self.root / "copy"
                folder.mkdir()
                subprocess.run(["cp", self.path, folder], check=True)
                time.sleep(0.02)
                subprocess.run(["cp", "-r", self.root / "app.db-wal", folder], check=False, stderr=subprocess.DEVNULL)
                done = self.open_copy(folder / "app.db", "PRAGMA integrity_check; SELECT count(DISTINCT v) FROM busy;")
                if done.stdout == "ok\n1\n":
                    outcomes["right"] += 1
                else:
                    self.assertEqual(done.stdout, "")
                    self.assertRegex(done.stderr, "does not belong to its log|identity|DataLoss|malformed")
                    outcomes["refused"] += 1
        finally:
            writer.kill()
            writer.wait()
            writer.stdout.close()
        print(outcomes, end=" ", file=sys.stderr)
        self.assertGreater(outcomes["refused"], 0)

    def in_child(self, agent, code):
        """What `code`, run in a forked child of the agent, leaves in `answer`."""
        line = (f'exec("""read, write = os.pipe()\\npid = os.fork()\\nif pid == 0:\\n  {code}\\n'
                '  os.write(write, answer.encode()); os._exit(0)""")')
        self.assertEqual(agent(line), "done", line)
        return agent("=os.read(read, 100).decode()")

    def test_after_fork_the_child_is_refused_and_the_parent_goes_on(self):
        app = self.with_table()
        answer = self.in_child(app, "try: c.execute('SELECT * FROM t').fetchall(); answer = 'read'\\n"
                                    "  except sqlite3.Error as e: answer = str(e)")
        self.assertIn("misuse", answer)
        app("os.waitpid(pid, 0)")
        self.assertEqual(app("c.execute('INSERT INTO t VALUES(2)')"), "done")
        self.assertEqual(self.count(app), "2")

    def test_a_child_of_a_killed_process_keeps_nothing_locked(self):
        app = self.with_table()
        app("c.execute('BEGIN IMMEDIATE')")
        child = int(app("=os.spawnlp(os.P_NOWAIT, 'sleep', 'sleep', '60')"))
        sleeper = int(app("=os.fork() or __import__('time').sleep(60) or os._exit(0)"))
        app.kill()
        try:
            other = self.agent()
            self.assertEqual(other("c.execute('INSERT INTO t VALUES(2)')"), "done")
        finally:
            os.kill(child, signal.SIGKILL)
            os.kill(sleeper, signal.SIGKILL)

    def test_a_child_may_open_the_database_anew(self):
        app = self.with_table()
        answer = self.in_child(app, "d = connect(); d.execute('INSERT INTO t VALUES(2)'); d.close(); answer = 'written'")
        self.assertEqual(answer, "'written'")
        self.assertEqual(self.count(app), "2")

    def test_two_copies_of_the_library_in_one_process_are_as_two_processes(self):
        self.with_table()("c.close()")
        original = pathlib.Path(BUILD / "lib" / "libsqlite3.so.0").resolve()
        copies = []
        for name in ("one.so", "two.so"):
            shutil.copy(original, self.root / name)
            copies.append(ctypes.CDLL(str(self.root / name)))
        handles = []
        for library in copies:
            handle = ctypes.c_void_p()
            self.assertEqual(library.sqlite3_open_v2(str(self.path).encode(), ctypes.byref(handle), 6, None), 0)
            library.sqlite3_busy_timeout(handle, 5000)
            handles.append((library, handle))
        uri = f"file:{self.path}?wal=strata".encode()
        for library, handle in handles:
            library.sqlite3_close(handle)
        handles.clear()
        for library in copies:
            handle = ctypes.c_void_p()
            self.assertEqual(library.sqlite3_open_v2(uri, ctypes.byref(handle), 0x46, None), 0)
            library.sqlite3_busy_timeout(handle, 5000)
            handles.append((library, handle))
        for _ in range(5):
            for library, handle in handles:
                self.assertEqual(library.sqlite3_exec(handle, b"INSERT INTO t VALUES(2)", None, None, None), 0)
        for library, handle in handles:
            self.assertEqual(library.sqlite3_close(handle), 0)
        self.assert_plain(11)

    def test_connections_through_two_vfses_are_as_two_processes(self):
        self.with_table()("c.close()")
        ended, failures = [], []

        def come_and_go(vfs):
            try:
                for row in range(50):
                    uri = f"file:{self.path}?wal=strata&vfs={vfs}"
                    database = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=30)
                    database.execute("INSERT INTO t VALUES(?)", (row,))
                    database.close()
                    ended.append(vfs)
            except sqlite3.Error as error:
                failures.append(f"{vfs}: {error}")

        threads = [threading.Thread(target=come_and_go, args=(vfs,)) for vfs in ("unix", "unix-excl", "unix")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(len(ended), 150)
        self.assert_plain(151)


if __name__ == "__main__":
    BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=2)

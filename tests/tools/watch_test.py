#!/usr/bin/env python3
"""`strata compact --watch`: merges what changes, and does next to nothing when nothing does.

watch_test.py STRATA_COMMAND; LD_LIBRARY_PATH leads to the drop-in library.
"""

import json
import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

STRATA = None
DEADLINE_S = 60  # a failure takes this long; what is asked for takes a second or two


class Watch(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.store = f"file://{self.root}/store"
        self.meta = self.root / "meta.db"

    def strata(self, *arguments, code=0):
        done = subprocess.run([STRATA, *map(str, arguments), "--store", self.store, "--json"], capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def write(self, ns, rounds):
        """Each open and close is a segment of its own."""
        for _ in range(rounds):
            database = sqlite3.connect(f"file:{self.root}/{ns}.db?wal=strata&store={self.store}&namespace={ns}",
                                       uri=True, isolation_level=None)
            database.execute("CREATE TABLE IF NOT EXISTS t(a)")
            database.execute("INSERT INTO t VALUES(randomblob(9000))")
            database.close()

    def watch(self, *arguments):
        process = subprocess.Popen([STRATA, "compact", "--watch", "--poll", "1", "--store", self.store, "--meta",
                                    str(self.meta), "--metrics-port", "0", *arguments], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        for stream in (process.stdout, process.stderr):
            self.addCleanup(stream.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.url = re.search(r"http://\S+", process.stderr.readline()).group(0)
        return process

    def metrics(self):
        with urllib.request.urlopen(self.url, timeout=10) as answer:
            self.assertEqual(answer.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
            text = answer.read().decode()
        return dict(re.findall(r"^(strata\S+) (\S+)$", text, re.MULTILINE))

    def until(self, name, least):
        end = time.monotonic() + DEADLINE_S
        while float(self.metrics().get(name, 0)) < least:
            self.assertLess(time.monotonic(), end, f"{name} stays below {least}")
            time.sleep(0.05)

    def ends(self, process):
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(DEADLINE_S), 0)

    def test_what_changes_is_merged_while_the_daemon_runs(self):
        self.write("one", 6)
        self.write("other", 6)
        self.strata("monitor", "one", "--meta", self.meta)
        process = self.watch("--strategy", "all", "--metrics-file", str(self.root / "metrics"))
        self.until("strata_compactor_merges_total", 1)
        self.assertEqual(self.metrics()['strata_store_requests_total{kind="delete"}'], "0")
        self.assertIn("strata_compactor_merges_total 1", (self.root / "metrics").read_text())
        self.ends(process)
        self.assertEqual(len(self.strata("analyze", "one")["path"]), 1)
        self.assertGreater(len(self.strata("analyze", "other")["path"]), 1)  # is not monitored
        self.assertEqual(self.strata("verify", "one", "--full")["namespaces"][0]["findings"], [])

    def test_named_namespaces_need_no_meta_db(self):
        self.write("one", 6)
        process = self.watch("one", "missing", "--strategy", "all")
        self.until("strata_compactor_merges_total", 1)
        self.ends(process)

    def test_without_anything_to_watch_it_says_so(self):
        answer = self.strata("compact", "--watch", "--meta", self.meta, code=2)
        self.assertIn("nothing to watch", answer["error"]["message"])
        answer = self.strata("compact", "--meta", self.meta, code=2)
        self.assertIn("expected one namespace", answer["error"]["message"])

    def test_a_damaged_namespace_does_not_keep_others_waiting(self):
        self.write("bad", 4)
        self.write("good", 4)
        victim = sorted((self.root / "store" / "bad").rglob("*.seg"))[1]
        victim.write_bytes(victim.read_bytes()[:100])
        process = self.watch("bad", "good", "--strategy", "all")
        self.until("strata_compactor_merges_total", 1)
        self.assertEqual(self.metrics()["strata_compactor_failing"], "1")
        self.ends(process)
        self.assertIn("bad: ", process.stderr.read())

    def test_ten_thousand_idle_namespaces_cost_one_request_a_look(self):
        self.strata("monitor", "first", "--meta", self.meta)
        with sqlite3.connect(self.meta) as meta:
            columns = [row[1] for row in meta.execute("PRAGMA table_info(monitored_namespaces)")]
            row = dict(zip(columns, meta.execute("SELECT * FROM monitored_namespaces").fetchone()))
            names = ",".join(columns)
            for number in range(10000):
                values = [None if c == "id" else f"ns{number}" if "name" in c else row[c] for c in columns]
                meta.execute(f"INSERT INTO monitored_namespaces({names}) VALUES({','.join('?' * len(columns))})", values)
        meta.close()
        began = time.monotonic()
        process = self.watch()
        self.until("strata_compactor_looks_total", 1)
        self.assertLess(time.monotonic() - began, 5)
        self.until("strata_compactor_looks_total", 4)
        before, cpu, at = self.metrics(), self.cpu_seconds(process), time.monotonic()
        self.until("strata_compactor_looks_total", float(before["strata_compactor_looks_total"]) + 5)
        after = self.metrics()
        looks = float(after["strata_compactor_looks_total"]) - float(before["strata_compactor_looks_total"])
        self.assertEqual(self.requests(after) - self.requests(before), looks)
        print(f"idle: {100 * (self.cpu_seconds(process) - cpu) / (time.monotonic() - at):.2f}% of a core "
              f"with --poll 1 and {looks:.0f} looks", file=sys.stderr)
        self.ends(process)

    def requests(self, metrics):
        return sum(float(value) for name, value in metrics.items() if name.startswith("strata_store_requests_total"))

    def cpu_seconds(self, process):
        fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def test_only_metrics_are_answered(self):
        process = self.watch("one")
        for path, code in (("/", 404), ("/metrics2", 404)):
            with self.assertRaises(urllib.error.HTTPError) as failure:
                urllib.request.urlopen(self.url.replace("/metrics", path), timeout=10)
            self.assertEqual(failure.exception.code, code)
            failure.exception.close()
        with self.assertRaises(urllib.error.HTTPError) as failure:
            urllib.request.urlopen(self.url, data=b"x", timeout=10)
        self.assertEqual(failure.exception.code, 405)
        failure.exception.close()
        self.ends(process)


if __name__ == "__main__":
    STRATA = sys.argv.pop(1)
    unittest.main()

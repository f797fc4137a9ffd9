"""Runs the demo in a folder of its own and prints what happened. Called by tools/demo."""

import argparse
import datetime
import filecmp
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import time

import stock

ORIGINAL = pathlib.Path("/usr/share/proj/proj.db")
NAMESPACE = "proj"


class Failure(Exception):
    pass


def mib(size):
    return f"{size / 2**20:.1f} MiB"


class Demo:
    def __init__(self, build, transactions):
        self.build = build
        self.transactions = transactions
        self.folder = build / "demo"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.database = self.folder / "app.db"
        self.store = self.folder / "store"
        self.url = f"file://{self.store}"
        self.failures = []

    def check(self, what, good):
        print(f"  {'ok  ' if good else 'WRONG'} {what}")
        if not good:
            self.failures.append(what)

    def strata(self, *arguments):
        command = [str(self.build / "bin" / "strata"), arguments[0], "--store", self.url, *arguments[1:]]
        begun = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True)
        seconds = time.monotonic() - begun
        if done.returncode != 0:
            raise Failure(f"{' '.join(command)}\nexit code {done.returncode}\n{done.stdout}{done.stderr}")
        return (json.loads(done.stdout) if "--json" in arguments else done.stdout), seconds

    def restore(self, name, *arguments):
        path = self.folder / name
        answer, seconds = self.strata("restore", NAMESPACE, "-o", str(path), "--json", *arguments)
        frame = answer["commit"]["frame"]
        print(f"  restore {' '.join(arguments) or '(latest)'}: frame {frame} of {answer['commit']['time']}, "
              f"{mib(path.stat().st_size)} in {seconds:.2f} s")
        return path, frame

    def work(self):
        shutil.copyfile(ORIGINAL, self.database)
        uri = f"file:{self.database}?wal=strata&store={self.url}&namespace={NAMESPACE}"
        library = self.build / "lib"
        environment = dict(os.environ, LD_LIBRARY_PATH=str(library))
        here = pathlib.Path(__file__).parent
        print(f"1. {ORIGINAL} ({mib(ORIGINAL.stat().st_size)}) on Strata, shipping to {self.url}")
        command = ["/usr/bin/python3", str(here / "workload.py"), str(self.database), uri, str(self.folder),
                   str(self.transactions)]
        done = subprocess.run(command, env=environment)
        if done.returncode != 0:
            raise Failure(f"the workload ended with {done.returncode}")
        report = json.loads((self.folder / "workload.json").read_text())
        print(f"  {report['writers']} writers on SQLite {report['sqlite']}, synchronous=FULL: {report['commits']} "
              f"commits, {report['rollbacks']} rollbacks, {report['vacuums']} VACUUMs, {report['statements']} "
              f"statements in {report['seconds']:.1f} s")
        print(f"  transaction: median {report['median_ms']:.2f} ms, p99 {report['p99_ms']:.1f} ms; "
              f"closing took {report['close_seconds']:.2f} s")
        print(f"  a reader alongside took {report['snapshots']} snapshots, each of them one commit")
        self.check("after the last close there is one plain SQLite file and no log",
                   not pathlib.Path(f"{self.database}-wal").exists())
        return report

    def stored(self):
        answer, _ = self.strata("segments", NAMESPACE, "--json")
        return len(answer["segments"]), answer["bytes"]

    def compact(self):
        print("2. the store")
        count, size = self.stored()
        points, _ = self.strata("points", NAMESPACE, "--json")
        log = points["logs"][-1]
        raw = log["last"]["frame"] * log["page_size"]
        print(f"  {count} segments, {mib(size)} for {mib(raw)} of pages; {log['commits']} commits can be restored")
        answer, seconds = self.strata("compact", NAMESPACE, "--strategy", "all", "--json")
        compacted = sum(merge["bytes"] for merge in answer["merges"])
        print(f"  compacted into {mib(compacted)} in {seconds:.2f} s")
        _, seconds = self.strata("verify", NAMESPACE, "--full")
        print(f"  strata verify --full: everything in the store is whole ({seconds:.2f} s)")

    def compare_middle(self, report):
        print("3. a moment in the middle")
        at = datetime.datetime.fromtimestamp(report["middle"]["time"], datetime.timezone.utc)
        by_time, frame = self.restore("middle_by_time.db", "--timestamp", at.isoformat().replace("+00:00", "Z"))
        by_frame, again = self.restore("middle_by_frame.db", "--frame", str(frame))
        self.check("by time and by frame: the same commit, the same bytes",
                   frame == again and filecmp.cmp(by_time, by_frame, shallow=False))
        copy = self.folder / "middle_copy.db"
        wrong, count = stock.differing_pages(by_time, copy, 4096)
        self.check(f"page bytes: {count} pages equal to a backup taken at that commit ({wrong} differ)", wrong == 0)
        self.compare_content(by_time, report["middle"]["number"])

    def compare_end(self, report):
        print("4. the end")
        latest, _ = self.restore("latest.db")
        self.check("page bytes: the file is equal to app.db, byte for byte",
                   filecmp.cmp(latest, self.database, shallow=False))
        self.compare_content(latest, report["commits"])

    def compare_content(self, restored, number):
        twin = self.folder / f"stock_{number}.db"
        stock.replay(ORIGINAL, self.folder / "journal.json", number, twin)
        digest, tables, rows = stock.content(restored)
        self.check(f"results: {tables} tables, {rows} rows equal to stock SQLite's {sqlite3.sqlite_version} after "
                   f"the same {number} transactions", digest == stock.content(twin)[0])
        self.check("PRAGMA integrity_check by stock SQLite", stock.integrity(restored) == "ok")

    def run(self):
        report = self.work()
        self.compact()
        self.compare_middle(report)
        self.compare_end(report)
        _, size = self.stored()
        print(f"5. sizes: app.db {mib(self.database.stat().st_size)}, store with history {mib(size)}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--transactions", type=int, default=4000)
    arguments = parser.parse_args()
    demo = Demo(arguments.build.resolve(), arguments.transactions)
    try:
        demo.run()
    except Failure as failure:
        demo.failures.append(str(failure))
        print(f"  WRONG {failure}")
    if demo.failures:
        print(f"demo: {len(demo.failures)} wrong; everything is in {demo.folder}")
        return 1
    print("demo: nothing differs")
    return 0


if __name__ == "__main__":
    sys.exit(main())

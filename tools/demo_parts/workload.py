"""The application: several threads write to a database on Strata, another one reads.

Runs on the drop-in library. It knows nothing of Strata but its URI, and writes down what it committed (in commit
order, with parameters), so that stock SQLite can do the same again.

workload.py DATABASE URI OUT TRANSACTIONS
"""

import concurrent.futures
import itertools
import json
import pathlib
import random
import sqlite3
import sys
import threading
import time

WRITERS = 4
SCHEMA = """
CREATE TABLE demo_ledger(number INTEGER PRIMARY KEY, writer INTEGER NOT NULL, what TEXT NOT NULL);
CREATE TABLE demo_total(committed INTEGER NOT NULL);
INSERT INTO demo_total VALUES(0);
"""


def connect(uri):
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=30, check_same_thread=False)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA cache_size=200")  # small: large transactions spill into the log
    return connection


class Material:
    """Rows of the real database that statements are made of."""

    def __init__(self, connection):
        read = lambda sql: connection.execute(sql).fetchall()
        self.aliases = read("SELECT table_name, auth_name, code, alt_name FROM alias_name ORDER BY 1, 2, 3, 4")
        self.usages = read("SELECT auth_name, code FROM usage ORDER BY 1, 2")
        self.extents = read("SELECT auth_name, code FROM extent ORDER BY 1, 2")
        self.transformations = read("SELECT auth_name, code FROM helmert_transformation_table ORDER BY 1, 2")


def inserts(material, rng, tag):
    for table, authority, code, name in rng.sample(material.aliases, rng.randint(1, 12)):
        yield ("INSERT INTO alias_name VALUES(?,?,?,?,'demo')", (table, authority, code, f"{name} {tag}"))


def updates(material, rng, tag):
    for key in rng.sample(material.extents, rng.randint(1, 6)):
        yield ("UPDATE extent SET description = description || ? WHERE auth_name = ? AND code = ?", (f" {tag}", *key))
    for key in rng.sample(material.transformations, rng.randint(1, 6)):
        yield ("UPDATE helmert_transformation_table SET accuracy = ? WHERE auth_name = ? AND code = ?",
               (rng.randint(0, 1000) / 10, *key))


def deletes(material, rng, tag):
    for key in rng.sample(material.usages, rng.randint(1, 8)):
        yield ("DELETE FROM usage WHERE auth_name = ? AND code = ?", key)
    yield ("DELETE FROM alias_name WHERE source = 'demo' AND table_name = ? AND length(code) % 3 = ?",
           (rng.choice(material.aliases)[0], rng.randrange(3)))


def sweep(material, rng, tag):
    yield ("UPDATE alias_name SET source = ? WHERE length(alt_name) % 5 = ? AND source IS NOT 'demo'",
           (f"sweep {tag}", rng.randrange(5)))


KINDS = [(inserts, 50), (updates, 35), (deletes, 14), (sweep, 1)]


class Writer:
    def __init__(self, uri, number, material):
        self.connection = connect(uri)
        self.number = number
        self.material = material
        self.rng = random.Random(number)
        self.journal = []  # (number of the commit, statements)
        self.latencies = []
        self.rollbacks = 0

    def run(self, transactions):
        for _ in range(transactions):
            self.transaction()

    def transaction(self):
        (kind,) = self.rng.choices([k for k, _ in KINDS], [weight for _, weight in KINDS])
        statements = list(kind(self.material, self.rng, f"[{self.number}.{len(self.journal)}]"))
        begun = time.monotonic()
        self.connection.execute("BEGIN IMMEDIATE")
        number = self.connection.execute("SELECT committed + 1 FROM demo_total").fetchone()[0]
        statements.append(("INSERT INTO demo_ledger VALUES(?,?,?)", (number, self.number, kind.__name__)))
        statements.append(("UPDATE demo_total SET committed = ?", (number,)))
        for sql, parameters in statements:
            self.connection.execute(sql, parameters)
        if self.rng.random() < 0.05:
            self.connection.execute("ROLLBACK")
            self.rollbacks += 1
            return
        self.connection.execute("COMMIT")
        self.latencies.append(time.monotonic() - begun)
        self.journal.append((number, statements))


class Reader:
    """Looks, as long as it is not told to stop, whether every snapshot is one commit's."""

    def __init__(self, uri):
        self.connection = connect(uri)
        self.stop = threading.Event()
        self.snapshots = 0
        self.last = 0

    def run(self):
        while not self.stop.is_set():
            self.connection.execute("BEGIN")
            committed = self.connection.execute("SELECT committed FROM demo_total").fetchone()[0]
            rows, last = self.connection.execute("SELECT count(*), max(number) FROM demo_ledger").fetchone()
            again = self.connection.execute("SELECT committed FROM demo_total").fetchone()[0]
            self.connection.execute("COMMIT")
            if not (committed == again == rows == (last or 0)) or committed < self.last:
                raise SystemExit(f"reader: not one commit: {committed}, {again}, {rows} rows, last {last}, "
                                 f"before {self.last}")
            self.last = committed
            self.snapshots += 1


def middle(connection, out):
    """While no one writes: a copy of the database by SQLite's backup interface, and the time."""
    with sqlite3.connect(out / "middle_copy.db") as copy:
        connection.backup(copy)
    copy.close()
    number = connection.execute("SELECT committed FROM demo_total").fetchone()[0]
    at = time.time()
    time.sleep(0.05)
    return {"number": number, "time": at}


def main(database, uri, out, transactions):
    out = pathlib.Path(out)
    setup = connect(uri)
    setup.executescript("BEGIN IMMEDIATE;" + SCHEMA + "COMMIT;")
    material = Material(setup)
    writers = [Writer(uri, number, material) for number in range(WRITERS)]
    reader = Reader(uri)
    vacuums, points = [], {}
    begun = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(WRITERS + 1) as pool:
        reading = pool.submit(reader.run)

        def write(quarters):
            for done in [pool.submit(w.run, transactions * quarters // 4 // WRITERS) for w in writers]:
                done.result()

        def vacuum():
            vacuums.append(setup.execute("SELECT committed FROM demo_total").fetchone()[0])
            setup.execute("VACUUM")

        try:
            write(1)
            vacuum()
            write(1)
            points["middle"] = middle(setup, out)
            write(1)
            vacuum()
            write(1)
        finally:
            reader.stop.set()
        reading.result()
    seconds = time.monotonic() - begun
    connections = [setup, reader.connection] + [w.connection for w in writers]
    latencies = sorted(itertools.chain.from_iterable(w.latencies for w in writers))
    closing = time.monotonic()
    for connection in connections:
        connection.close()
    journal = sorted(itertools.chain.from_iterable(w.journal for w in writers))
    (out / "journal.json").write_text(json.dumps({"schema": SCHEMA, "vacuums": vacuums, "transactions": journal}))
    (out / "workload.json").write_text(json.dumps({
        "sqlite": sqlite3.sqlite_version, "seconds": seconds, "close_seconds": time.monotonic() - closing,
        "commits": len(journal), "rollbacks": sum(w.rollbacks for w in writers), "vacuums": len(vacuums),
        "statements": sum(len(statements) for _, statements in journal), "writers": WRITERS,
        "snapshots": reader.snapshots, "median_ms": 1000 * latencies[len(latencies) // 2],
        "p99_ms": 1000 * latencies[len(latencies) * 99 // 100], **points}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))

"""What stock SQLite says: the same transactions again, and the content of a database as one hash."""

import hashlib
import json
import shutil
import sqlite3

# Bytes of page 1 that SQLite's backup interface sets in a copy: the versions that say WAL or not, the
# counters of changes and the schema cookie (https://www.sqlite.org/fileformat.html#the_database_header).
SET_BY_BACKUP = (range(18, 20), range(24, 28), range(40, 44), range(92, 100))


def content(path):
    """Hash over schema and all rows of all tables, whatever their order in the file; and the number of both."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    digest = hashlib.sha256()
    objects = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2, 3").fetchall()
    rows = 0
    for kind, name, _, sql in objects:
        digest.update(repr((kind, name, sql)).encode())
        if kind != "table":
            continue
        lines = sorted(repr(row) for row in connection.execute(f'SELECT * FROM "{name}"'))
        digest.update("\n".join(lines).encode())
        rows += len(lines)
    tables = sum(kind == "table" for kind, *_ in objects)
    connection.close()
    return digest.hexdigest(), tables, rows


def integrity(path):
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    answer = connection.execute("PRAGMA integrity_check").fetchone()[0]
    connection.close()
    return answer


def replay(original, journal_path, until, to):
    """The journal up to commit `until` on a copy of the original."""
    shutil.copyfile(original, to)
    journal = json.loads(journal_path.read_text())
    connection = sqlite3.connect(to, isolation_level=None)
    connection.execute("PRAGMA synchronous=OFF")
    connection.executescript("BEGIN;" + journal["schema"] + "COMMIT;")
    for number, statements in journal["transactions"]:
        if number > until:
            break
        connection.execute("BEGIN")
        for sql, parameters in statements:
            connection.execute(sql, parameters)
        connection.execute("COMMIT")
        if number in journal["vacuums"]:
            connection.execute("VACUUM")
    connection.close()


def pages(path, page_size):
    data = bytearray(path.read_bytes())
    for header_bytes in SET_BY_BACKUP:
        for at in header_bytes:
            data[at] = 0
    return [bytes(data[at:at + page_size]) for at in range(0, len(data), page_size)]


def differing_pages(left, right, page_size):
    a, b = pages(left, page_size), pages(right, page_size)
    return sum(x != y for x, y in zip(a, b)) + abs(len(a) - len(b)), len(a)

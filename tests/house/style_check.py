#!/usr/bin/env python3
"""Rules of style that a program can check. What does not pass yet is counted in style_ratchet.json, by rule and
file; a count may fall and never rise, and a new file has none.

style_check.py ROOT [--update]
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys

PRODUCT = ["io", "segment", "wal", "meta", "compactor", "sqlite", "tools"]
ALL = [*PRODUCT, "tests", "fuzz", "bench"]
LINES = {".cc": 600, ".h": 250, ".c": 600, ".py": 600}

# Files, time and randomness have one door each: io/file.h, io/clock.h, io/random.h.
DOORS = re.compile(
    r"std::filesystem|std::[io]?fstream|<fstream>|\bfopen\(|\bopendir\(|::open\(|::fsync\(|::fdatasync\(|::unlink\("
    r"|\bclock_gettime\(|\bgettimeofday\(|std::chrono::|\bsleep_for\(|std::random_device|std::mt19937|\bs?rand\(\)")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
MERGE_MARK = re.compile(rb"^(<{7}|>{7}) ", re.MULTILINE)
# SQLite's own conventions rule in C code that is compiled into it.
COMPILED_INTO_SQLITE = ("sqlite/inject/", "sqlite/virtual_wal.h", "tests/sqlite/fake_engine.h",
                        "tests/sqlite/libsql_adapter.h", "tests/sqlite/libsql_shape.h")


def all_files(root):
    listed = subprocess.run(["git", "-C", root, "ls-files", "--cached", "--others", "--exclude-standard"],
                            capture_output=True, text=True)
    names = listed.stdout.splitlines() if listed.returncode == 0 else [
        str(path.relative_to(root)) for path in sorted(root.rglob("*"))]
    return [name for name in names if (root / name).is_file()]


def files(root):
    return [name for name in all_files(root) if name.split("/")[0] in ALL and pathlib.Path(name).suffix in LINES]


def merge_marks(root, name):
    """Scripts and settings too: what a merge left stands in files that no compiler reads."""
    return len(MERGE_MARK.findall((root / name).read_bytes()))


def too_long(root, name):
    limit = LINES[pathlib.Path(name).suffix]
    return max(0, len((root / name).read_text().splitlines()) - limit)


def unfinished(root, name):
    return 0 if name.startswith("tests/house/") else len(UNFINISHED.findall((root / name).read_text()))


def past_the_doors(root, name):
    if name.split("/")[0] not in PRODUCT[1:] or not name.endswith((".cc", ".h")):
        return 0
    return len(DOORS.findall((root / name).read_text()))


def no_pragma_once(root, name):
    if not name.endswith(".h") or name.startswith(COMPILED_INTO_SQLITE):
        return 0
    return int("#pragma once" not in (root / name).read_text())


def unformatted(root, names, program):
    """Files that clang-format would change."""
    names = [n for n in names if n.endswith((".cc", ".h")) and not n.startswith(COMPILED_INTO_SQLITE)]
    done = subprocess.run([program, "--dry-run", "--ferror-limit=1", *names], cwd=root, capture_output=True, text=True)
    changed = {line.split(":")[0] for line in done.stderr.splitlines() if "[-Wclang-format-violations]" in line}
    return {name: 1 for name in names if name in changed}


RULES = {"lines over the limit": too_long, "unfinished": unfinished, "past the doors of io": past_the_doors,
         "header without pragma once": no_pragma_once}


def measure(root, program):
    names = files(root)
    found = {rule: {n: c for n in names if (c := check(root, n))} for rule, check in RULES.items()}
    found["marks of a merge"] = {n: c for n in all_files(root) if (c := merge_marks(root, n))}
    found["not as clang-format has it"] = unformatted(root, names, program)
    return found, len(names)


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    program = shutil.which("clang-format-14")
    if program is None:
        print("clang-format-14 is missing: tools/install_deps installs it")
        return 2
    ratchet = root / "tests" / "house" / "style_ratchet.json"
    found, count = measure(root, program)
    if "--update" in sys.argv:
        ratchet.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
        return 0
    allowed = json.loads(ratchet.read_text())
    findings = [f"{name}: {rule}: {number}, allowed {allowed.get(rule, {}).get(name, 0)}"
                for rule, by_file in found.items() for name, number in by_file.items()
                if number > allowed.get(rule, {}).get(name, 0)]
    known = sum(len(by_file) for by_file in allowed.values())
    print("\n".join([*findings, f"{count} files, {len(findings)} findings, {known} known ones; tools/format formats"]))
    return 1 if findings or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())

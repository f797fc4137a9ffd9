#!/usr/bin/env python3
"""Clang's view of the libraries, which are built with GCC otherwise: the locks are held where the annotations say so
(-Wthread-safety), and each library compiles as one file, as the builds with sanitizers do it (STRATA_UNITY). Nothing is
generated.

clang_check.py CMAKE SOURCE WORK SQLITE_SOURCE [FOLDER …]: of these folders; without any, of all, tests too.
"""

import concurrent.futures
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys


def configure(cmake, source, work, sqlite_source):
    done = subprocess.run(
        [cmake, "-G", "Ninja", "-S", source, "-B", work, "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON", "-DSTRATA_UNITY=all",
         "-DCMAKE_C_COMPILER=clang-14", "-DCMAKE_CXX_COMPILER=clang++-14", f"-DSTRATA_SQLITE_DIR={sqlite_source}"],
        capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stdout + done.stderr)


def commands(work, folders):
    for entry in json.loads((work / "compile_commands.json").read_text()):
        output = shlex.split(entry["command"])
        folder = output[output.index("-o") + 1].split("/CMakeFiles/")[0]
        if entry["file"].endswith((".cc", ".cxx")) and (not folders or folder in folders):
            yield folder, entry


def check(entry):
    words = shlex.split(entry["command"])
    command = words[words.index("clang++-14" if "clang++-14" in words else shutil.which("clang++-14")):]
    done = subprocess.run([*command, "-fsyntax-only", "-Werror=thread-safety"], cwd=entry["directory"],
                          capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def main():
    cmake, source, work, sqlite_source, *folders = sys.argv[1:]
    work = pathlib.Path(work)
    configure(cmake, source, work, sqlite_source)
    found = list(commands(work, folders))
    missing = set(folders) - {folder for folder, _ in found}
    if not found or missing:
        sys.exit(f"clang_check: nothing compiled in {', '.join(sorted(missing)) or 'any folder'}")
    with concurrent.futures.ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        results = list(pool.map(check, (entry for _, entry in found)))
    for _, messages in results:
        sys.stderr.write(messages)
    failed = sum(code != 0 for code, _ in results)
    print(f"clang_check: {len(results)} files, {failed} with errors")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

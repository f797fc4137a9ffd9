"""System calls for each commit, counted by strace."""

import json
import re
import shutil
import subprocess

LINE = re.compile(r"^\s*[0-9.]+\s+[0-9.]+\s+[0-9]+\s+([0-9]+)\s+(?:[0-9]+\s+)?(\w+)$")
WRITES = ("write", "pwrite64", "pwritev", "pwritev2")
SYNCS = ("fsync", "fdatasync", "sync_file_range")
OTHERS = ("fcntl", "pread64", "futex", "fallocate", "ftruncate")
COUNTED = (*WRITES, *SYNCS, *OTHERS)


def count(build, folder, arm, synchronous, writers, commits, calls):
    """{call: number}, for the whole run of a worker. Only `calls` are stopped at, so that the rest runs as it would."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    library = build / "lib" / ("libsqlite3-stock.so" if arm == "stock" else "libsqlite3.so.0")
    subprocess.run(["strace", "-f", "--seccomp-bpf", "-c", "-e", f"trace={','.join(calls)}", "-o", folder / "counts", build / "bin" / "strata_bench_worker", "commits", arm,
                    library, folder, f"synchronous={synchronous}", f"writers={writers}", f"commits={commits}"],
                   input="round\n", check=True, capture_output=True, text=True)
    found = {match.group(2): int(match.group(1)) for match in map(LINE.match, (folder / "counts").read_text().splitlines())
             if match}
    shutil.rmtree(folder, ignore_errors=True)
    return found


def per_commit(build, folder, arm, synchronous, writers, commits):
    """Of two runs, one twice as long, the difference: what starting and ending cost is in both."""
    total = commits * writers
    found = {}
    for calls in (SYNCS, WRITES, OTHERS):
        short = count(build, folder, arm, synchronous, writers, commits, calls)
        long = count(build, folder, arm, synchronous, writers, 2 * commits, calls)
        found |= {call: (long.get(call, 0) - short.get(call, 0)) / total for call in calls
                  if long.get(call, 0) - short.get(call, 0) > total / 1000}
    return found


def lines(found):
    writes = {arm: sum(calls.get(each, 0) for each in WRITES) for arm, calls in found.items()}
    syncs = {arm: sum(calls.get(each, 0) for each in SYNCS) for arm, calls in found.items()}
    others = {each: {arm: calls.get(each, 0) for arm, calls in found.items()}
              for each in COUNTED if each not in WRITES + SYNCS and any(each in calls for calls in found.values())}
    return [{"metric": what, "what": what, "higher_is_better": False, "target": None, "absolute": False, "medians": medians,
             "verdict": ""} for what, medians in {"writes": writes, "syncs": syncs, **others}.items()]


def run(build, folder, quick, say):
    if shutil.which("strace") is None:
        return [{"name": "strace", "group": "system calls", "parameters": {}, "error": "strace is not installed"}]
    results = []
    for synchronous, writers in (("FULL", 1), ("FULL", 16), ("NORMAL", 1)):
        commits = (200 if writers == 1 else 20) if quick else 2000 if writers == 1 else 500
        name = f"{synchronous}, {writers} threads"
        parameters = {"synchronous": synchronous, "writers": writers, "commits": commits}
        try:
            found = {arm: per_commit(build, folder, arm, synchronous, writers, commits) for arm in ("stock", "strata")}
        except subprocess.CalledProcessError as error:
            results.append({"name": name, "group": "system calls", "parameters": parameters,
                            "error": error.stderr.strip()[-200:] or str(error)})
            continue
        say(f"   {name}: {json.dumps(found)}")
        results.append({"name": name, "group": "system calls", "parameters": parameters, "lines": lines(found),
                        "counts": found})
    return results

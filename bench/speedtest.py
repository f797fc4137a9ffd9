"""Workload 6: SQLite's speedtest1, built twice from one object: against the stock library and the injected one."""

import os
import re
import shutil
import subprocess

from pairs import ratio_of

TOTAL = re.compile(r"TOTAL\.+\s+([0-9.]+)s")
OURS = {"stock": {}, "strata": {"STRATA_WAL": "1"}}
LIBRARY = {"stock": "libsqlite3-stock.so", "strata": "libsqlite3.so.0"}


def build_programs(root, build, folder):
    source = subprocess.run([root / "tools" / "build_testfixture", build, "--source-only"], check=True,
                            capture_output=True, text=True).stdout.strip()
    folder.mkdir(parents=True, exist_ok=True)
    compiler = ["cc", "-O2", "-w", f"-I{build}/sqlite/generated/include"]
    subprocess.run([*compiler, "-c", f"{source}/test/speedtest1.c", "-o", folder / "speedtest1.o"], check=True)
    for arm, library in LIBRARY.items():
        subprocess.run(["cc", folder / "speedtest1.o", build / "lib" / library, f"-Wl,-rpath,{build}/lib", "-o",
                        folder / f"speedtest1-{arm}"], check=True)


def run_once(folder, arm, size):
    where = folder / arm
    shutil.rmtree(where, ignore_errors=True)
    where.mkdir()
    done = subprocess.run([folder / f"speedtest1-{arm}", "--journal", "wal", "--size", str(size), where / "test.db"],
                          env={**os.environ, **OURS[arm]}, capture_output=True, text=True)
    shutil.rmtree(where, ignore_errors=True)
    found = TOTAL.search(done.stdout)
    if done.returncode != 0 or not found:
        raise RuntimeError(f"speedtest1-{arm}: {done.returncode} {done.stderr.strip()[-300:]}")
    return float(found.group(1))


def run(root, build, folder, quick, say):
    size, pairs = (2, 2) if quick else (100, 5)
    result = {"name": f"speedtest1 --journal wal --size {size}", "group": "speedtest1", "parameters": {"size": size}}
    try:
        build_programs(root, build, folder)
        times = {"stock": [], "strata": []}
        for number in range(pairs):
            for arm in ("stock", "strata") if number % 2 == 0 else ("strata", "stock"):
                times[arm].append(run_once(folder, arm, size))
            say(f"   stock {times['stock'][-1]:.3f} s, strata {times['strata'][-1]:.3f} s")
    except (subprocess.CalledProcessError, OSError, RuntimeError) as error:
        return {**result, "error": str(error)}
    ratio = ratio_of(times["stock"], times["strata"])
    held = "" if quick else "no" if ratio["median"] > 0.95 else "yes" if ratio["high"] <= 0.95 else "yes, within the noise"
    medians = {arm: sorted(each)[len(each) // 2] for arm, each in times.items()}
    return {**result, "rounds": {arm: [{"seconds": t} for t in each] for arm, each in times.items()},
            "lines": [{"metric": "seconds", "what": "total, s", "higher_is_better": False, "target": 0.95,
                       "absolute": False, "medians": medians, "ratio": ratio, "verdict": held}]}

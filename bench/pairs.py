"""Rounds of one case, stock and Strata in turn, and what their ratio is."""

import json
import math
import pathlib
import shutil
import statistics
import subprocess

# Student's t for a two-sided 95% interval, by degrees of freedom.
T95 = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262, 10: 2.228,
       11: 2.201, 12: 2.179, 13: 2.160, 14: 2.145, 15: 2.131, 19: 2.093, 24: 2.064, 29: 2.045}


class WorkerFailed(Exception):
    """A worker that ended early; its last words."""


class Worker:
    """A process that runs rounds of one workload with one library."""

    def __init__(self, build, workload, arm, folder, parameters):
        self.folder = pathlib.Path(folder)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        library = build / "lib" / ("libsqlite3-stock.so" if arm == "stock" else "libsqlite3.so.0")
        self.errors = open(self.folder / "errors", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [build / "bin" / "strata_bench_worker", workload, arm, library, self.folder,
             *(f"{key}={value}" for key, value in parameters.items())],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True)
        self.about = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.errors.seek(0)
            why = self.errors.read().strip() or f"ended with {self.process.returncode}"
            self.close()
            raise WorkerFailed(why)
        return json.loads(line)

    def round(self):
        self.process.stdin.write("round\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()
        self.errors.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def run_pairs(build, folder, case, pairs, say):
    """{"rounds": {arm: [numbers by name]}}, or {"error": why there are none}."""
    workers = {}
    rounds = {arm: [] for arm in case.arms}
    try:
        for arm in case.arms:
            workers[arm] = Worker(build, case.workload, arm, folder / arm, case.parameters)
        for number in range(pairs):
            order = case.arms if number % 2 == 0 else case.arms[::-1]
            for arm in order:
                rounds[arm].append(workers[arm].round())
            metric = case.metrics[0].key
            say("   " + ", ".join(f"{arm} {rounds[arm][-1].get(metric, math.nan):.5g}" for arm in case.arms))
    except WorkerFailed as error:
        return {"error": f"{arm}: {error}", "rounds": rounds}
    finally:
        for worker in workers.values():
            worker.close()
    return {"rounds": rounds}


def ratio_of(rival, ours):
    """Median of the pairs' ratios, and the 95% confidence interval of their geometric mean."""
    ratios = [b / a for a, b in zip(rival, ours) if a > 0 and b > 0]
    if not ratios:
        return None
    result = {"median": statistics.median(ratios), "pairs": len(ratios), "ratios": ratios}
    if len(ratios) > 1:
        logs = [math.log(ratio) for ratio in ratios]
        freedom = len(logs) - 1
        t = T95.get(freedom) or T95[max(known for known in T95 if known <= freedom)]
        half = t * statistics.stdev(logs) / math.sqrt(len(logs))
        result["low"] = math.exp(statistics.mean(logs) - half)
        result["high"] = math.exp(statistics.mean(logs) + half)
    return result


def summarize(case, outcome):
    """One entry for each of the case's metrics."""
    lines = []
    for metric in case.metrics:
        values = {arm: [each[metric.key] for each in rounds if metric.key in each]
                  for arm, rounds in outcome["rounds"].items()}
        line = {"metric": metric.key, "what": metric.what, "higher_is_better": metric.higher,
                "target": metric.target, "absolute": metric.absolute,
                "medians": {arm: statistics.median(v) for arm, v in values.items() if v}}
        if len(case.arms) > 1:
            line["ratio"] = ratio_of(values[case.arms[0]], values[case.arms[1]])
        line["verdict"] = verdict(line, case)
        lines.append(line)
    return lines


def verdict(line, case):
    target = line["target"]
    if target is None:
        return ""
    good = (lambda value: value >= target) if line["higher_is_better"] else (lambda value: value <= target)
    if line["absolute"]:
        ours = line["medians"].get(case.arms[-1])
        return "" if ours is None else ("yes" if good(ours) else "no")
    ratio = line.get("ratio")
    if not ratio:
        return ""
    if not good(ratio["median"]):
        return "no"
    worst = ratio.get("low" if line["higher_is_better"] else "high")
    return "yes" if worst is not None and good(worst) else "yes, within the noise"

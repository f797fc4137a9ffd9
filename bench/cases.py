"""The workloads of docs/benchmarks/README.md with their parameters and targets."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Metric:
    key: str  # in a round's numbers
    what: str
    higher: bool = True  # is better
    target: float | None = None  # of the ratio to stock, or of Strata's own number if absolute
    absolute: bool = False


@dataclasses.dataclass
class Case:
    name: str
    group: str
    workload: str
    parameters: dict
    metrics: list
    pairs: int = 5
    arms: tuple = ("stock", "strata")


RATE = "commits_per_s"
P999 = "commit_p999_us"


def commits(workload, where, synchronous, writers, targets, quick):
    rate, tail = targets.get((where, synchronous, writers), (None, None))
    parameters = {"synchronous": synchronous, "writers": writers,
                  "milliseconds": 300 if quick else 2000, "warm_up_ms": 50 if quick else 300}
    return Case(f"{synchronous}, {writers} {where}", "commits", workload, parameters,
                [Metric(RATE, "commits/s", True, rate), Metric("commit_p50_us", "p50, µs", False),
                 Metric("commit_p99_us", "p99, µs", False), Metric(P999, "p99.9, µs", False, tail),
                 Metric("commit_max_us", "longest, µs", False),
                 *([Metric("cpu_us_per_commit", "processor time of a commit, µs", False)] if where == "threads" else [])],
                pairs=9 if writers == 1 else 5)


def commit_cases(quick):
    targets = {("threads", "FULL", 1): (0.97, None), ("threads", "FULL", 8): (5, None),
               ("threads", "FULL", 16): (8, 1 / 20), ("threads", "NORMAL", 1): (1.3, None),
               ("threads", "NORMAL", 4): (1.1, None), ("threads", "NORMAL", 8): (1.1, None)}
    for synchronous in ("FULL", "NORMAL"):
        for writers in (1, 8) if quick else (1, 2, 4, 8, 16):
            yield commits("commits", "threads", synchronous, writers, targets, quick)
    for synchronous in ("FULL", "NORMAL"):
        for writers in (1,) if quick else (1, 2, 4, 8, 16):
            yield commits("commit_processes", "processes", synchronous, writers, targets, quick)


def builtin_cases(quick):
    """The injected library's built-in log against the stock library."""
    for synchronous in ("FULL", "NORMAL"):
        parameters = {"synchronous": synchronous, "writers": 1, "milliseconds": 300 if quick else 2000}
        yield Case(f"{synchronous}, 1 thread, built-in log of the injected library", "builtin", "commits",
                   parameters, [Metric(RATE, "commits/s", True, 0.98)], pairs=9, arms=("stock", "builtin"))
    parameters = {"frames": 0, "cache_size": 100, "rows": 5000, "milliseconds": 200 if quick else 1000}
    yield Case("point reads, built-in log of the injected library", "builtin", "reads", parameters,
               [Metric("points_per_s", "point reads/s", True, 0.98),
                Metric("ranges_per_s", "range reads/s", True, 0.98)], pairs=9, arms=("stock", "builtin"))


def heartbeat_cases(quick):
    for name, pace in (("paced, at most 800/s", 20), ("at full speed", 0)):
        parameters = {"writers": 16, "readers": 8, "pace_ms": pace, "synchronous": "FULL",
                      "events": 20_000 if quick else 545_000, "milliseconds": 500 if quick else 6000}
        tail, queries = (1 / 5, 1.0) if pace else (None, None)
        yield Case(f"16 watchers {name}, 8 query clients", "heartbeat", "heartbeat", parameters,
                   [Metric("heartbeat_p999_us", "heartbeat p99.9, µs", False, tail),
                    Metric("heartbeat_p50_us", "heartbeat p50, µs", False),
                    Metric("heartbeat_p99_us", "heartbeat p99, µs", False),
                    Metric("heartbeat_max_us", "heartbeat longest, µs", False),
                    Metric("queries_per_s", "queries/s", True, queries),
                    Metric("heartbeats_per_s", "heartbeats/s")])


def read_cases(quick):
    for frames in (0, 10_000) if quick else (0, 10_000, 1_000_000):
        for cache, cache_size in (("small", 100), ("large", -1_000_000)):
            many = frames == 1_000_000 and not quick
            rows = 2_000 if quick else 100_000 if many else 20_000
            parameters = {"frames": min(frames, 2_000) if quick else frames, "rows": rows,
                          "cache_size": cache_size, "milliseconds": 200 if quick else 1000,
                          "page_size": 1024 if many else 4096}
            target = {0: 1.0, 1_000_000: 1.1}.get(frames) if cache == "small" else None
            pages = " of 1 KiB" if many else ""
            yield Case(f"{frames:,} frames{pages} in the log, {cache} page cache", "reads", "reads", parameters,
                       [Metric("points_per_s", "point reads/s", True, target),
                        Metric("ranges_per_s", "range reads/s"),
                        Metric("cpu_us_per_point", "processor time of a point read, µs", False)], pairs=7)


def large_cases(quick):
    yield Case("one transaction of 100 MB, page cache of 8 MB", "large", "large_transaction",
               {"megabytes": 10 if quick else 100, "synchronous": "FULL"},
               [Metric("mb_per_s", "MB/s", True, 1.2), Metric("commit_ms", "COMMIT alone, ms", False),
                Metric("cpu_s", "processor time, s", False)])


def reader_cases(quick):
    for readers in ("overlapping", "endless"):
        parameters = {"readers": readers, "milliseconds": 400 if quick else 60_000, "synchronous": "NORMAL"}
        yield Case(f"a writer beside {readers} readers, 60 s", "readers", "readers", parameters,
                   [Metric("largest_log_mb", "largest log, MB", False),
                    Metric("final_log_mb", "log at the end, MB", False),
                    Metric("commit_max_us", "longest commit, µs", False),
                    Metric(RATE, "commits/s")], pairs=1)


def checkpoint_cases(quick):
    for synchronous in ("NORMAL", "FULL"):
        parameters = {"megabytes": 4 if quick else 1024, "synchronous": synchronous,
                      "idle_ms": 200 if quick else 3000}
        yield Case(f"{synchronous}, checkpoint of 1 GiB", "checkpoint", "checkpoint", parameters,
                   [Metric("longer_ms", "longest commit, ms over idle", False, 10, True),
                    Metric("meanwhile_max_us", "longest commit meanwhile, µs", False),
                    Metric("idle_max_us", "longest idle commit, µs", False),
                    Metric("checkpoint_seconds", "checkpoint, s", False)], pairs=1 if quick else 3)


def recovery_cases(quick):
    for megabytes in (4,) if quick else (64, 256, 1024):
        yield Case(f"{megabytes} MB of log", "recovery", "recovery", {"megabytes": megabytes},
                   [Metric("gb_per_s", "GB of log/s", True, 1.0, True), Metric("open_ms", "first read, ms", False),
                    Metric("gb_per_cpu_s", "GB of log/s of processor time"),
                    Metric("open_per_read", "first read / reading the log", False)], pairs=2 if quick else 5)


def upgrade_cases(quick):
    for synchronous in ("NORMAL", "FULL"):
        for writers in (2,) if quick else (2, 8):
            yield Case(f"{synchronous}, {writers} threads", "upgrades", "upgrades",
                       {"synchronous": synchronous, "writers": writers, "milliseconds": 200 if quick else 2000},
                       [Metric("stale_percent", "SQLITE_BUSY_SNAPSHOT, % of the upgrades", False, 1.0),
                        Metric("stale_per_commit", "SQLITE_BUSY_SNAPSHOT for each commit", False),
                        Metric("refused_percent", "refused with any code, %", False),
                        Metric("upgrades_per_s", "commits/s")])


def memory_cases(quick):
    yield Case("1,000,000 frames", "memory", "memory", {"frames": 4_000 if quick else 1_000_000},
               [Metric("bytes_per_frame", "bytes per frame", False, 24, True)], pairs=1 if quick else 2)


def all_cases(quick):
    return [*commit_cases(quick), *builtin_cases(quick), *heartbeat_cases(quick), *read_cases(quick),
            *large_cases(quick), *reader_cases(quick), *checkpoint_cases(quick), *recovery_cases(quick),
            *memory_cases(quick), *upgrade_cases(quick)]

#!/usr/bin/env python3
"""A writer with its store on three replicated OSDs, of which now one is killed and now the gateway, and both come back:
every commit that returned is in what is restored. By hand: osd_kill_test.py BUILD [SECONDS, 60]"""

import pathlib
import random
import subprocess
import sys
import tempfile
import threading
import time

import ceph
import end_to_end_test
import s3_request

STORE = f"s3://{ceph.BUCKET}/store"


def torment(cluster, until, seed):
    """One kill at a time, so that two of three copies are always there."""
    order, kills = random.Random(seed), 0
    while time.monotonic() < until:
        time.sleep(order.uniform(1, 4))
        victim = order.choice(["rgw", "osd-0", "osd-1", "osd-2"])
        cluster.kill(victim)
        time.sleep(order.uniform(0.5, 6))
        cluster.start_gateway() if victim == "rgw" else cluster.start_osd(int(victim[-1]))
        print(f"killed {victim}, and started it", flush=True)
        kills += 1
    return kills


def main():
    build, seconds = pathlib.Path(sys.argv[1]).resolve(), float(sys.argv[2]) if len(sys.argv) > 2 else 60
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    with tempfile.TemporaryDirectory(prefix="strata-osd-") as root:
        cluster = ceph.Ceph(pathlib.Path(root) / "ceph", osds=3, replicas=3, store="bluestore")
        try:
            cluster.create()
            s3_request.Bucket(cluster.endpoint, ceph.ACCESS_KEY, ceph.SECRET_KEY, ceph.BUCKET).create()
            return run(build, pathlib.Path(root), cluster, seconds, seed)
        finally:
            cluster.stop()


def run(build, root, cluster, seconds, seed):
    aws, acknowledged = cluster.aws(), []
    uri = f"file:{root}/app.db?wal=strata&store={STORE}&namespace=app&seal_ms=200&close_ship_ms=120000"
    writer = subprocess.Popen(["/usr/bin/python3", "-c", end_to_end_test.WRITER, uri, "0", str(10 ** 9)],
                              env={**aws, "LD_LIBRARY_PATH": str(build / "lib")}, stdout=subprocess.PIPE, text=True)
    reader = threading.Thread(target=lambda: acknowledged.extend(int(line) for line in writer.stdout))
    reader.start()
    kills = torment(cluster, time.monotonic() + seconds, seed)
    writer.kill()  # in the middle of whatever it does; the next opening ships the rest
    writer.wait()
    reader.join()
    done = subprocess.run(["/usr/bin/python3", "-c", end_to_end_test.WRITER, uri, str(10 ** 9), "1"],
                          env={**aws, "LD_LIBRARY_PATH": str(build / "lib")}, capture_output=True, text=True)
    if done.returncode != 0 or (root / "app.db-wal").exists():
        print(f"the log was not shipped: {done.stderr}")
        return 1
    for command in (["verify", "app", "--full"], ["restore", "app", "-o", str(root / "restored.db")]):
        subprocess.run([str(build / "bin" / "strata"), *command, "--store", STORE], env=aws, check=True)
    lost = set(acknowledged) - set(end_to_end_test.numbers(root / "restored.db"))
    print(f"{kills} kills, {len(acknowledged)} acknowledged commits, {len(lost)} lost")
    return 1 if lost or not acknowledged or kills == 0 else 0


if __name__ == "__main__":
    sys.exit(main())

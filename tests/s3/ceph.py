#!/usr/bin/env python3
"""A Ceph cluster with an S3 gateway on this machine's loopback, for tests.

ceph.py run [--osds N] [--replicas N] [--store memstore|bluestore] COMMAND…
    starts one in a directory of its own, runs COMMAND with AWS_* set to reach it and STRATA_TEST_S3_URL naming a
    fresh bucket, and stops it. Exits with COMMAND's code, or 99 when the cluster does not come up.

Needs Debian's radosgw, ceph-mon and ceph-osd. As a module: Ceph.
"""

import argparse
import ctypes
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid

ACCESS_KEY = "STRATATESTKEY"
SECRET_KEY = "strata/test+secret/0123456789abcdefgh"
BUCKET = "strata-test"

# One machine, few objects, short timeouts: nothing here is meant for data that matters.
CONFIGURATION = """
[global]
fsid = {fsid}
mon host = [v2:127.0.0.1:{mon_port}]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
run dir = {root}/run
admin socket = {root}/run/$name.asok
log file = {root}/log/$name.log
crash dir = {root}/run
mon data = {root}/mon
mon data avail crit = 1
mon data avail warn = 2
mon allow pool size one = true
mon max pg per osd = 1000
mon osd down out interval = 3600
mon osd min down reporters = 1
paxos propose interval = 0.05
paxos min wait = 0.01
osd data = {root}/osd-$id
osd objectstore = {store}
osd pool default size = {replicas}
osd pool default min size = {min_size}
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd pool default read lease ratio = {lease_ratio}
osd crush chooseleaf type = 0
osd heartbeat interval = 1
osd heartbeat grace = {grace}
osd client watch timeout = 3
osd memory target = 939524096
memstore device bytes = 8589934592
bluestore block size = 10737418240
[client]
ms mon client mode = crc
rgw data = {root}/rgw
rgw frontends = beast endpoint=127.0.0.1:{port} tcp_nodelay=1
rgw dns name = localhost
rgw dynamic resharding = false
rgw override bucket index max shards = 1
rgw enable usage log = false
debug rgw = 0
"""


def die_with_parent():
    """In a child: nothing of a cluster outlives a test that was killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Ceph:
    """One monitor, some OSDs, one gateway; each a child of this process, in the foreground."""

    def __init__(self, root, osds=1, replicas=1, store="memstore"):
        for program in ("ceph-mon", "ceph-osd", "radosgw", "radosgw-admin"):
            if shutil.which(program) is None:
                raise RuntimeError(f"{program} is missing: tools/install_deps installs it")
        self.root = pathlib.Path(root)
        self.osds = osds
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.children = {}
        for folder in ("run", "log", "rgw", "mon"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        self.environment = dict(os.environ, CEPH_CONF=str(self.root / "ceph.conf"))
        # A pool of one copy never gets over a read lease that ran out, so it gets none to speak of.
        alone = replicas == 1
        self.fsid, self.mon_port = str(uuid.uuid4()), free_port()
        (self.root / "ceph.conf").write_text(CONFIGURATION.format(
            fsid=self.fsid, root=self.root, mon_port=self.mon_port, port=self.port, store=store, replicas=replicas,
            min_size=2 if replicas > 2 else 1, lease_ratio=1000 if alone else 0.8, grace=20 if alone else 4))

    def run(self, *command):
        done = subprocess.run(command, env=self.environment, cwd=self.root, capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}")

    def start(self, name, *command):
        log = open(self.root / "log" / f"{name}.out", "ab")
        self.children[name] = subprocess.Popen(command, env=self.environment, cwd=self.root, stdout=log, stderr=log,
                                               stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)

    def create(self):
        """A new cluster with its user."""
        address = f"[v2:127.0.0.1:{self.mon_port}]"
        self.run("monmaptool", "--create", "--fsid", self.fsid, "--addv", "a", address, "monmap")
        self.run("ceph-mon", "-i", "a", "--mkfs", "--monmap", "monmap")
        self.start_monitor()
        for number in range(self.osds):
            identity = str(uuid.uuid4())
            (self.root / f"osd-{number}").mkdir()
            self.run("ceph-osd", "-i", str(number), "--mkfs", "--osd-uuid", identity)
            self.run("ceph", "osd", "new", identity, str(number))
            self.start_osd(number)
        self.run("radosgw-admin", "user", "create", "--uid=strata", "--display-name=strata",
                 f"--access-key={ACCESS_KEY}", f"--secret-key={SECRET_KEY}")
        self.start_gateway()

    def start_monitor(self):
        self.start("mon", "ceph-mon", "-f", "-i", "a")

    def start_osd(self, number):
        self.start(f"osd-{number}", "ceph-osd", "-f", "-i", str(number))

    def start_gateway(self):
        self.start("rgw", "radosgw", "-f", "-n", "client.rgw", "--no-mon-config")
        self.wait_for_gateway()

    def wait_for_gateway(self, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.children["rgw"].poll() is not None:
                break
            try:
                urllib.request.urlopen(self.endpoint, timeout=5).read()
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise RuntimeError(f"radosgw does not answer at {self.endpoint}; its logs are in {self.root}/log")

    def kill(self, name):
        """As kill -9 does."""
        child = self.children.pop(name)
        child.kill()
        child.wait()

    def stop(self):
        order = [name for name in ("rgw", *[f"osd-{n}" for n in range(self.osds)], "mon") if name in self.children]
        for name in order:
            child = self.children.pop(name)
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(timeout=4)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def aws(self):
        """The environment of a client."""
        keep = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return dict(keep, AWS_ACCESS_KEY_ID=ACCESS_KEY, AWS_SECRET_ACCESS_KEY=SECRET_KEY, AWS_REGION="us-east-1",
                    AWS_ENDPOINT_URL=self.endpoint, AWS_EC2_METADATA_DISABLED="true", NO_PROXY="127.0.0.1,localhost",
                    STRATA_TEST_S3_URL=f"s3://{BUCKET}/store")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("verb", choices=["run"])
    parser.add_argument("--osds", type=int, default=1)
    parser.add_argument("--replicas", type=int, default=1)
    parser.add_argument("--store", default="memstore")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="strata-ceph-") as root:
        ceph = Ceph(root, options.osds, options.replicas, options.store)
        try:
            began = time.monotonic()
            try:
                ceph.create()
                import s3_request
                s3_request.Bucket(ceph.endpoint, ACCESS_KEY, SECRET_KEY, BUCKET).create()
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                print(f"ceph: {error}", file=sys.stderr)
                return 99
            print(f"ceph: {options.osds} OSD, ready after {time.monotonic() - began:.1f} s at {ceph.endpoint}", flush=True)
            return subprocess.run(options.command, env=ceph.aws()).returncode
        finally:
            ceph.stop()


if __name__ == "__main__":
    sys.exit(main())

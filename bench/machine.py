"""Where and with what was measured."""

import os
import pathlib
import platform
import subprocess
import time


def output(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout.strip()


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def file_system(folder):
    return output("findmnt", "-n", "-o", "FSTYPE,SOURCE,OPTIONS", "-T", str(folder))


def memory_gb():
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)


def describe(root, folder, about):
    """`about`: what a worker said of its library."""
    return {"date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
            "machine": f"{processor()}, {os.cpu_count()} cores, {memory_gb()} GiB",
            "kernel": platform.release(), "file system": file_system(folder),
            "load when it began": " ".join(f"{each:.1f}" for each in os.getloadavg()),
            "SQLite": f"{about['ready']} ({about['source']})", "compiler": output("c++", "--version").split("\n")[0],
            "commit": output("git", "-C", str(root), "rev-parse", "--short=12", "HEAD"),
            "options of both libraries": " ".join(about["options"])}

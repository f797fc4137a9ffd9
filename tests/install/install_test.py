#!/usr/bin/env python3
"""Installs a build into a folder of its own and uses it from there as another project would: with CMake's find_package,
with pkg-config, and as the drop-in library of a program linked against the system's.

install_test.py CMAKE BUILD WORK CC
"""

import os
import pathlib
import shutil
import subprocess
import sys
import unittest

CMAKE = BUILD = WORK = CC = None
CONSUMER = pathlib.Path(__file__).resolve().parent / "consumer"
FINE = "sum 42, log a directory 1, after the close 0\n"


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        shutil.rmtree(WORK / "prefix", ignore_errors=True)
        # Another place than the build was configured for: nothing in it may depend on that.
        subprocess.run([CMAKE, "--install", BUILD, "--prefix", WORK / "prefix"], check=True, stdout=subprocess.DEVNULL)
        found = sorted((WORK / "prefix").rglob("strata.pc"))
        assert len(found) == 1, found
        cls.pkg_config = found[0].parent
        cls.libraries = cls.pkg_config.parent

    def setUp(self):
        self.work = WORK / self.id().rsplit(".", 1)[-1]
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)

    def expect_fine(self, program, library_path=None):
        environment = {**os.environ, **({"LD_LIBRARY_PATH": str(library_path)} if library_path else {})}
        done = subprocess.run([program, self.work / "app.db"], env=environment, capture_output=True, text=True, check=False)
        self.assertEqual((done.stdout, done.stderr, done.returncode), (FINE, "", 0))

    def flags_of(self, package, *what):
        environment = {**os.environ, "PKG_CONFIG_PATH": str(self.pkg_config)}
        done = subprocess.run(["pkg-config", *what, package], env=environment, capture_output=True, text=True, check=True)
        return done.stdout.split()

    def test_cmake_finds_and_links_the_package(self):
        # The generator of the build, which is there.
        subprocess.run([CMAKE, "-G", "Ninja", "-S", CONSUMER, "-B", self.work / "build", f"-DCMAKE_C_COMPILER={CC}",
                        f"-DCMAKE_PREFIX_PATH={WORK / 'prefix'}"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([CMAKE, "--build", self.work / "build"], check=True, stdout=subprocess.DEVNULL)
        self.expect_fine(self.work / "build" / "consumer")

    def test_pkg_config_says_how_to_link(self):
        program = self.work / "consumer"
        subprocess.run([CC, CONSUMER / "consumer.c", "-o", program, *self.flags_of("strata", "--cflags", "--libs")],
                       check=True)
        self.expect_fine(program)

    def test_the_drop_in_library_takes_the_place_of_the_systems(self):
        program = self.work / "consumer"
        subprocess.run([CC, CONSUMER / "consumer.c", "-o", program, "-lsqlite3"], check=True)
        self.expect_fine(program, self.libraries)
        # It was the library that made the difference.
        (self.work / "app.db").unlink()
        done = subprocess.run([program, self.work / "app.db"], capture_output=True, text=True, check=False)
        self.assertEqual((done.stdout, done.returncode), (FINE.replace("directory 1", "directory 0"), 1))

    def test_the_installed_shell_runs_by_itself(self):
        done = subprocess.run([WORK / "prefix" / "bin" / "sqlite3", f"file:{self.work}/app.db?wal=strata",
                               "CREATE TABLE t(a); INSERT INTO t VALUES(42); SELECT a FROM t;"],
                              capture_output=True, text=True, check=False)
        self.assertEqual((done.stdout, done.stderr), ("42\n", ""))

    def entrypoint(self, database, store):
        environment = {**os.environ, "PATH": f"{WORK / 'prefix' / 'bin'}:{os.environ['PATH']}", "DATABASE": str(database),
                       "STRATA_STORE": store, "STRATA_NAMESPACE": "app"}
        return subprocess.run([WORK / "prefix" / "share" / "strata" / "container" / "entrypoint", "sh", "-c",
                               'if [ -e "$DATABASE" ]; then sqlite3 "$DATABASE" "SELECT a FROM t"; else echo none; fi'],
                              env=environment, capture_output=True, text=True, check=False)

    def test_a_container_starts_with_what_the_store_has(self):
        store = f"file://{self.work}/store"
        self.assertEqual(self.entrypoint(self.work / "empty.db", store).stdout.splitlines()[-1:], ["none"])
        subprocess.run([WORK / "prefix" / "bin" / "sqlite3", f"file:{self.work}/app.db?wal=strata&store={store}&namespace=app",
                        "CREATE TABLE t(a); INSERT INTO t VALUES(42);"], check=True)
        done = self.entrypoint(self.work / "restored.db", store)
        self.assertEqual((done.stdout.splitlines()[-1:], done.returncode), (["42"], 0), done.stderr)
        # It goes on in the same namespace, and the writer before it does not.
        def uri(database):
            return f"file:{database}?wal=strata&store={store}&namespace=app"
        shell = WORK / "prefix" / "bin" / "sqlite3"
        subprocess.run([shell, uri(self.work / "restored.db"), "INSERT INTO t VALUES(7);"], check=True)
        third = self.entrypoint(self.work / "third.db", store)
        self.assertEqual((third.stdout.splitlines()[-2:], third.returncode), (["42", "7"], 0), third.stderr)
        replaced = subprocess.run([shell, uri(self.work / "restored.db"), "INSERT INTO t VALUES(8); SELECT strata_seal();",
                                   ".shell sleep 3", "INSERT INTO t VALUES(9);"], capture_output=True, text=True, check=False)
        self.assertNotEqual((replaced.returncode, replaced.stderr), (0, ""))
        # What is there is not touched.
        subprocess.run([shell, uri(self.work / "third.db"), "UPDATE t SET a = 43;"], check=True)
        self.assertEqual(self.entrypoint(self.work / "third.db", store).stdout.splitlines()[-1:], ["43"])

    def test_the_debian_package_has_it_all(self):
        cpack = pathlib.Path(CMAKE).with_name("cpack")
        subprocess.run([cpack, "--config", BUILD / "CPackConfig.cmake", "-B", self.work], check=True, stdout=subprocess.DEVNULL)
        package, = self.work.glob("strata_*.deb")
        subprocess.run(["dpkg-deb", "--extract", package, self.work / "root"], check=True)
        command = self.work / "root" / "opt" / "strata" / "bin" / "strata"
        done = subprocess.run([command, "--version"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        fields = subprocess.run(["dpkg-deb", "--field", package, "Depends"], capture_output=True, text=True, check=True)
        self.assertIn("libzstd1", fields.stdout)

    def test_the_installed_command_runs_by_itself(self):
        done = subprocess.run([WORK / "prefix" / "bin" / "strata", "--version"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    CMAKE, BUILD, WORK, CC = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]), sys.argv[4]
    unittest.main(argv=sys.argv[:1])

#!/usr/bin/env python3
"""Every variable and file that docs/settings.md lists for stores on S3, and every fault of a connection, seen at the
server: aws_environment_test.py PROBE (tests/s3/s3_probe.cc)."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import fake_s3

PROBE = ""


class Probe:
    def __init__(self, environment, url="s3://bucket/a/store"):
        base = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
        for name in ("LD_LIBRARY_PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                base[name] = os.environ[name]
        self.process = subprocess.Popen([PROBE, url], env={**base, **environment}, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def __call__(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n")

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(timeout=30)


def tls_files(folder):
    """A certificate authority, and a certificate of it for 127.0.0.1 and localhost."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj",
            "/CN=test authority", "-days", "2")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=server")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:bucket.localhost\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out",
            "server.pem", "-days", "2", "-extfile", "names")
    return str(folder / "server.pem"), str(folder / "server.key")


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.s3 = fake_s3.S3()
        self.addCleanup(self.s3.close)
        self.s3.keys["KEY"] = ("secret/+with odd=characters", "")
        self.static = {"AWS_ACCESS_KEY_ID": "KEY", "AWS_SECRET_ACCESS_KEY": "secret/+with odd=characters",
                       "AWS_ENDPOINT_URL": self.s3.url}

    def file(self, name, text, mode=0o600):
        path = pathlib.Path(self.folder.name) / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return str(path)

    def probe(self, environment, url="s3://bucket/a/store"):
        probe = Probe(environment, url)
        self.addCleanup(probe.close)
        return probe

    def works(self, environment):
        probe = self.probe(environment)
        self.assertEqual(probe("put k hello"), "ok ")
        self.assertEqual(probe("get k 1 3"), "ok ell")
        self.assertEqual(self.s3.objects["a/store/k"][0], b"hello")
        return probe


class Settings(Case):
    def test_keys_in_the_environment(self):
        probe = self.works(self.static)
        self.assertEqual(probe("list "), "ok  k")
        self.assertEqual(probe("delete k"), "ok ")
        self.assertEqual(probe("list "), "ok ")
        self.assertIn("NOT_FOUND", probe("get k 0 1"))
        self.assertEqual(probe("counts"), "ok get=2 put=1 list=2 delete=1 multipart=0 credentials=0 retries=0")

    def test_a_session_token_is_sent_and_signed(self):
        self.s3.keys["KEY"] = ("s", "the/token==")
        self.works({**self.static, "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "the/token=="})

    def test_requests_carry_a_length_and_expect_nothing_on_one_connection(self):
        probe = self.works(self.static)
        probe("list ")
        self.assertEqual(probe("large big 3000000"), "ok ")
        for request in self.s3.requests:
            self.assertNotIn("expect", request["headers"])
            self.assertNotIn("transfer-encoding", request["headers"])
            if request["method"] == "PUT":
                self.assertIn("content-length", request["headers"])
        self.assertEqual(len({r["connection"] for r in self.s3.requests}), 1)

    def test_an_empty_object_has_a_length_too(self):
        probe = self.probe(self.static)
        self.assertEqual(probe("put empty"), "ok ")
        self.assertEqual(self.s3.requests[0]["headers"]["content-length"], "0")

    def test_region(self):
        for names, region in (((), "us-east-1"), (("AWS_DEFAULT_REGION",), "default-1"),
                              (("AWS_REGION", "AWS_DEFAULT_REGION"), "first-1")):
            values = {"AWS_REGION": "first-1", "AWS_DEFAULT_REGION": "default-1"}
            self.works({**self.static, **{name: values[name] for name in names}})
            self.assertEqual(self.s3.requests[-1]["region"], region)

    def test_the_endpoint_of_s3_goes_before_the_common_one(self):
        self.works({**self.static, "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_S3": self.s3.url + "/"})

    def test_virtual_host_style(self):
        environment = {**self.static, "AWS_ENDPOINT_URL": f"http://localhost:{self.s3.port}"}
        self.works({**environment, "STRATA_S3_ADDRESSING_STYLE": "virtual"})
        self.assertEqual(self.s3.requests[-1]["headers"]["host"], f"bucket.localhost:{self.s3.port}")
        self.assertEqual(self.s3.requests[-1]["path"], "/a/store/k")
        self.works({**environment, "STRATA_S3_ADDRESSING_STYLE": "path"})
        self.assertEqual(self.s3.requests[-1]["path"], "/bucket/a/store/k")
        config = self.file("config", "[default]\ns3 =\n  addressing_style = virtual\n")
        self.works({**environment, "AWS_CONFIG_FILE": config})
        self.assertTrue(self.s3.requests[-1]["virtual"])

    def test_files_and_profiles(self):
        self.s3.keys["TWO"] = ("two", "two-token")
        credentials = self.file("keys", "[default]\naws_access_key_id = KEY\naws_secret_access_key = x\n"
                                "[two]\naws_access_key_id=TWO\naws_secret_access_key=two\naws_session_token=two-token\n")
        config = self.file("settings", f"[profile two]\nregion = r-2\nendpoint_url = {self.s3.url}\n")
        self.works({"AWS_PROFILE": "two", "AWS_SHARED_CREDENTIALS_FILE": credentials, "AWS_CONFIG_FILE": config})
        self.assertEqual((self.s3.requests[-1]["key"], self.s3.requests[-1]["region"]), ("TWO", "r-2"))

    def test_files_in_the_home_directory_and_services(self):
        self.file(".aws/credentials", "[default]\naws_access_key_id=KEY\n"
                  "aws_secret_access_key=secret/+with odd=characters\n")
        self.file(".aws/config", f"[default]\nservices = here\n[services here]\ns3 =\n  endpoint_url = {self.s3.url}\n")
        self.works({"HOME": self.folder.name})

    def test_keys_that_others_may_read_are_refused(self):
        self.file(".aws/credentials", "[default]\naws_access_key_id=KEY\naws_secret_access_key=x\n", 0o644)
        probe = self.probe({"HOME": self.folder.name, "AWS_ENDPOINT_URL": self.s3.url})
        self.assertIn("chmod", probe.process.stdout.readline())

    def test_the_environment_goes_before_the_files(self):
        self.file(".aws/credentials", "[default]\naws_access_key_id=WRONG\naws_secret_access_key=x\n")
        self.works({**self.static, "HOME": self.folder.name})

    def test_endpoints_can_be_ignored(self):
        probe = self.probe({**self.static, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true", "AWS_REGION": "no-such-1",
                            "https_proxy": "http://127.0.0.1:1"})
        probe.process.kill()  # it would try for long; that it does not come here is what counts
        self.assertEqual(self.s3.requests, [])


class GivenKeys(Case):
    def setUp(self):
        super().setUp()
        self.s3.keys.clear()
        self.keys = fake_s3.Keys(self.s3)
        self.addCleanup(self.keys.close)
        self.web = {"AWS_ENDPOINT_URL_S3": self.s3.url, "AWS_ENDPOINT_URL_STS": self.keys.url,
                    "AWS_WEB_IDENTITY_TOKEN_FILE": self.file("web", "the/web+token\n"),
                    "AWS_ROLE_ARN": "arn:aws:iam::1:role/backup"}
        self.metadata = {"AWS_ENDPOINT_URL": self.s3.url, "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.keys.url}

    def test_web_identity(self):
        probe = self.works({**self.web, "AWS_ROLE_SESSION_NAME": "my-session"})
        self.assertEqual(self.keys.session_names, ["my-session"])
        self.assertIn("credentials=1", probe("counts"))

    def test_web_identity_of_a_profile(self):
        config = self.file("config", "[default]\nrole_arn = arn:aws:iam::1:role/backup\n"
                           f"web_identity_token_file = {self.web['AWS_WEB_IDENTITY_TOKEN_FILE']}\n")
        self.works({"AWS_ENDPOINT_URL_S3": self.s3.url, "AWS_ENDPOINT_URL": self.keys.url, "AWS_CONFIG_FILE": config})
        self.assertEqual(self.keys.session_names, ["strata"])

    def test_a_token_that_the_service_refuses(self):
        probe = self.probe({**self.web, "AWS_ROLE_ARN": "arn:aws:iam::1:role/other"})
        self.assertRegex(probe("put k v"), "error PERMISSION_DENIED .*role/other.*403")

    def test_keys_are_renewed_before_they_expire(self):
        self.keys.lifetime_s = 5  # less than the time in which keys are no longer used
        self.works(self.web)
        self.assertGreaterEqual(self.keys.issued, 2)
        self.assertEqual(len({r["key"] for r in self.s3.requests}), 2)

    def test_keys_that_the_server_calls_expired_are_renewed(self):
        probe = self.works(self.web)
        self.s3.expired.add("KEY1")
        self.assertEqual(probe("get k 0 5"), "ok hello")
        self.assertEqual(self.s3.requests[-1]["key"], "KEY2")

    def test_files_are_read_again_when_their_keys_expired(self):
        self.s3.keys.update(OLD=("o", "t1"), NEW=("n", "t2"))
        text = "[default]\naws_access_key_id={}\naws_secret_access_key={}\naws_session_token={}\n"
        path = self.file("keys", text.format("OLD", "o", "t1"))
        probe = self.works({"AWS_SHARED_CREDENTIALS_FILE": path, "AWS_ENDPOINT_URL": self.s3.url})
        self.file("keys", text.format("NEW", "n", "t2"))
        self.s3.expired.add("OLD")
        self.assertEqual(probe("get k 0 5"), "ok hello")

    def test_instance_metadata_version_2(self):
        self.works(self.metadata)
        self.assertEqual([r["method"] for r in self.keys.requests], ["PUT", "GET", "GET"])

    def test_instance_metadata_can_be_forbidden(self):
        probe = self.probe({**self.metadata, "AWS_EC2_METADATA_DISABLED": "true"})
        self.assertIn("AWS_EC2_METADATA_DISABLED", probe("put k v"))
        self.assertEqual(self.keys.requests, [])

    def test_a_container(self):
        container = {"AWS_ENDPOINT_URL": self.s3.url, "AWS_CONTAINER_CREDENTIALS_FULL_URI": self.keys.url + "/container"}
        self.works({**container, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "container-token"})
        path = self.file("container", "container-token\n")
        self.works({**container, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": path})

    def test_metadata_does_not_go_by_proxy(self):
        proxy = fake_s3.Proxy()
        self.addCleanup(proxy.close)
        self.works({**self.metadata, "http_proxy": proxy.url})
        self.assertTrue(proxy.requests)
        self.assertFalse([r for r in proxy.requests if "latest" in r])


class Network(Case):
    def test_a_certificate_counts_when_its_authority_is_known(self):
        s3 = fake_s3.S3(tls_files(pathlib.Path(self.folder.name)))
        self.addCleanup(s3.close)
        s3.keys, s3.objects = self.s3.keys, self.s3.objects
        authority = self.folder.name + "/ca.pem"
        environment = {**self.static, "AWS_ENDPOINT_URL": s3.url}
        self.works({**environment, "AWS_CA_BUNDLE": authority})
        self.works({**environment, "AWS_CONFIG_FILE": self.file("config", f"[default]\nca_bundle={authority}\n")})
        self.works({**environment, "AWS_CA_BUNDLE": authority, "AWS_ENDPOINT_URL": f"https://localhost:{s3.port}",
                    "STRATA_S3_ADDRESSING_STYLE": "virtual"})
        self.assertRegex(self.probe(environment)("put k v"), "error PERMISSION_DENIED .*certificate")
        answer = self.probe({**environment, "AWS_CA_BUNDLE": "/no/such/file"})("put k v")
        self.assertRegex(answer, "error INVALID_ARGUMENT .*/no/such/file")
        proxy = fake_s3.Proxy()
        self.addCleanup(proxy.close)
        self.works({**environment, "AWS_CA_BUNDLE": authority, "HTTPS_PROXY": proxy.url})
        self.assertEqual(set(proxy.requests), {f"CONNECT 127.0.0.1:{s3.port}"})

    def test_proxy_and_no_proxy(self):
        proxy = fake_s3.Proxy()
        self.addCleanup(proxy.close)
        self.works({**self.static, "http_proxy": proxy.url})
        self.assertEqual(len(proxy.requests), 2)
        self.works({**self.static, "http_proxy": proxy.url, "NO_PROXY": "127.0.0.1"})
        self.assertEqual(len(proxy.requests), 2)
        self.works({**self.static, "ALL_PROXY": proxy.url})
        self.assertEqual(len(proxy.requests), 4)

    def test_faults_that_pass_are_not_seen(self):
        probe = self.works(self.static)
        for fault in ("503", "die-before", "die-in-body", "short-body"):
            self.s3.faults = [fault, None, fault]
            self.assertEqual(probe("get k 0 5"), "ok hello", fault)
        self.assertRegex(probe("counts"), "retries=[3-9]")  # the rest by libcurl itself

    def test_an_answer_lost_after_the_server_acted_is_success(self):
        for keeps_marks in (True, False):
            self.s3.keeps_marks = keeps_marks
            self.s3.objects.clear()
            probe = self.probe(self.static)
            self.s3.faults = ["lose-answer"]
            self.assertEqual(probe("claim k mine"), "ok ")
            self.assertIn("FAILED_PRECONDITION", probe("claim k another"))
            self.assertEqual(self.s3.objects["a/store/k"][0], b"mine")

    def test_an_empty_object_of_another_writer_is_not_taken_for_ones_own(self):
        probe = self.probe(self.static)
        self.assertEqual(probe("claim k"), "ok ")
        self.assertIn("FAILED_PRECONDITION", probe("claim k"))

    def test_many_reads_at_once_while_connections_break(self):
        probe = self.probe(self.static)
        self.assertEqual(probe("large big 20000000"), "ok ")
        self.s3.faults = [None, "die-in-body", "503", None, "die-before"] * 2
        self.assertEqual(probe("check big 20000000"), "ok ")

    def test_odd_names_in_the_bucket_are_passed_over_and_listings_go_on(self):
        probe = self.probe(self.static)
        self.s3.page = 3
        for number in range(10):
            self.s3.objects[f"a/store/k{number}"] = (b"x", "")
            self.s3.objects[f"a/store/k{number} & <odd>"] = (b"x", "")
        self.s3.objects["a/storey/other"] = (b"x", "")
        self.assertEqual(probe("list "), "ok  " + " ".join(f"k{n}" for n in range(10)))

    def test_no_message_holds_a_secret(self):
        probe = self.probe({**self.static, "AWS_SECRET_ACCESS_KEY": "hunter2", "AWS_SESSION_TOKEN": "hunter3"})
        answer = probe("put k v")
        self.assertIn("PERMISSION_DENIED", answer)
        self.assertNotIn("hunter", answer)


if __name__ == "__main__":
    PROBE = sys.argv.pop(1)
    unittest.main(warnings="ignore")  # connections that are cut are not closed in order

"""A small S3 server in memory, with the services that give out keys beside it and a proxy, for tests: it checks
signatures by an implementation of its own, notes every request, and misbehaves when told to."""

import datetime
import hashlib
import http.client
import http.server
import json
import select
import socket
import ssl
import threading
import urllib.parse
from xml.sax.saxutils import escape

import s3_request


class Server:
    """An HTTP server on loopback with a thread for each connection."""

    def __init__(self, handler, tls=None):
        self.requests = []
        self.lock = threading.Lock()
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.http.daemon_threads = True
        self.http.owner = self
        self.port = self.http.server_address[1]
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        self.scheme = "https" if tls else "http"
        self.url = f"{self.scheme}://127.0.0.1:{self.port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *arguments):
        pass

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def drop(self):
        """Ends the connection as a server that dies does."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.connection.close()

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (ConnectionError, ssl.SSLError, ValueError, OSError):
            self.close_connection = True


class S3Handler(Handler):
    def error(self, status, code):
        self.answer(status, f"<?xml version='1.0'?><Error><Code>{code}</Code></Error>".encode())

    def run(self):
        server = self.server.owner
        body = self.body()
        headers = {name.lower(): value for name, value in self.headers.items()}
        split = urllib.parse.urlsplit(self.path)
        note = {"method": self.command, "path": split.path, "query": split.query, "headers": headers,
                "connection": self.client_address[1]}
        with server.lock:
            server.requests.append(note)
            fault = server.faults.pop(0) if server.faults else None
        refused = self.check(server, split, headers, body, note)
        if refused:
            return self.error(*refused)
        if fault == "503":
            return self.error(503, "SlowDown")
        if fault == "die-before":
            return self.drop()
        self.fault = fault
        name = split.path if note["virtual"] else split.path[len(f"/{server.bucket}"):]
        self.serve(server, urllib.parse.unquote(name[1:]), urllib.parse.parse_qs(split.query, keep_blank_values=True),
                   headers, body)

    do_GET = do_PUT = do_POST = do_DELETE = run

    def check(self, server, split, headers, body, note):
        """None, or the status and code of what is wrong."""
        try:
            fields = dict(part.strip().split("=", 1) for part in
                          headers["authorization"].removeprefix("AWS4-HMAC-SHA256").split(","))
            key, date, region, service, _ = fields["Credential"].split("/")
        except (KeyError, ValueError):
            return 403, "AccessDenied"
        note["region"], note["key"] = region, key
        with server.lock:
            known = server.keys.get(key)
        if known is None:
            return 403, "InvalidAccessKeyId"
        secret, token = known
        if headers.get("x-amz-security-token", "") != token:
            return 400, "InvalidToken"
        if key in server.expired:
            return 400, "ExpiredToken"
        signed = fields["SignedHeaders"].split(";")
        unsigned = [n for n in headers if (n.startswith("x-amz-") or n in ("host", "range")) and n not in signed]
        expected = s3_request.signature(secret, self.command, split.path, split.query, headers, signed,
                                        headers["x-amz-content-sha256"], headers["x-amz-date"], region, service)
        if unsigned or expected != fields["Signature"]:
            return 403, "SignatureDoesNotMatch"
        if hashlib.sha256(body).hexdigest() != headers["x-amz-content-sha256"]:
            return 400, "XAmzContentSHA256Mismatch"
        note["virtual"] = headers["host"].startswith(f"{server.bucket}.")
        if not note["virtual"] and split.path.split("/")[1] != server.bucket:
            return 404, "NoSuchBucket"
        return None

    def serve(self, server, name, query, headers, body):
        if self.command == "GET" and not name:
            self.list(server, query)
        elif self.command == "GET":
            self.get(server, name, headers)
        elif self.command == "PUT":
            self.put(server, name, headers, body)
        elif self.command == "DELETE":
            with server.lock:
                server.objects.pop(name, None)
            self.answer(204)
        else:
            self.error(501, "NotImplemented")

    def put(self, server, name, headers, body):
        with server.lock:
            if headers.get("if-none-match") == "*" and name in server.objects:
                return self.error(412, "PreconditionFailed")
            server.objects[name] = (body, headers.get("x-amz-meta-strata-upload", "") if server.keeps_marks else "")
        if self.fault == "lose-answer":
            return self.drop()
        self.answer(200, headers={"ETag": '"x"'})

    def get(self, server, name, headers):
        with server.lock:
            if name not in server.objects:
                return self.error(404, "NoSuchKey")
            data, mark = server.objects[name]
        if "range" not in headers:
            return self.answer(200, data, {"x-amz-meta-strata-upload": mark} if mark else {})
        first, _, last = headers["range"].removeprefix("bytes=").partition("-")
        begin = int(first) if first else max(0, len(data) - int(last))
        end = min(len(data), int(last) + 1) if first else len(data)
        if begin >= end:
            return self.error(416, "InvalidRange")
        part = data[begin:end]
        more = {"Content-Range": f"bytes {begin}-{end - 1}/{len(data)}"}
        if mark:
            more["x-amz-meta-strata-upload"] = mark
        if self.fault == "die-in-body":
            self.send_response(206)
            for header, value in {**more, "Content-Length": str(len(part))}.items():
                self.send_header(header, value)
            self.end_headers()
            self.wfile.write(part[:len(part) // 2])
            self.wfile.flush()
            return self.drop()
        if self.fault == "short-body":  # one that its own length does not give away
            part = part[:-1]
        self.answer(206, part, more)

    def list(self, server, query):
        prefix, after = query.get("prefix", [""])[0], query.get("start-after", [""])[0]
        after = query.get("continuation-token", [after])[0]
        with server.lock:
            names = sorted(n for n in server.objects if n.startswith(prefix) and n > after)
            most = min(int(query["max-keys"][0]), server.page)
            shown = [(n, len(server.objects[n][0])) for n in names[:most]]
        text = "".join(f"<Contents><Key>{escape(n)}</Key><Size>{size}</Size></Contents>" for n, size in shown)
        if len(names) > most:
            text += f"<IsTruncated>true</IsTruncated><NextContinuationToken>{escape(shown[-1][0])}</NextContinuationToken>"
        self.answer(200, f"<ListBucketResult>{text}</ListBucketResult>".encode())


class S3(Server):
    """`keys`: access key to (secret, token). `faults`: for the next requests, in order; None is no fault."""

    def __init__(self, tls=None):
        self.bucket, self.objects, self.page = "bucket", {}, 1000
        self.keys, self.expired, self.faults, self.keeps_marks = {}, set(), [], True
        super().__init__(S3Handler, tls)


class KeysHandler(Handler):
    def run(self):
        server = self.server.owner
        body = self.body().decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        with server.lock:
            server.requests.append({"method": self.command, "path": self.path, "headers": headers, "body": body})
        if self.command == "POST" and self.path == "/":
            self.token_service(server, urllib.parse.parse_qs(body))
        elif self.command == "PUT" and self.path == "/latest/api/token":
            self.answer(200 if headers.get("x-aws-ec2-metadata-token-ttl-seconds") else 400, b"metadata-token")
        elif self.path.startswith("/latest/"):
            self.metadata(server, headers)
        elif self.path == "/container" and headers.get("authorization") == "container-token":
            self.answer(200, json.dumps(server.issue()).encode())
        else:
            self.answer(403)

    do_GET = do_PUT = do_POST = run

    def metadata(self, server, headers):
        roles = "/latest/meta-data/iam/security-credentials/"
        if headers.get("x-aws-ec2-metadata-token") != "metadata-token":
            return self.answer(401)  # version 1 is off
        if self.path == roles:
            return self.answer(200, b"the-role")
        if self.path == roles + "the-role":
            return self.answer(200, json.dumps(server.issue()).encode())
        return self.answer(404)

    def token_service(self, server, form):
        right = (form.get("Action") == ["AssumeRoleWithWebIdentity"] and form.get("WebIdentityToken") == ["the/web+token"]
                 and form.get("RoleArn") == ["arn:aws:iam::1:role/backup"])
        if not right:
            return self.answer(403)
        server.session_names.append(form["RoleSessionName"][0])
        keys = server.issue()
        inside = "".join(f"<{name}>{escape(keys[key])}</{name}>" for name, key in
                         (("AccessKeyId", "AccessKeyId"), ("SecretAccessKey", "SecretAccessKey"),
                          ("SessionToken", "Token"), ("Expiration", "Expiration")))
        return self.answer(200, f"""<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
            <AssumeRoleWithWebIdentityResult><Credentials>{inside}</Credentials></AssumeRoleWithWebIdentityResult>
            </AssumeRoleWithWebIdentityResponse>""".encode())


class Keys(Server):
    """Token service, instance metadata and container endpoint in one; gives out keys that `s3` then knows."""

    def __init__(self, s3):
        self.s3, self.issued, self.lifetime_s, self.session_names = s3, 0, 3600, []
        super().__init__(KeysHandler)

    def issue(self):
        with self.lock:
            self.issued += 1
            key, secret, token = f"KEY{self.issued}", f"secret/{self.issued}+", f"token=={self.issued}"
        with self.s3.lock:
            self.s3.keys[key] = (secret, token)
        expires = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.lifetime_s)
        return {"Code": "Success", "AccessKeyId": key, "SecretAccessKey": secret, "Token": token,
                "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}


class ProxyHandler(Handler):
    def do_CONNECT(self):
        self.server.owner.requests.append(f"CONNECT {self.path}")
        host, port = self.path.rsplit(":", 1)
        with socket.create_connection((host, int(port))) as other:
            self.send_response(200)
            self.end_headers()
            pair = [self.connection, other]
            while True:
                ready, _, _ = select.select(pair, [], [], 10)
                if not ready:
                    break
                for one in ready:
                    data = one.recv(65536)
                    if not data:
                        self.close_connection = True
                        return
                    pair[1 - pair.index(one)].sendall(data)

    def forward(self):
        self.server.owner.requests.append(f"{self.command} {self.path}")
        body = self.body()
        split = urllib.parse.urlsplit(self.path)
        connection = http.client.HTTPConnection(split.netloc, timeout=10)
        path = split.path + (f"?{split.query}" if split.query else "")
        connection.putrequest(self.command, path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() != "proxy-connection":
                connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        data = answer.read()
        keep = {n: v for n, v in answer.getheaders() if n.lower() not in ("content-length", "connection")}
        self.answer(answer.status, data, keep)

    do_GET = do_PUT = do_POST = do_DELETE = forward


class Proxy(Server):
    def __init__(self):
        super().__init__(ProxyHandler)

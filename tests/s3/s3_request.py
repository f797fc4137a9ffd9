"""Signed requests to an S3 server in Python's standard library alone: a second implementation of Signature Version 4,
to make buckets with, and for the tests' own server to check the signatures of the first by."""

import datetime
import hashlib
import hmac
import urllib.parse
import urllib.request

UNRESERVED = "-._~"


def hmac_sha256(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def canonical_query(query):
    pairs = urllib.parse.parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    quoted = sorted((urllib.parse.quote(n, safe=UNRESERVED), urllib.parse.quote(v, safe=UNRESERVED)) for n, v in pairs)
    return "&".join(f"{n}={v}" for n, v in quoted)


def signature(secret, method, path, query, headers, signed, payload_hash, date, region, service="s3"):
    """`path` and `query` as sent; `headers` with lower-case names, of which those in `signed` count."""
    lines = [method, path, canonical_query(query)]
    lines += [f"{name}:{' '.join(headers.get(name, '').split())}" for name in signed]
    lines += ["", ";".join(signed), payload_hash]
    scope = f"{date[:8]}/{region}/{service}/aws4_request"
    hashed = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac_sha256(key, part)
    return hmac_sha256(key, "\n".join(["AWS4-HMAC-SHA256", date, scope, hashed])).hex()


class Bucket:
    """A bucket by path style, with keys of region us-east-1."""

    def __init__(self, endpoint, access_key, secret_key, name):
        self.endpoint, self.access_key, self.secret_key, self.name = endpoint, access_key, secret_key, name

    def request(self, method, path="", query="", body=b""):
        date = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        path = f"/{self.name}" + (f"/{urllib.parse.quote(path, safe='/' + UNRESERVED)}" if path else "")
        digest = hashlib.sha256(body).hexdigest()
        headers = {"host": urllib.parse.urlsplit(self.endpoint).netloc, "x-amz-content-sha256": digest,
                   "x-amz-date": date}
        signed = sorted(headers)
        made = signature(self.secret_key, method, path, query, headers, signed, digest, date, "us-east-1")
        headers["authorization"] = (f"AWS4-HMAC-SHA256 Credential={self.access_key}/{date[:8]}/us-east-1/s3/aws4_request,"
                                    f"SignedHeaders={';'.join(signed)},Signature={made}")
        url = f"{self.endpoint}{path}" + (f"?{query}" if query else "")
        request = urllib.request.Request(url, data=body if method == "PUT" else None, headers=headers, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=60) as answer:
            return answer.read()

    def create(self):
        self.request("PUT")

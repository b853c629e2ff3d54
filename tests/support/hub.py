"""A hub on the loopback: the endpoints that huggingface_hub downloads a model through."""

import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

COMMIT = "c0ffee" * 6 + "c0ff"
LARGE = 4096  # bytes from which a file is one of Git LFS


def git_digest(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Hub(ThreadingHTTPServer):
    """Serves the files of one model; its switches make it misbehave.

    ``answer`` is a status and an error code for the model's page, ``cuts`` maps a file to how
    often its connection breaks in the middle, ``pretended`` is added to the size of every file.
    ``asked`` holds the method, the path and the range of every request.
    """

    daemon_threads = True

    def __init__(self, model, folder):
        super().__init__(("127.0.0.1", 0), Handler)
        self.model = model
        names = sorted(path for path in folder.rglob("*") if path.is_file())
        self.files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in names}
        self.answer = None
        self.cuts = {}
        self.pretended = 0
        self.asked = []

    def __enter__(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}).start()
        return self

    def __exit__(self, *problem):
        self.shutdown()
        self.server_close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def got(self):
        """The files that were asked for, with their range."""
        return [
            (path.partition(f"/resolve/{COMMIT}/")[2], span)
            for method, path, span in self.asked
            if method == "GET" and "/resolve/" in path
        ]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        hub, path = self.server, urlsplit(self.path).path
        hub.asked.append((self.command, path, self.headers.get("Range", "")))
        page = f"/api/models/{hub.model}"
        if hub.answer is not None:
            status, code = hub.answer
            self.reply(status, b"{}", {"X-Error-Code": code, "X-Error-Message": "no"})
        elif path.startswith(f"{page}/tree/"):
            self.reply(200, json.dumps([self.entry(name) for name in hub.files]).encode())
        elif path == page or path.startswith(f"{page}/revision/"):
            siblings = [self.sibling(name) for name in hub.files]
            document = {"id": hub.model, "sha": COMMIT, "siblings": siblings}
            self.reply(200, json.dumps(document).encode())
        elif path.startswith(f"/{hub.model}/resolve/"):
            self.file(path.partition(f"/resolve/{COMMIT}/")[2])
        else:
            self.reply(404, b"{}", {"X-Error-Code": "RepoNotFound"})

    def entry(self, name):
        data = self.server.files[name]
        size = len(data) + self.server.pretended
        found = {"type": "file", "path": name, "size": size, "oid": git_digest(data)}
        if len(data) >= LARGE:
            digest = hashlib.sha256(data).hexdigest()
            found["lfs"] = {"oid": digest, "size": size, "pointerSize": 128}
        return found

    def sibling(self, name):
        found = self.entry(name)
        lfs = found.get("lfs")
        return {
            "rfilename": name,
            "size": found["size"],
            "blobId": found["oid"],
            **(
                {"lfs": {"sha256": lfs["oid"], "size": lfs["size"], "pointerSize": 128}}
                if lfs
                else {}
            ),
        }

    def file(self, name):
        data = self.server.files[name]
        large = len(data) >= LARGE
        digest = hashlib.sha256(data).hexdigest() if large else git_digest(data)
        headers = {"ETag": f'"{digest}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        start = 0
        if span := re.fullmatch(r"bytes=(\d+)-\d*", self.headers.get("Range", "")):
            start = int(span[1])
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        left = data[start:]
        if self.command == "GET" and self.server.cuts.get(name, 0) > 0:
            self.server.cuts[name] -= 1
            self.head(200 if not start else 206, len(left), headers)
            self.wfile.write(left[: len(left) // 2])
            self.wfile.flush()
            self.close_connection = True
        else:
            self.reply(206 if start else 200, left, headers)

    def head(self, status, length, headers):
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(length)}.items():
            self.send_header(key, value)
        self.end_headers()

    def reply(self, status, data, headers=None):
        self.head(status, len(data), {"Content-Type": "application/json", **(headers or {})})
        if self.command != "HEAD":
            self.wfile.write(data)

"""A stand-in for the Lambda Runtime API, for one process.

Purpose: everything that is measured polls the same server, so that what it costs is the same for all.
Guarantees: events are handed out one at a time; what the process does is told in order, with its time.
Effects: listens on loopback. Fails when: the process neither polls nor answers in a minute.
"""

import json
import queue
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATIENCE_S = 120
INVOCATION_S = 900


class Silent(Exception):
    """The process did not do what it was waited for."""


class RuntimeApi:
    """The server, for as long as the block lasts."""

    def __init__(self):
        self.events, self.arrivals, self.served = queue.Queue(), queue.Queue(), 0
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.server.daemon_threads = True
        self.address = f"127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.events.put(None)
        self.server.shutdown()
        self.server.server_close()

    def give(self, event):
        self.events.put(json.dumps(event).encode())

    def await_(self, expected):
        """The time at which the process does what is expected next, and what it sent."""
        try:
            what, at, body = self.arrivals.get(timeout=PATIENCE_S)
        except queue.Empty:
            raise Silent(f"failed to see its {expected} in {PATIENCE_S} s") from None
        if what not in expected.split("|"):
            raise Silent(f"failed to see its {expected}, but {what}: {body.decode(errors='replace')[:500]}")
        return what, at, body

    def handler(api):  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                api.arrivals.put(("poll", time.monotonic(), b""))
                event = api.events.get()
                if event is None:
                    self.close_connection = True
                    return
                api.served += 1
                self.reply(200, event, {
                    "Lambda-Runtime-Aws-Request-Id": f"00000000-0000-4000-8000-{api.served:012}",
                    "Lambda-Runtime-Deadline-Ms": str(int((time.time() + INVOCATION_S) * 1000)),
                    "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-west-2:111122223333:function:bench",
                    "Lambda-Runtime-Trace-Id": f"Root=1-{int(time.time()):08x}-{0:024x};Parent={0:016x};Sampled=0"})

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length") or 0)) if "content-length" in self.headers \
                    else self.chunks()
                api.arrivals.put((self.path.rsplit("/", 1)[1], time.monotonic(), body))
                self.reply(202, b'{"status":"OK"}', {})

            def chunks(self):
                body = b""
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def reply(self, status, body, headers):
                lines = [f"HTTP/1.1 {status} OK", "Content-Type: application/json", f"Content-Length: {len(body)}"]
                head = "\r\n".join(lines + [f"{name}: {value}" for name, value in headers.items()]) + "\r\n\r\n"
                self.wfile.write(head.encode() + body)

            def log_message(self, *_):
                pass

        return Handler

"""A fake splunkd: the REST endpoints that our commands call, with switches for every way in which they can fail.

Plain HTTP on 127.0.0.1, usable with splunklib.client. It knows data/lookup-table-files (with acl), storage/collections
(config and data) and storage/passwords; anything else is 404. What it does is what is documented of splunkd; what is
not documented is refused.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

from searchhead.atom import Answer, message
from searchhead.kvstore import Collections
from searchhead.lookups import Lookups
from searchhead.passwords import Passwords


class Fault:
    """Something that goes wrong for the next requests whose `METHOD path` holds match."""

    def __init__(
        self, times: int, match: str, status: int = 0, slow_s: float = 0.0, cut: bool = False, ignore: bool = False
    ) -> None:
        self.times = times
        self.match = match
        self.status = status
        self.slow_s = slow_s
        self.cut = cut
        self.ignore = ignore


SHIPPED = ("adaptive_verdicts", "adaptive_audit")  # default/collections.conf of the app


class FakeSplunkd:
    """with FakeSplunkd(home) as splunkd: ...

    home: the folder that stands for $SPLUNK_HOME. lookups: the app's lookup folder, default etc/apps/<app>/lookups of
    home. session_key: the only key accepted. log: (method, path, status) of every request.
    """

    def __init__(
        self, home: str, lookups: str = "", app: str = "adaptive_monitoring", session_key: str = "fake-key"
    ) -> None:
        self.home = str(home)
        self.app = app
        self.session_key = session_key
        self.user = "admin"
        self.log: list[tuple[str, str, int]] = []
        self.lookups = Lookups(self.home, str(lookups) or os.path.join(self.home, "etc", "apps", app, "lookups"), app)
        self.collections = Collections(app)
        self.collections.store.update({name: {} for name in SHIPPED})
        self.passwords = Passwords(app)
        self._faults: list[Fault] = []
        self._lock = threading.RLock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.uri = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> FakeSplunkd:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def fail(self, status: int, times: int = 1, match: str = "") -> None:
        """The next requests are answered with this status (401, 403, 404, 409, 429, 503, …) and change nothing."""
        self._faults.append(Fault(times, match, status=status))

    def slow(self, seconds: float, times: int = 1, match: str = "") -> None:
        """The next requests are answered late, but done."""
        self._faults.append(Fault(times, match, slow_s=seconds))

    def cut(self, times: int = 1, match: str = "") -> None:
        """The next requests get no answer: the connection is cut before anything is done."""
        self._faults.append(Fault(times, match, cut=True))

    def disk_full(self, times: int = 1, match: str = "POST") -> None:
        """The next writes fail as they do when no space is left."""
        self._faults.append(Fault(times, match, status=500))

    def ignore(self, times: int = 1, match: str = "POST") -> None:
        """The next writes are answered with 200 and not done: a 200 does not prove a write."""
        self._faults.append(Fault(times, match, ignore=True))

    def answer(self, method: str, path: str, query: dict[str, str], body: bytes, key: str) -> Answer | None:
        """The answer to one request, None for a cut connection."""
        with self._lock:
            fault = next((f for f in self._faults if f.times > 0 and f.match in f"{method} {path}"), None)
            if fault:
                fault.times -= 1
        if fault and fault.slow_s:
            time.sleep(fault.slow_s)
        with self._lock:
            if fault and fault.cut:
                answer = None
            elif fault and fault.status:
                answer = message(fault.status, "No space left on device" if fault.status == 500 else "")
            elif key != self.session_key:
                answer = message(401, "call not properly authenticated")
            elif fault and fault.ignore:
                answer = message(200, "")
            else:
                answer = self._route(method, path, query, body)
            self.log.append((method, path, answer.status if answer else 0))
        return answer

    def _route(self, method: str, path: str, query: dict[str, str], body: bytes) -> Answer:
        parts = [unquote(part) for part in path.strip("/").split("/")]
        if parts[0] == "servicesNS" and len(parts) > 3:
            owner, app, parts = parts[1], parts[2], parts[3:]
        elif parts[0] == "services":
            owner, app, parts = "nobody", self.app, parts[1:]
        else:
            return message(404, "")
        if app not in (self.app, "-"):
            return message(404, f"Application does not exist: {app}")
        if parts[:2] == ["data", "lookup-table-files"]:
            return self.lookups.answer(method, parts[2:], _form(query, body), self.user)
        if parts[:2] == ["storage", "passwords"]:
            return self.passwords.answer(method, parts[2:], _form(query, body))
        if parts[:2] == ["storage", "collections"] and len(parts) > 2:
            return self.collections.answer(method, parts[2], parts[3:], query, body, owner)
        return message(404, "Not Found")


def _form(query: dict[str, str], body: bytes) -> dict[str, str]:
    return {**query, **dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))}


def _handler(splunkd: FakeSplunkd) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def handle_any(self) -> None:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            key = (self.headers.get("Authorization") or "").replace("Splunk ", "", 1)
            query = dict(parse_qsl(url.query, keep_blank_values=True))
            answer = splunkd.answer(self.command, url.path, query, body, key)
            if answer is None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            wants_json = {**query, **_form({}, body)}.get("output_mode") == "json"
            self.reply(answer.status, *answer.content(wants_json))

        def reply(self, status: int, content_type: str, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Connection", "close")  # as splunkd does; splunklib relies on it
            if status in (429, 503):
                self.send_header("Retry-After", "0")
            self.end_headers()
            try:
                self.wfile.write(content)
            except OSError:
                self.close_connection = True  # the caller gave up: it was told to be slow

        do_GET = do_POST = do_DELETE = handle_any  # noqa: N815 - names of http.server

        def log_message(self, format: str, *args: object) -> None:
            """Silent: tests read FakeSplunkd.log."""

    return Handler

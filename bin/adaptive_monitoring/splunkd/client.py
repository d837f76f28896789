"""splunkd's REST interface, as far as the app needs it. The only importer of splunklib, and only inside functions.

Limits: the machine's own splunkd, reached with the session key of the running search; never used on indexers.
Messages never hold a session key.
"""

from __future__ import annotations

from adaptive_monitoring.errors import Busy, Conflict, NotFound, Refused, SplunkdError, Unreachable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Protocol

    class Session(Protocol):
        """What is needed of a search: protocol.session.SearchInfo has it."""

        session_key: str
        splunkd_uri: str


APP = "adaptive_monitoring"
LOOKUPS = "data/lookup-table-files"
DOCUMENTS = "storage/collections/data"
EXPORT = "search/v2/jobs/export"
TIMEOUT_S = 30.0
SEARCH_TIMEOUT_S = 3600.0  # a reporting search says nothing until it has read everything
CONNECT_TIMEOUT_S = 5.0
TRIES = 4  # with the pauses below: at most about 8 s of waiting before Busy is reported
PAUSE_S = 0.5
PAUSE_LIMIT_S = 5.0
LOOPBACK = ("localhost", "::1")
RIGHTS = {
    "write": 'the capability upload_lookup_files and write access to the app "adaptive_monitoring"',
    "delete": 'write access to the app "adaptive_monitoring"',
    "own": "write access to the lookup file",
    "read": "read access to the lookup files of the app",
    "documents": "read and write access to the KV store collections of the app",
    "search": "the right to run that search: the capability search, and access to its indexes, lookups and macros",
}


def connect(session: Session, app: str = APP, timeout_s: float | None = None) -> Client:
    """A client for the search's own splunkd. timeout_s: without any byte of an answer, default TIMEOUT_S.

    Raises Unreachable when nothing listens there or no key was given.
    """
    from urllib.parse import urlsplit

    parts = urlsplit(session.splunkd_uri)
    if not session.session_key or parts.scheme not in ("http", "https") or not parts.hostname:
        raise Unreachable("splunkd: the search gave no session key or no address of splunkd")
    port = parts.port or 8089
    _knock(parts.hostname, port)
    return Client(_context(session.session_key, parts.scheme, parts.hostname, port, timeout_s or TIMEOUT_S), app)


def _knock(host: str, port: int) -> None:
    """Raises Unreachable when no connection can be opened: then certainly nothing was changed by what follows."""
    import socket

    try:
        socket.create_connection((host, port), CONNECT_TIMEOUT_S).close()
    except OSError as error:
        raise Unreachable(
            f"splunkd: no connection to {host}:{port}: {error.strerror or error}. Check that splunkd listens there"
        ) from None


def _context(key: str, scheme: str, host: str, port: int, timeout_s: float) -> Any:
    """splunklib's context. Certificates are verified unless the address is the machine itself: splunkd's own
    certificate is self-signed by default, and splunkd gave us the address."""
    import ssl

    try:
        from splunklib import binding
    except ImportError:
        raise Unreachable("splunkd: splunklib is not in the app's lib folder. Install the app again") from None
    verify = scheme == "https" and host not in LOOPBACK and not host.startswith("127.")
    handler = binding.handler(
        timeout=timeout_s, verify=verify, context=ssl.create_default_context() if verify else None
    )
    return binding.Context(handler=handler, token=key, scheme=scheme, host=host, port=port, autologin=False)


class Client:
    """Lookup files and KV store documents of one app, owned by nobody. Every method raises SplunkdError leaves."""

    def __init__(self, context: Any, app: str) -> None:
        self._context = context
        self._app = app

    def upload_lookup(self, name: str, staged_path: str) -> None:
        """Makes the staged file the lookup `name`: replaces it, or creates it where there is none.

        staged_path: in $SPLUNK_HOME/var/run/splunk/lookup_tmp; splunkd moves it away.
        """
        what = f'write the lookup "{name}"'
        try:
            self._call("post", f"{LOOKUPS}/{name}", what, "write", {"eai:data": staged_path})
        except NotFound:
            self._call("post", LOOKUPS, what, "write", {"eai:data": staged_path, "name": name})

    def own_lookup(self, name: str) -> None:
        """Gives a lookup to nobody, shared in the app: splunkd records the caller as the owner of a new one."""
        form = {"owner": "nobody", "sharing": "app"}
        self._call("post", f"{LOOKUPS}/{name}/acl", f'share the lookup "{name}"', "own", form)

    def lookup_path(self, name: str) -> str | None:
        """Where splunkd keeps the lookup, None when it has none of that name."""
        import json

        try:
            text = self._call("get", f"{LOOKUPS}/{name}", f'read the lookup "{name}"', "read", {"output_mode": "json"})
        except NotFound:
            return None
        try:
            return str(json.loads(text)["entry"][0]["content"]["eai:data"])
        except (ValueError, LookupError, TypeError):
            raise SplunkdError(f'splunkd: an unknown answer about the lookup "{name}": {_short(text)}') from None

    def delete_lookup(self, name: str) -> bool:
        """True when there was one."""
        try:
            self._call("delete", f"{LOOKUPS}/{name}", f'delete the lookup "{name}"', "delete", {})
        except NotFound:
            return False
        return True

    def save_documents(self, collection: str, documents: list[dict[str, str]]) -> None:
        """Inserts documents of the KV store, or replaces those with the same _key. At most 1,000."""
        import json

        body = json.dumps(documents).encode("utf-8", "surrogatepass")
        self._call("post", f"{DOCUMENTS}/{collection}/batch_save", f"write {collection}", "documents", body)

    def find_documents(self, collection: str, equal: dict[str, str], skip: int, limit: int) -> list[dict[str, Any]]:
        """A page of the documents with these values, in the order of their _key."""
        import json

        query = {"query": json.dumps(equal), "sort": "_key", "skip": str(skip), "limit": str(limit)}
        text = self._call("get", f"{DOCUMENTS}/{collection}", f"read {collection}", "documents", query)
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, list):
            raise SplunkdError(f"splunkd: an unknown answer about {collection}: {_short(text)}")
        return found

    def delete_document(self, collection: str, key: str) -> bool:
        """True when there was one."""
        from urllib.parse import quote

        path = f"{DOCUMENTS}/{collection}/{quote(key, safe='')}"
        try:
            self._call("delete", path, f"change {collection}", "documents", {})
        except NotFound:
            return False
        return True

    def export(self, search: str, earliest: str, latest: str, owner: str, app: str) -> Iterator[dict[str, str]]:
        """Rows of a search over a range of time, as they arrive; null fields are missing, multivalues are lists.

        search: starts with | or a command. earliest, latest: seconds UTC. owner, app: in whose context it runs.
        An ERROR of the search raises SplunkdError.
        """
        import io
        from http.client import HTTPException

        from splunklib.binding import HTTPError

        what = "run the search again"
        form = {"search": search, "earliest_time": earliest, "latest_time": latest, "preview": "0"}
        try:
            answer = self._context.post(EXPORT, owner=owner, app=app, body={**form, "output_mode": "json"})
            for line in io.BufferedReader(answer.body):
                yield from _rows_of(line)
        except HTTPError as error:
            raise failure(int(error.status), what, "search", _text(error.body)) from None
        except (OSError, HTTPException) as error:
            text = f"splunkd: no complete answer when asked to {what}: {type(error).__name__}. See splunkd.log"
            raise Unreachable(text) from None

    def _call(self, method: str, path: str, what: str, right: str, form: dict[str, str] | bytes) -> str:
        """The text of the answer; 429 and 503 are tried again."""
        for attempt in range(TRIES):
            status, text, retry_after = self._once(method, path, what, form)
            if status not in (429, 503):
                break
            if attempt < TRIES - 1:
                _pause(attempt, retry_after)
        if status >= 400:
            raise failure(status, what, right, text)
        return text

    def _once(self, method: str, path: str, what: str, form: dict[str, str] | bytes) -> tuple[int, str, str]:
        from http.client import HTTPException

        from splunklib.binding import HTTPError

        try:
            query: dict[str, Any] = {"body": form} if isinstance(form, bytes) or method == "post" else form
            if isinstance(form, bytes):
                query["headers"] = [("Content-Type", "application/json")]
            answer = getattr(self._context, method)(path, owner="nobody", app=self._app, **query)
            return int(answer.status), answer.body.read().decode("utf-8", "replace"), ""
        except HTTPError as error:
            headers = {str(name).lower(): str(value) for name, value in error.headers or []}
            return int(error.status), _text(error.body), headers.get("retry-after", "")
        except (OSError, HTTPException) as error:
            raise Unreachable(
                f"splunkd: no complete answer when asked to {what}: {type(error).__name__}. "
                "It may or may not have been done; look with | adaptmodel action=list, then run the search again"
            ) from None


def failure(status: int, what: str, right: str, text: str) -> SplunkdError:
    """The error for an HTTP status of 400 or more."""
    said = _said(text)
    if status == 401:
        return Refused(f"splunkd: not allowed to {what}: the session has expired. Run the search again{said}")
    if status == 403:
        return Refused(f"splunkd: not allowed to {what}: the user of the search needs {RIGHTS[right]}{said}")
    if status == 404:
        return NotFound(f"splunkd: could not {what}: it is not there{said}")
    if status == 409:
        return Conflict(f"splunkd: could not {what}: exists already or changed meanwhile. Run the search again{said}")
    if status in (429, 503):
        return Busy(f"splunkd: too busy to {what}, also after {TRIES} tries. Run the search again later{said}")
    return SplunkdError(f"splunkd: could not {what}: HTTP status {status}. See splunkd.log{said}")


def _rows_of(line: bytes) -> Iterator[dict[str, str]]:
    """The result in a line of an export, if it holds one. Raises SplunkdError."""
    import json

    if not line.strip():
        return
    try:
        found = json.loads(line)
    except ValueError:
        raise SplunkdError(f"splunkd: an unknown answer to a search: {_short(_text(line))}") from None
    for said in found.get("messages") or []:
        if said.get("type") in ("ERROR", "FATAL"):
            raise SplunkdError(f"splunkd: the search failed: {_short(str(said.get('text')))}")
    if "result" in found and not found.get("preview"):
        yield found["result"]


def _pause(attempt: int, retry_after: str) -> None:
    import random
    import time

    asked = float(retry_after) if retry_after.isdigit() else PAUSE_S * 2.0**attempt
    time.sleep(min(asked, PAUSE_LIMIT_S) * random.uniform(0.75, 1.25))


def _text(body: Any) -> str:
    data = body if isinstance(body, bytes) else str(body or "").encode("utf-8", "replace")
    return data.decode("utf-8", "replace")


def _said(text: str) -> str:
    """What splunkd said, from its XML or JSON messages; '' when it said nothing."""
    import re

    found = re.search(r'<msg[^>]*>([^<]*)</msg>|"text"\s*:\s*"([^"]*)"', text)
    said = _short((found.group(1) or found.group(2) or "") if found else "")
    return f". splunkd says: {said}" if said else ""


def _short(text: str) -> str:
    return " ".join(text.split())[:200]

"""The audit trail: one flat record per event, in the KV store collection adaptive_audit.

`| inputlookup adaptive_audit` shows it. A record says who did what to which collection with which search, and holds the
hashes that a repetition is compared with. Records are only ever added here.

Limits: it is as trustworthy as the KV store: whoever may write the collection can change records, nothing is signed.
Where no splunkd listens the records go to a file of this machine (store/documents.py). A record that cannot be written
is a warning and never stops what it is about.
"""

from __future__ import annotations

import os
import re
import time
import uuid

from adaptive_monitoring.errors import AdaptiveError
from adaptive_monitoring.store.documents import Documents
from adaptive_monitoring.store.paths import app_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from adaptive_monitoring.store.documents import Record

    class Search(Protocol):
        """What is told about the search: protocol.session.SearchInfo has it."""

        args: list[str]
        command: str
        sid: str
        app: str
        owner: str
        session_key: str
        splunkd_uri: str
        search: str
        earliest: float | None
        latest: float | None


COLLECTION = "adaptive_audit"
EVENTS = (
    "train", "promote", "rollback", "lock", "unlock", "delete", "export", "verdict", "suppression"
)  # fmt: skip
#: columns of a record, as in transforms.conf; docs/models.md says what they hold
FIELDS = (
    "time", "event", "user", "command", "collection", "version", "version_before", "changed", "source",
    "source_version", "rows", "entities", "locked", "file_hash", "data_hash", "config_hash", "options", "search", "app",
    "earliest", "latest", "sid", "app_version", "reason",
)  # fmt: skip
LONGEST = 100_000  # characters of one cell; a longer search is cut and cannot be repeated
REMOVED = "[removed]"


class Audit:
    """Writes and reads records.

    info: of the search; warn: takes the text about a record that could not be written. app: its folder, default this.
    """

    def __init__(self, info: Search, warn: Callable[[str], None], app: str | None = None) -> None:
        self.info, self.warn, self.app = info, warn, app or app_folder()
        self.documents = Documents(COLLECTION, FIELDS, info, app)

    def record(self, event: str, **cells: object) -> bool:
        """Adds a record. cells: of FIELDS, None = empty; what is known of the search is added. False = not written.

        The session key is taken out of every cell, whoever put it there. Raises KeyError for a word that is no event or
        no field: a fault of the caller.
        """
        unknown = sorted({*cells} - {*FIELDS}) or ([event] if event not in EVENTS else [])
        if unknown:
            raise KeyError(f"audit: no such event or field: {', '.join(unknown)}")
        record = {**self._about_the_search(), "event": event}
        record.update((name, _text(value)) for name, value in cells.items())
        record = {name: self._clean(text) for name, text in record.items()}
        record["_key"] = f"{time.time_ns():020d}-{uuid.uuid4().hex[:12]}"  # the order of keys is that of events
        try:
            self.documents.add([record])
        except (AdaptiveError, OSError) as error:
            what = " ".join(filter(None, [event, record.get("collection"), record.get("version")]))
            self.warn(f"audit: not in the audit trail: {what}, by {record['user']}; what was done stands. {error}")
            return False
        for text in self.documents.warnings:
            self.warn(text)
        return True

    def records(self, **equal: str) -> list[Record]:
        """Records with these values, oldest first. Raises SplunkdError, NotWritable, ModelError."""
        return self.documents.all(**equal)

    def _about_the_search(self) -> Record:
        from urllib.parse import unquote

        info = self.info
        return {
            "time": f"{time.time():.3f}",
            "user": info.owner,
            "command": info.command,
            "options": " ".join(info.args),
            "search": unquote(info.search),
            "app": info.app,
            "earliest": _text(info.earliest),
            "latest": _text(info.latest),
            "sid": info.sid,
            "app_version": app_version(self.app),
        }

    def _clean(self, text: str) -> str:
        key = self.info.session_key
        return (text.replace(key, REMOVED) if key else text)[:LONGEST]


def app_version(app: str) -> str:
    """The version in the app's app.conf, '' when it cannot be read."""
    for path in (os.path.join(app, "default", "app.conf"), os.path.join(app, "app.conf")):
        try:
            with open(path, encoding="utf-8") as stream:
                found = re.search(r"^version\s*=\s*(\S+)", stream.read(), re.M)
        except OSError:
            continue
        if found:
            return found.group(1)
    return ""


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:.15g}" if isinstance(value, float) else str(value)

"""Small records that only ever grow, such as verdicts and the audit trail: a KV store collection of this app.

Without a session key, or when nothing listens at splunkd's address, lookups/kv_<collection>.csv of this machine stands
in for it. Every record is flat text; `_key` is given here, so that a record sent twice is stored once.

Limits: read whole, in pages of 10,000; meant for some hundred thousand records of a few hundred bytes.
"""

from __future__ import annotations

import csv
import io
import os
import uuid

from adaptive_monitoring.errors import ModelError, Unreachable
from adaptive_monitoring.store import files
from adaptive_monitoring.store.paths import app_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from adaptive_monitoring.splunkd.client import Client
    from adaptive_monitoring.store.base import Session

    Record = dict[str, str]

PAGE = 10_000  # limits.conf allows 50,000 rows and 50 MB in an answer
BATCH = 500  # limits.conf allows 1,000 documents in a batch
KEY = "_key"


class Documents:
    """One collection. fields: its columns, in order; others are refused. session: None writes the file.

    warnings: for the person who typed the search. route: kvstore or file, after the first call.
    """

    def __init__(
        self, name: str, fields: Sequence[str], session: Session | None = None, app: str | None = None
    ) -> None:
        self.name, self.fields = name, list(fields)
        self.session = session
        self.path = os.path.join(app or app_folder(), "lookups", f"kv_{name}.csv")
        self.warnings: list[str] = []
        self.route = ""

    def add(self, records: Iterable[Mapping[str, str]]) -> list[str]:
        """Appends records; missing fields are empty. Returns their keys. Raises SplunkdError, NotWritable.

        A record whose `_key` is stored already replaces it.
        """
        rows = [self._row(record) for record in records]
        client = self._client()
        if client is None:
            self._append(rows)
        else:
            for at in range(0, len(rows), BATCH):
                client.save_documents(self.name, rows[at : at + BATCH])
        return [row[KEY] for row in rows]

    def all(self, **equal: str) -> list[Record]:
        """All records with these values, in the order of their keys. Raises SplunkdError, NotWritable."""
        client = self._client()
        found: list[Record] = []
        if client is None:
            found = [row for row in self._stored() if all(row.get(name) == value for name, value in equal.items())]
        else:
            while len(found) % PAGE == 0:
                page = client.find_documents(self.name, equal, len(found), PAGE)
                found += [{name: str(row.get(name) or "") for name in [KEY, *self.fields]} for row in page]
                if not page:
                    break
        return sorted(found, key=lambda row: row[KEY])

    def delete(self, keys: Iterable[str]) -> int:
        """Removes records. Returns how many there were. Raises SplunkdError, NotWritable."""
        gone = set(keys)
        client = self._client()
        if client is not None:
            return sum(client.delete_document(self.name, key) for key in sorted(gone))
        with files.locked(self.path + ".lock"):
            stored = self._stored()
            kept = [row for row in stored if row[KEY] not in gone]
            self._replace(kept)
        return len(stored) - len(kept)

    def _row(self, record: Mapping[str, str]) -> Record:
        unknown = sorted(set(record) - set(self.fields) - {KEY})
        if unknown:
            raise KeyError(f"{self.name} has no field {', '.join(unknown)}")
        key = record.get(KEY) or uuid.uuid4().hex
        return {KEY: key, **{name: str(record.get(name, "")) for name in self.fields}}

    def _client(self) -> Client | None:
        self.route = "file"
        if self.session is None or not self.session.session_key:
            return None
        from adaptive_monitoring.splunkd.client import connect

        try:
            client = connect(self.session)
        except Unreachable as error:
            text = f"{error}; {self.name} is kept in {self.path} of this machine only"
            if text not in self.warnings:
                self.warnings.append(text)
            return None
        self.route = "kvstore"
        return client

    def _stored(self) -> list[Record]:
        text = (files.read(self.path) or b"").decode("utf-8", "surrogateescape")
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        if rows and KEY not in rows[0]:
            raise ModelError(f"store: {self.path} is no table of this app: it has no column {KEY}. Move it away")
        return [{name: row.get(name) or "" for name in [KEY, *self.fields]} for row in rows]

    def _append(self, rows: Sequence[Record]) -> None:
        with files.explained(self.path):
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
        with files.locked(self.path + ".lock"):
            merged = {row[KEY]: row for row in [*self._stored(), *rows]}
            self._replace(merged.values())

    def _replace(self, rows: Iterable[Record]) -> None:
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, [KEY, *self.fields], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        files.replace(self.path, out.getvalue().encode("utf-8", "surrogateescape"))

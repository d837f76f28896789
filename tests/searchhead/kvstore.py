"""storage/collections of the fake splunkd: config, and data with CRUD, queries and batch_save."""

from __future__ import annotations

import json
import uuid
from typing import Any

from searchhead.atom import Answer, Entry, message

BATCH_LIMIT = 1000  # limits.conf max_documents_per_batch_save
QUERY_LIMIT = 50000  # limits.conf max_rows_per_query
COMPARE = {
    "$gt": lambda a, b: a > b,
    "$gte": lambda a, b: a >= b,
    "$lt": lambda a, b: a < b,
    "$lte": lambda a, b: a <= b,
    "$ne": lambda a, b: a != b,
}


class Collections:
    """store: collection → _key → document. A collection must be made first, as collections.conf would."""

    def __init__(self, app: str) -> None:
        self.app = app
        self.store: dict[str, dict[str, dict[str, Any]]] = {}

    def answer(
        self, method: str, room: str, parts: list[str], query: dict[str, str], body: bytes, owner: str
    ) -> Answer:
        if room == "config":
            return self._config(method, parts, body)
        if room != "data" or not parts or parts[0] not in self.store:
            return message(404, "Could not find object")
        documents, rest = self.store[parts[0]], [part for part in parts[1:] if part]
        if method == "POST":
            return self._post(documents, rest, body, owner)
        if method == "DELETE":
            return self._delete(documents, rest, query)
        if rest:
            return Answer(value=documents[rest[0]]) if rest[0] in documents else message(404, "Could not find object")
        return Answer(value=_query(documents, query))

    def _config(self, method: str, parts: list[str], body: bytes) -> Answer:
        if method == "POST" and not parts:
            name = dict(pair.split("=", 1) for pair in body.decode().split("&")).get("name", "")
            if name in self.store:
                return message(409, "")
            self.store[name] = {}
            return Answer(201, [self._entry(name)])
        if parts and parts[0] not in self.store:
            return message(404, "")
        return Answer(entries=[self._entry(name) for name in (parts[:1] or self.store)])

    def _post(self, documents: dict[str, dict[str, Any]], rest: list[str], body: bytes, owner: str) -> Answer:
        try:
            sent = json.loads(body)
        except ValueError:
            return message(400, "JSON is not valid")
        if rest == ["batch_save"]:
            if not isinstance(sent, list) or len(sent) > BATCH_LIMIT:
                return message(400, f"a batch must be an array of at most {BATCH_LIMIT} documents")
            return Answer(value=[_save(documents, document, owner) for document in sent])
        if rest == ["batch_find"]:
            return Answer(
                value=[
                    _query(documents, {k: json.dumps(v) if isinstance(v, dict) else str(v) for k, v in one.items()})
                    for one in sent
                ]
            )
        if rest:
            if rest[0] not in documents:
                return message(404, "Could not find object")
            return Answer(value={"_key": _save(documents, {**sent, "_key": rest[0]}, owner)})
        if sent.get("_key") in documents:
            return message(409, "A document with the same key and user already exists")
        return Answer(201, value={"_key": _save(documents, sent, owner)})

    def _delete(self, documents: dict[str, dict[str, Any]], rest: list[str], query: dict[str, str]) -> Answer:
        if rest and rest[0] not in documents:
            return message(404, "Could not find object")
        for key in rest or [document["_key"] for document in _query(documents, {"query": query.get("query", "{}")})]:
            del documents[key]
        return Answer(value={})

    def _entry(self, name: str) -> Entry:
        return Entry(name, f"storage/collections/config/{name}", {"disabled": "0"}, self.app)


def _save(documents: dict[str, dict[str, Any]], document: dict[str, Any], owner: str) -> str:
    key = str(document.get("_key") or uuid.uuid4().hex[:24])
    documents[key] = {**document, "_key": key, "_user": owner}
    return key


def _query(documents: dict[str, dict[str, Any]], query: dict[str, str]) -> list[dict[str, Any]]:
    condition = json.loads(query.get("query") or "{}")
    found = [document for document in documents.values() if _matches(document, condition)]
    for part in reversed([part for part in query.get("sort", "").split(",") if part]):
        name, _, direction = part.partition(":")
        found.sort(key=lambda document: (document.get(name) is not None, document.get(name)), reverse=direction == "-1")
    skip, limit = int(query.get("skip") or 0), int(query.get("limit") or QUERY_LIMIT)
    found = found[skip : skip + min(limit or QUERY_LIMIT, QUERY_LIMIT)]
    names = [name for name in query.get("fields", "").split(",") if name]
    return [{name: document[name] for name in names if name in document} for document in found] if names else found


def _matches(document: dict[str, Any], condition: dict[str, Any]) -> bool:
    for name, wanted in condition.items():
        if name in ("$and", "$or"):
            if not (all if name == "$and" else any)(_matches(document, part) for part in wanted):
                return False
        elif isinstance(wanted, dict):
            value = document.get(name)
            if value is None or not all(COMPARE[sign](value, limit) for sign, limit in wanted.items()):
                return False
        elif document.get(name) != wanted:
            return False
    return True

"""search/v2/jobs/export of the fake splunkd: runs the search over the app under test.

Documented answer with output_mode=json: one JSON object per line, {"preview": false, "offset": 0, "result": {...}},
"lastrow": true with the last; messages of the search as {"preview": false, "messages": [{"type": ..., "text": ...}]}.
Null fields are left out, multivalues are arrays.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from searchhead.atom import Answer, message

if TYPE_CHECKING:
    from searchhead.head import Result, SearchHead
    from searchhead.table import Row


class Export:
    """head: runs the searches, None = the endpoint is not there. events: what a leading `search` finds, by _time."""

    def __init__(self) -> None:
        self.head: SearchHead | None = None
        self.events: list[Row] = []
        self.searches: list[str] = []

    def answer(self, method: str, form: dict[str, str]) -> Answer:
        if self.head is None or method not in ("GET", "POST"):
            return message(404, "Not Found")
        text = form.get("search", "")
        if not text.startswith(("search ", "|")):
            return message(400, "the search must start with a command")
        if form.get("output_mode") != "json" or form.get("preview") not in ("0", "false"):
            return message(400, "this fake gives output_mode=json preview=false only")
        self.searches.append(text)
        earliest, latest = float(form.get("earliest_time") or 0), float(form.get("latest_time") or 0)
        events = [row for row in self.events if earliest <= float(str(row["_time"])) < (latest or 1e12)]
        found = self.head.search(text, events if text.startswith("search ") else None, earliest, latest or None)
        return Answer(lines="".join(json.dumps(line) + "\n" for line in _lines(found)))


def _lines(found: Result) -> list[dict[str, Any]]:
    said: dict[str, Any] = {
        "preview": False,
        "messages": [{"type": level, "text": text} for level, text in found.messages],
    }
    rows = [{name: value for name, value in row.items() if value not in ("", [])} for row in found.rows]
    lines: list[dict[str, Any]] = [{"preview": False, "offset": i, "result": row} for i, row in enumerate(rows)]
    if lines:
        lines[-1]["lastrow"] = True
    return ([said] if found.messages else []) + (lines or [{"preview": False, "lastrow": True}])

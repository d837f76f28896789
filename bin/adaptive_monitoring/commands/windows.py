"""Time windows from a lookup: maintenance and downtimes (suppress=), past incidents (exclude=).

The lookup is lookups/<name>.csv of this app. Columns: start, end (epoch seconds or ISO 8601), any of the by-fields
(or entity), optionally reason. An empty cell or * in a by-field means every value. Both ends belong to the window.

Limits: times without a zone are taken in the zone of tz=; rows that cannot be read are named and left out.
"""

from __future__ import annotations

import csv
import os
from datetime import datetime, timezone

import numpy as np

from adaptive_monitoring.errors import CollectionNotFound, MissingField
from adaptive_monitoring.store.base import DEFAULT_KEY
from adaptive_monitoring.store.paths import app_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from adaptive_monitoring.commands.options import Arguments
    from adaptive_monitoring.engine.numbers import Floats, Ints
    from adaptive_monitoring.protocol.session import Messages

START, END, REASON = "start", "end", "reason"


class Windows:
    """The windows of one lookup. reasons: text per window. problems: rows that could not be read, for messages."""

    def __init__(self, option: str, name: str, by: Sequence[str], tz: object = None, app: str | None = None) -> None:
        """option: how messages call it. tz: zone of times that name none, None = UTC. Raises CollectionNotFound."""
        path = os.path.join(app or app_folder(), "lookups", f"{name}.csv")
        try:
            with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
                rows = list(csv.DictReader(stream))
        except OSError:
            raise CollectionNotFound(f"{option} must name a lookup of this app; there is no {path}") from None
        self.by = list(by) or [DEFAULT_KEY]
        self.rows: list[tuple[float, float, tuple[str, ...]]] = []
        self.reasons: list[str] = []
        self.problems: list[str] = []
        self.seen = 0
        self.per_entity: dict[int, list[int]] = {}
        self._take(rows, option, name, tz)

    @classmethod
    def of(cls, by: Sequence[str], rows: Sequence[tuple[float, float, tuple[str, ...]]], reason: str) -> Windows:
        """Windows that come from no lookup. rows: start, end (seconds UTC), a value for each field of by; * = any."""
        out = cls.__new__(cls)
        out.by, out.rows, out.reasons = list(by), list(rows), [reason] * len(rows)
        out.problems, out.seen, out.per_entity = [], 0, {}
        return out

    def _take(self, rows: list[dict[str, str]], option: str, name: str, tz: object) -> None:
        if rows and not {START, END} <= rows[0].keys():
            raise MissingField(f"{option}: lookup {name} needs the columns start and end; it has {', '.join(rows[0])}")
        for line, row in enumerate(rows, 2):
            try:
                start, end = seconds(row[START], tz), seconds(row[END], tz)
            except ValueError:
                self.problems.append(f"{option}: line {line} of {name} has no usable start and end: "
                                     f'"{row[START]}", "{row[END]}"; it is left out')
                continue
            self.rows.append((min(start, end), max(start, end), tuple(row.get(field) or "*" for field in self.by)))
            self.reasons.append(row.get(REASON) or name)

    def find(self, t: Floats, entity: Ints, keys: Sequence[tuple[str, ...]]) -> Ints:
        """The window each row lies in, −1 = none. t: (n,) seconds UTC; entity: (n,) index into keys, −1 = none."""
        found = np.full(len(t), -1, dtype=np.int64)
        self._match(keys)
        order = np.argsort(entity, kind="stable")
        present, first = np.unique(entity[order], return_index=True)
        for e, a, b in zip(present.tolist(), first.tolist(), [*first[1:].tolist(), len(order)]):
            rows = order[a:b]
            for window in self.per_entity.get(e, ()):
                start, end, _ = self.rows[window]
                found[rows[(t[rows] >= start) & (t[rows] <= end)]] = window
        return found

    def _match(self, keys: Sequence[tuple[str, ...]]) -> None:
        """Which windows concern each entity that is new since the last call."""
        for e in range(self.seen, len(keys)):
            mine = [i for i, (_, _, wanted) in enumerate(self.rows)
                    if all(w in ("*", k) for w, k in zip(wanted, keys[e]))]
            if mine:
                self.per_entity[e] = mine
        self.seen = len(keys)


def windows_of(command: str, option: str, arguments: Arguments, tz: str, messages: Messages) -> Windows | None:
    """The windows of an option of the search, None when it was not typed; bad rows become warnings."""
    name = arguments.options.get(option)
    if name is None:
        return None
    zone = None
    if tz:
        from zoneinfo import ZoneInfo

        zone = ZoneInfo(tz)
    windows = Windows(f"{command}: {option}", name, arguments.by, zone)
    for text in windows.problems[:5]:
        messages.warn(text)
    return windows


def seconds(text: str, tz: object = None) -> float:
    """Epoch seconds of a number or an ISO 8601 time. Raises ValueError."""
    text = (text or "").strip()
    try:
        value = float(text)
    except ValueError:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=tz or timezone.utc)  # type: ignore[arg-type]
        value = moment.timestamp()
    if not abs(value) < 1e12:
        raise ValueError("not a time")
    return value

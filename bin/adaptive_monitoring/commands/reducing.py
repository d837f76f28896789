"""adaptfit phase=map: the part of adaptfit that runs on the indexers and packs rows into few small ones.

splunkd starts it there by itself: adaptfit names it as its streaming_preop. `phase` is not meant to be typed.

Limits: standard library only. Each chunk is answered at once with all of its rows, packed; nothing is kept for a later
chunk, so nothing can be lost when a search is finalised, and memory is that of one chunk. What cannot be packed, and
everything on a search head, passes through as it came: the reducing side takes raw rows, packed rows, or both.
"""

from __future__ import annotations

import re

from adaptive_monitoring.commands import kinds
from adaptive_monitoring.commands.base import Command
from adaptive_monitoring.commands.modelling import NAME, TIME, VALUE, is_long
from adaptive_monitoring.commands.options import Spec, expand, parse
from adaptive_monitoring.commands.packed import (
    CELLS,
    DECIMALS,
    LATEST,
    MARK,
    PAYLOAD,
    UNITS,
    WIDEST,
    double_column,
    fraction,
    number,
    numbers,
    pack,
    scaled,
    whole_column,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from adaptive_monitoring.commands.options import Arguments
    from adaptive_monitoring.commands.packed import Column
    from adaptive_monitoring.protocol.body import Body
    from adaptive_monitoring.protocol.session import Messages, SearchInfo

    Groups = list[tuple[Any, list[int]]]

SPAN = kinds.span("span", 1, 86400, None, "rows of a metric within so much time become one, their mean")
MAP = kinds.boolean("map", True, "reduce raw events on the indexers first; false sends them as they are")
SPEC = Spec("adaptfit", options=(kinds.word("phase", ("map",)), SPAN), fields="optional", by="optional")
PHASE = "phase=map"
PLAIN = re.compile(r"[A-Za-z0-9_.:*-]+\Z")
UNSAFE = re.compile(r'["\\`\[\]|$\x00-\x1f\x7f]')  # what a quoted name cannot hold for sure, wherever splunkd parses it
RESERVED = ("as", "by", "into")


def preop(arguments: Arguments) -> str | None:
    """The map phase as a search: the fields that are needed, without _raw, into phase=map.

    None with map=false, with peer= (packed rows do not hold its field), or when a name holds a quote, a backslash, a
    pipe or the like: adaptfit then gets the rows as they are.
    """
    if not arguments.map or arguments.peer:
        return None
    fields = [field for field, _ in arguments.fields]
    if any(UNSAFE.search(name) for name in [*fields, *arguments.by]):
        return None
    chosen = list(dict.fromkeys([TIME, *arguments.by, *fields, NAME, VALUE])) if fields else []
    steps = [f"fields {', '.join(map(_word, chosen))}"] if fields else []
    words = ["adaptfit", PHASE]
    words += [f"span={arguments.span}s"] if arguments.span else []
    words += map(_word, fields)
    words += ["by", *map(_word, arguments.by)] if arguments.by else []
    return " | ".join([*steps, "fields - _raw", " ".join(words)])


def _word(name: str) -> str:
    plain = PLAIN.match(name) and name[0] != "-" and name.lower() not in RESERVED
    return name if plain else f'"{name}"'


class Map(Command):
    """One such process. Its words are those of the search, without AS, INTO and what only the search head needs.

    Raises what parse() raises; rows are never refused here, that is left to the search head.
    """

    def __init__(self, info: SearchInfo, messages: Messages) -> None:
        super().__init__(info, messages)
        self.arguments = parse(info.args, SPEC)
        self.span: int = self.arguments.span or 0
        self.rows = self.packets = self.bytes = 0

    def describe(self) -> dict[str, Any]:
        """All fields, since the rows that come out are others; `fields` in front of it has left only what is needed."""
        return {"type": "streaming", "required_fields": ["*"]}

    def execute(self, body: Body, finished: bool) -> bytes | None:
        reply = None
        if body.names and len(body):
            packed = self._packed(body) if self.info.remote and MARK not in body.names else None
            reply = packed or b"".join([piece.append([], []) for piece in body.slices()])
        if finished and self.packets:
            made = f"{self.packets} packed rows, {self.bytes} bytes"
            self.messages.info(f"adaptfit: map phase made {made} of {self.rows} rows")
        return reply

    def _packed(self, body: Body) -> bytes | None:
        """The reply with packed rows, None when one of them would be too large."""
        chunk = Chunk(body, self.arguments)
        lines = [f"{TIME},{MARK},{PAYLOAD}"]
        for groups in chunk.pieces(self.span):
            found = chunk.bucketed(groups, self.span) if self.span else chunk.as_they_came(groups)
            if found is None:
                return None
            lines.append(",".join(found))
        reply = "\n".join([*lines, ""]).encode("ascii")
        self.rows += len(body)
        self.packets += len(lines) - 1
        self.bytes += len(reply)
        self.messages.metric("rows_packed", self.rows)
        self.messages.metric("bytes_packed", self.bytes)
        return reply


class Chunk:
    """The rows of one chunk, cut into groups: entities or, for long rows, entities and metrics."""

    def __init__(self, body: Body, arguments: Arguments) -> None:
        fields, names = [field for field, _ in arguments.fields], body.names
        self.by = arguments.by
        self.long = is_long(arguments, names)
        found = [name for name in expand(fields or ["*"], names, self.by) if name in names]
        self.values = [VALUE] if self.long else found
        needed = {TIME, *self.by, NAME, VALUE, *found}
        self.names = [name for name in names if name in needed]
        parts = [*self.by, *([NAME] if self.long else [])]
        cells = body.columns([TIME, *parts, *self.values]).data
        self.t = [t if -LATEST <= t <= LATEST else float("nan") for t in map(number, cells[0])]
        self.fraction = fraction(cells[0], self.t)
        keys, self.cells = cells[1 : 1 + len(parts)], cells[1 + len(parts) :]
        if self.long:
            wanted = {name: name if _wanted(name, fields) else "" for name in set(keys[-1])}
            keys[-1] = [wanted[name] for name in keys[-1]]
            if "" in wanted.values():  # rows of metrics that nobody asked for count, their numbers do not
                self.cells = [[text if name else "" for name, text in zip(keys[-1], self.cells[0])]]
        self.labels: Sequence[Any] = keys[0] if len(keys) == 1 else list(zip(*keys)) if keys else [()] * len(self.t)
        self.x = [numbers(texts) for texts in self.cells]

    def pieces(self, span: int) -> Iterator[Groups]:
        """Groups with their rows by time, as many at once as fit into a packed row."""
        most = max(1, CELLS // (2 + 2 * len(self.values) if span else 1 + len(self.values)))
        piece: Groups = []
        size = 0
        for label, rows in self._groups():
            for start in range(0, len(rows), most):
                part = rows[start : start + most]
                if size + len(part) > most:
                    yield piece
                    piece, size = [], 0
                piece.append((label, part))
                size += len(part)
        if piece:
            yield piece

    def _groups(self) -> Groups:
        found: dict[Any, list[int]] = {}
        for i, label in enumerate(self.labels):
            if label in found:
                found[label].append(i)
            else:
                found[label] = [i]
        key = [t if t == t else 0.0 for t in self.t].__getitem__
        return [(label, sorted(found[label], key=key)) for label in sorted(found)]

    def as_they_came(self, groups: Groups) -> list[str] | None:
        """Cells of the packed row that stands for these rows, value by value."""
        rows = [i for _, part in groups for i in part]
        columns = [double_column([self.t[i] for i in rows], self.fraction)]
        for texts, x in zip(self.cells, self.x):
            values = [x[i] for i in rows]
            columns.append(double_column(values, fraction([texts[i] for i in rows], values)))
        first = min((t for t in map(self.t.__getitem__, rows) if t == t), default=0.0)
        return self._row(groups, [len(part) for _, part in groups], columns, {}, 0, first)

    def bucketed(self, groups: Groups, span: int) -> list[str] | None:
        """Cells of the packed row with count and sum per group, bucket and metric."""
        starts: list[float] = []
        counts: list[int] = []
        tables: list[list[tuple[int, int]]] = [[] for _ in self.values]
        sizes = []
        for _, part in groups:
            buckets: dict[float, list[int]] = {}
            for i in part:
                t = self.t[i]
                buckets.setdefault(t // 1 // span * span if t == t else -1e12, []).append(i)
            sizes.append(len(buckets))
            for start, rows in buckets.items():
                starts.append(start if start > -1e12 else float("nan"))
                counts.append(len(rows))
                for x, table in zip(self.x, tables):
                    values = [x[i] for i in rows if x[i] == x[i]]
                    table.append((len(values), sum(map(scaled, values))))
        columns = [double_column(starts, 0), whole_column(counts)]
        large: list[list[str]] = []
        for table in tables:
            columns.append(whole_column([n for n, _ in table]))
            column, texts = sum_column([total for _, total in table])
            columns.append(column)
            large.append(texts)
        first = min((t for t in starts if t == t), default=0.0)
        return self._row(groups, sizes, columns, {"large": large}, span, first)

    def _row(
        self,
        groups: Groups,
        sizes: list[int],
        columns: list[Column],
        more: dict[str, Any],
        span: int,
        first: float,
    ) -> list[str] | None:
        width = len(self.by) + self.long
        labels = [label if width != 1 else (label,) for label, _ in groups]
        header = {
            "names": self.names,
            "by": self.by,
            "values": self.values,
            "long": int(self.long),
            "keys": [[label[i] for label in labels] for i in range(width)],
            "sizes": sizes,
            **more,
        }
        cells = pack(header, columns, span, sum(len(part) for _, part in groups))
        return cells and ["%.15g" % first, *cells]


def sum_column(totals: list[int]) -> tuple[Column, list[str]]:
    """Sums in units of 10^-12. Meta: [width, first, decimals]; what 62 bits cannot hold is given as texts instead.

    Trailing zeros that all sums have are taken off first.
    """
    from math import gcd

    common = 0
    for total in totals:
        common = gcd(common, total)
    zeros = next((i for i in range(DECIMALS, 0, -1) if common % UNITS[i] == 0), 0)
    unit = UNITS[zeros]
    if max(totals, default=0) // unit >= WIDEST or min(totals, default=0) // unit <= -WIDEST:
        return ([0, 0, 0], []), [str(total) for total in totals]
    meta, planes = whole_column([total // unit for total in totals])
    return ([*meta, DECIMALS - zeros], planes), []


def _wanted(name: str, fields: list[str]) -> bool:
    """As rows.Reader decides: a metric that was asked for by name or pattern; all without a field but _value."""
    typed = [field for field in fields if field != VALUE]
    return bool(name) and (not typed or name in expand(typed, [name]))

"""The bounds lookup in memory: text until an entity, and then a slot, is asked for the first time.

File: <by fields>, metric, slot, lower_bound, expected, upper_bound. slot: `all`, `d0`..`d95` (quarters of an hour of
the UTC day), `w0`..`w167` (hours of the UTC week, from Monday). An empty bound is no bound on that side.
Limits: of two rows for one slot the first counts; the rows of one series stand together, as the store writes them, or
the first group counts. Rows that cannot be read are left out and counted.
"""

from __future__ import annotations

import re

from adaptive_monitoring.errors import ModelError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Union

    Entity = Union[str, tuple[str, ...]]
    #: lower, expected, upper, expected - lower, upper - expected, "expected,lower,upper" as CSV. Where there is no
    #: bound, the difference is infinite and the bound ±LARGEST, beyond which nothing is a value.
    Cell = tuple[float, float, float, float, float, str]

SCHEMA = ("metric", "slot", "lower_bound", "expected", "upper_bound")
NAN, INFINITE = float("nan"), float("inf")
LARGEST = 1e100
SMALLEST = 5e-324  # stands for a width of 0: whatever is outside is then as strange as can be
NOWHERE: Cell = (NAN, NAN, NAN, NAN, NAN, ",,")
#: name of a slot -> mode, number
SLOTS = {"all": (0, 0), **{f"d{i}": (1, i) for i in range(96)}, **{f"w{i}": (2, i) for i in range(168)}}


class Series(dict):  # type: ignore[type-arg]
    """Bounds of one entity and metric: slot number -> Cell. mode: 0 all, 1 day, 2 week: which slot to ask for."""

    __slots__ = ("_raw", "_table", "mode")

    def __init__(self, rows: list[list[str]], table: Table) -> None:
        """rows: slot, lower, expected, upper."""
        self._table = table
        slots = [SLOTS.get(row[0]) if len(row) == 4 else None for row in rows]
        known = [slot for slot in slots if slot]
        table.unreadable += len(rows) - len(known)
        self.mode = known[0][0] if known else 0
        # backwards: of two rows for one slot the first counts
        self._raw = {slot[1]: row for slot, row in zip(slots[::-1], rows[::-1]) if slot and slot[0] == self.mode}

    def __missing__(self, slot: int | None) -> Cell:
        row = None if slot is None else self._raw.get(slot)
        cell = self[slot] = NOWHERE if row is None else self._usual(row) or self._cell(row)
        return cell

    def _usual(self, row: list[str]) -> Cell | None:
        """The cell of a row as the store writes it; None for any other."""
        _, low, middle, high = row
        text = f"{middle},{low},{high}"
        try:
            lower, expected, upper = float(low), float(middle), float(high)
        except ValueError:
            return None
        if " " in text or not text.isprintable() or not -LARGEST <= lower <= expected <= upper <= LARGEST:
            return None
        return lower, expected, upper, expected - lower or SMALLEST, upper - expected or SMALLEST, text

    def _cell(self, row: list[str]) -> Cell:
        _, low, middle, high = row
        low, middle, high = low.strip(), middle.strip(), high.strip()
        try:
            expected = float(middle)
            lower, upper = float(low) if low else -INFINITE, float(high) if high else INFINITE
        except ValueError:
            lower = expected = upper = NAN
        sane = lower <= expected <= upper and -LARGEST <= expected <= LARGEST
        if not sane or (low and lower < -LARGEST) or (high and upper > LARGEST):
            self._table.unreadable += 1
            return NOWHERE
        fall, rise = (expected - lower) or SMALLEST, (upper - expected) or SMALLEST
        return max(lower, -LARGEST), expected, min(upper, LARGEST), fall, rise, f"{middle},{low},{high}"


class Nobody(dict):  # type: ignore[type-arg]
    """In place of the Series of an entity without bounds."""

    mode = 0

    def __missing__(self, slot: int) -> Cell:
        return NOWHERE


NOBODY = Nobody()


class Metric(dict):  # type: ignore[type-arg]
    """Series of one metric by entity; None for an entity without bounds."""

    __slots__ = ("_blocks", "_table")

    def __init__(self, blocks: dict[Entity, list[list[str]] | str], table: Table) -> None:
        self._blocks, self._table = blocks, table

    def __missing__(self, entity: Entity) -> Series | None:
        block = self._blocks.get(entity)
        if isinstance(block, str):
            first = len(self._table.keys) + 1
            block = [line.split(",")[first:] for line in block.split("\n")]
        series = Series(block, self._table) if block else None
        self[entity] = series
        return series


class Table:
    """A bounds lookup. keys: its by-fields. metrics: name -> Metric. unreadable: rows left out so far.

    An entity is the text of the key, or a tuple where there are several, in the order of `keys`.
    data: the file. where: how messages name it. Raises ModelError when it is no bounds lookup.
    """

    def __init__(self, data: bytes, where: str) -> None:
        text = data.decode("utf-8", "surrogateescape").lstrip("\ufeff")
        header, _, body = text.partition("\n")
        self.unreadable = 0
        names = next(_csv_rows(header.rstrip("\r")), [])
        self.keys = [name for name in names if name not in SCHEMA]
        if len(names) != len(self.keys) + len(SCHEMA) or not self.keys:
            raise ModelError(
                f"bounds: {where} is no bounds lookup: its columns must be the by-fields and {', '.join(SCHEMA)}; got "
                f"{', '.join(names)[:200] or 'an empty file'}. Write it again: | adaptmodel action=export collection=.."
            )
        straight = names == [*self.keys, *SCHEMA] and '"' not in body and "\r" not in body
        blocks = self._blocks(body) if straight else self._odd_blocks(text, names)
        self.metrics = {metric: Metric(entities, self) for metric, entities in blocks.items()}

    def metric(self, name: str) -> Metric:
        """The series of a metric, empty when the table has none of that name."""
        return self.metrics[name] if name in self.metrics else Metric({}, self)  # an unused Metric is an empty dict

    def _blocks(self, body: str) -> dict[str, dict[Entity, list[list[str]] | str]]:
        """Text of the lines of each series, without cutting the lines: 35 ns a line."""
        found: dict[str, dict[Entity, list[list[str]] | str]] = {}
        width = len(self.keys) + 1
        block = re.compile(rf"^((?:[^,\n]*,){{{width}}})[^\n]*(?:\n\1[^\n]*)*$", re.MULTILINE)
        for match in block.finditer(body):
            *entity, metric = match.group(1)[:-1].split(",")
            found.setdefault(metric, {}).setdefault(entity[0] if width == 2 else tuple(entity), match.group())
        return found

    def _odd_blocks(self, text: str, names: list[str]) -> dict[str, dict[Entity, list[list[str]] | str]]:
        """The same from a file with quotes, other line ends or another order of columns."""
        found: dict[str, dict[Entity, list[list[str]] | str]] = {}
        width = len(self.keys) + 1
        order = [names.index(name) for name in (*self.keys, *SCHEMA)]
        rows = _csv_rows(text)
        next(rows)
        for row in rows:
            if len(row) != len(names):
                self.unreadable += len(row) > 0
                continue
            cells = [row[i] for i in order]
            entity: Entity = cells[0] if width == 2 else tuple(cells[: width - 1])
            block = found.setdefault(cells[width - 1], {}).setdefault(entity, [])
            if isinstance(block, list):
                block.append(cells[width:])
        return found


def _csv_rows(text: str) -> Iterator[list[str]]:
    """Rows of CSV text; Python 3.9 refuses NUL, so a character that never occurs in decoded UTF-8 stands for it."""
    import csv
    from io import StringIO

    if "\0" not in text:
        return csv.reader(StringIO(text, newline=""))
    rows = csv.reader(StringIO(text.replace("\0", "\ud800"), newline=""))
    return ([cell.replace("\ud800", "\0") for cell in row] for row in rows)

"""Bodies of the chunked protocol: CSV bytes ⇄ Columns, with untouched cells left byte for byte.

Reading cuts at line ends and commas (grid.py), decodes only the columns asked for and keeps every record as it came;
writing appends to the records. Nothing is encoded twice.
"""

from __future__ import annotations

import re
from itertools import compress

from adaptive_monitoring.columns import Columns
from adaptive_monitoring.errors import InternalError
from adaptive_monitoring.protocol.grid import Grid, cut_cells, decode, record_end, split_values, unquote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

SLICE_ROWS = 4000  # larger slices leave the processor's cache: +25 % per row at 50,000 (measured)
MULTIVALUE = "__mv_"
SPECIAL = re.compile('[",\r\n]').search
LONE_SURROGATE = re.compile("[\ud800-\udc7f\udd00-\udfff]")


def encode(text: str) -> bytes:
    """The inverse of decode; surrogates that stand for no byte become U+FFFD."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return LONE_SURROGATE.sub("\ufffd", text).encode("utf-8", "surrogateescape")


def quote(text: str) -> str:
    """One CSV cell, in quotes only when it needs them."""
    return '"' + text.replace('"', '""') + '"' if SPECIAL(text) else text


def render(columns: Columns, names: Sequence[str] | None = None) -> bytes:
    """A fresh CSV table. names: these columns, in this order; default all. No columns: no bytes."""
    table = columns if names is None else columns.select(names)
    if not table.names:
        return b""
    cells = [_quoted(values) for values in table.data]
    lines = cells[0] if len(cells) == 1 else list(map(",".join, zip(*cells)))
    if len(cells) == 1:
        lines = [line or '""' for line in lines]  # an empty line would be no row for other readers
    return encode("\n".join([",".join(map(quote, table.names)), *lines, ""]))


def _quoted(values: list[str]) -> list[str]:
    return list(map(quote, values)) if SPECIAL("\0".join(values)) else values


def aligned(bodies: Sequence[Body]) -> list[Body]:
    """The same rows under one header: chunks of one search may differ in their columns. Slow only where they do."""
    names = list(dict.fromkeys(name for body in bodies for name in body.names))
    same = [body if body.names == names else Body(render(body.columns(names))) for body in bodies]
    return same[:1] + [body.headless() for body in same[1:]]


class Body:
    """The rows of one chunk, read lazily.

    Limits: a quote stands only at both ends of a cell (doubled inside), as splunkd writes it; a bare one that swallows
    a separator, or a row whose number of cells is not the header's, is BadBody. Line ends are \\n or \\r\\n; the reply
    has \\n. Empty lines are no rows, unless there is one column.
    names: all header names, the multivalue columns __mv_* included. len(): rows.
    """

    __slots__ = ("_data", "_first", "_grid", "_header", "names")

    def __init__(self, data: bytes = b"") -> None:
        """data: header line and records as splunkd sent them; empty for a chunk without body. Raises BadBody."""
        end = record_end(data, 0)
        self._header = decode(data[:end]).rstrip("\r\n")
        self._data = data[end:]
        self._first = True
        self._grid: Grid | None = None
        self.names: list[str] = []
        if self._header or self._data:
            self.names = [unquote(cell) for cell in cut_cells(self._header, "the header")]

    def __len__(self) -> int:
        return len(self._rows().lines)

    def columns(self, names: Iterable[str]) -> Columns:
        """Decoded values of these columns; '' where a column does not exist. Raises BadBody."""
        wanted = list(names)
        grid = self._rows()
        places = [self.names.index(name) if name in self.names else -1 for name in wanted]
        found = grid.columns(sorted({place for place in places if place >= 0}))
        return Columns(wanted, [found[place] if place >= 0 else [""] * len(grid.lines) for place in places])

    def values(self, name: str) -> list[list[str]]:
        """All values of a multivalue field per row; the single value, also an empty one, as a list of one."""
        single, many = self.columns([name, MULTIVALUE + name]).data
        return [split_values(encoded) if encoded else [value] for value, encoded in zip(single, many)]

    def append(self, names: Sequence[str], suffixes: Sequence[str], keep: Sequence[bool] | None = None) -> bytes:
        """The reply: every record as it came, followed by its suffix.

        names: new columns, none of which is in the header. suffixes: one per row, ready CSV text of all new columns;
        ignored without names. keep: one per row, False drops the row.
        The first slice alone writes the header: join what the slices return.
        """
        lines = self._rows().lines
        self._check_reply(names, suffixes, keep, len(lines))
        if not self._header:
            return b""
        rows: Iterable[str] = map(",".join, zip(lines, suffixes)) if names else lines
        header = [",".join([self._header, *map(quote, names)])] if self._first else []
        return encode("\n".join([*header, *(rows if keep is None else compress(rows, keep)), ""]))

    def append_cells(
        self, names: Sequence[str], columns: Sequence[Sequence[str]], keep: Sequence[bool] | None = None
    ) -> bytes:
        """As append(), with the suffixes in parts: columns of ready CSV text, together the cells of all names."""
        lines = self._rows().lines
        self._check_reply(names, columns[0], keep, len(lines))
        if not self._header:
            return b""
        rows: Iterable[str] = map(",".join, zip(lines, *columns))
        header = [",".join([self._header, *map(quote, names)])] if self._first else []
        return encode("\n".join([*header, *(rows if keep is None else compress(rows, keep)), ""]))

    def slices(self, rows: int = SLICE_ROWS) -> Iterator[Body]:
        """Bodies of about that many rows each, in order; at least one, so that a header always comes out."""
        sample = self._data[:20000]
        size = rows * max(1, len(sample) // max(1, sample.count(b"\n")))
        start, first = 0, self._first
        while first or start < len(self._data):
            end = record_end(self._data, start, size)
            yield self._with(self._data[start:end], first)
            start, first = end, False

    def drop(self, names: Iterable[str]) -> Body:
        """The same rows without these columns and their multivalue companions. Slow: every cell is touched."""
        gone = {prefix + name for name in names for prefix in ("", MULTIVALUE)}
        kept = [name not in gone for name in self.names]
        lines = [",".join(compress(cells, kept)) for cells in self._rows().cells()]
        other = self._with(encode("\n".join([*lines, ""])) if lines else b"", self._first)
        other._header = ",".join(compress(cut_cells(self._header, "the header"), kept)) if self._header else ""
        other.names = list(compress(self.names, kept))
        return other

    def headless(self) -> Body:
        """The same rows, to be joined behind another body with the same names: append() writes no header."""
        return self._with(self._data, False)

    def _rows(self) -> Grid:
        if self._grid is None:
            self._grid = Grid(self._data, len(self.names))
        return self._grid

    def _with(self, data: bytes, first: bool) -> Body:
        other = Body()
        other.names, other._header, other._data, other._first = self.names, self._header, data, first
        return other

    def _check_reply(
        self, names: Sequence[str], suffixes: Sequence[str], keep: Sequence[bool] | None, rows: int
    ) -> None:
        clash = [name for name in names if name in self.names]
        if clash:
            raise InternalError(f"body: the new columns {clash} are in the header already; drop them first")
        if (names and len(suffixes) != rows) or (keep is not None and len(keep) != rows):
            raise InternalError(f"body: {rows} rows need as many suffixes and keep flags; got {len(suffixes)}")

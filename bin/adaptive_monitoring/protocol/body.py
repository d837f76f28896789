"""Bodies of the chunked protocol: CSV bytes ⇄ Columns, with untouched cells left byte for byte.

Reading takes whole records and the values of the columns asked for (records.py; grid.py for what splunkd would not
write) and keeps every record as it came; writing appends to the records. Nothing is quoted twice.
"""

from __future__ import annotations

import re
from itertools import chain, compress

from adaptive_monitoring.columns import Columns
from adaptive_monitoring.errors import BadBody, InternalError
from adaptive_monitoring.protocol.grid import Grid, cut_cells, decode, record_end, split_values
from adaptive_monitoring.protocol.records import plan_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

SLICE_BYTES = 400_000  # larger slices leave the processor's cache
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
    """The rows of one chunk, read lazily, a slice at a time.

    Limits: a quote stands only at both ends of a cell (doubled inside), as splunkd writes it; a bare one that swallows
    a separator, or a row whose number of cells is not the header's, is BadBody. Line ends are \\n or \\r\\n; the reply
    has \\n. Empty lines are no rows, unless there is one column.
    names: all header names, the multivalue columns __mv_* included. len(): rows.
    """

    __slots__ = ("_cells", "_data", "_end", "_first", "_lines", "_odd", "_pieces", "_plan", "_start", "names")

    def __init__(self, data: bytes = b"") -> None:
        """data: header line and records as splunkd sent them; empty for a chunk without body. Raises BadBody."""
        self._data, self._start, self._end = data, record_end(data, 0), len(data)
        self._plan = plan_of(data[: self._start])
        self._first = True
        self._lines: list[str] | None = None
        self._cells: dict[int, list[str]] = {}
        self._odd: Grid | None = None
        self._pieces: list[Body] = []
        self.names: list[str] = self._plan.names if self._plan.header or self._start < self._end else []

    def __len__(self) -> int:
        return len(self._rows())

    def columns(self, names: Iterable[str]) -> Columns:
        """Decoded values of these columns; '' where a column does not exist. Raises BadBody."""
        wanted = list(names)
        pieces = self.slices()
        if len(pieces) > 1:
            parts = [piece.columns(wanted).data for piece in pieces]
            return Columns(wanted, [list(chain.from_iterable(column)) for column in zip(*parts)])
        places = [self.names.index(name) if name in self.names else -1 for name in wanted]
        found = self._taken(sorted({place for place in places if place >= 0}))
        rows = len(self._rows())
        return Columns(wanted, [found[place] if place >= 0 else [""] * rows for place in places])

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
        return self.append_cells(names, [suffixes] if names else [], keep)

    def append_cells(
        self, names: Sequence[str], columns: Sequence[Sequence[str]], keep: Sequence[bool] | None = None
    ) -> bytes:
        """As append(), with the suffixes in parts: columns of ready CSV text, together the cells of all names."""
        commas = [","] * len(self)
        return self.append_pieces(names, [piece for column in columns for piece in (commas, column)], keep)

    def append_pieces(
        self,
        names: Sequence[str],
        columns: Sequence[Sequence[str]],
        keep: Sequence[bool] | None = None,
        lines: list[str] | None = None,
    ) -> bytes:
        """As append_cells(), with nothing put between the parts: each row of them begins with a comma.

        lines: the records, where the caller knows them already.
        """
        lines = self._rows() if lines is None else lines
        quoted = self._plan.quoted.get(tuple(names)) or self._quoted(names)
        lengths = [*map(len, columns), *([] if keep is None else [len(keep)])]
        if (names and not columns) or lengths.count(len(lines)) != len(lengths):
            raise InternalError(f"body: {len(lines)} rows need as many suffixes and keep flags; got {lengths}")
        if not self._plan.header:
            return b""
        parts = [lines, *columns] if keep is None else [list(compress(part, keep)) for part in (lines, *columns)]
        width = len(parts) + 1
        flat = ["\n"] * (width * len(parts[0]) + 1)
        flat[0] = ",".join([self._plan.header, *quoted]) + "\n" if self._first else ""
        for i, part in enumerate(parts, 1):
            flat[i::width] = part
        return encode("".join(flat))

    def part(self, start: int, end: int) -> Body:
        """The records between these places, which must be borders of records; see span()."""
        return self._with(start, end, self._first and start == self._start)

    def span(self) -> tuple[bytes, int, int]:
        """The bytes of the chunk, and where the records of this body begin and end in them."""
        return self._data, self._start, self._end

    def slices(self, size: int = SLICE_BYTES) -> list[Body]:
        """Bodies of about that many bytes each, in order; at least one, so that a header always comes out.

        Those of the default size are made once: what one caller has read, the next need not read again.
        """
        if self._end - self._start <= size:
            return [self]
        if size == SLICE_BYTES and self._pieces:
            return self._pieces
        pieces: list[Body] = []
        start = self._start
        while start < self._end:
            end = min(record_end(self._data, start, size), self._end)
            pieces.append(self._with(start, end, self._first and not pieces))
            start = end
        if size == SLICE_BYTES:
            self._pieces = pieces
        return pieces

    def drop(self, names: Iterable[str]) -> Body:
        """The same rows without these columns and their multivalue companions. Slow: every cell is touched."""
        gone = {prefix + name for name in names for prefix in ("", MULTIVALUE)}
        kept = [name not in gone for name in self.names]
        lines = [",".join(compress(cells, kept)) for cells in self._raw()]
        header = ",".join(compress(cut_cells(self._plan.header, "the header"), kept))
        other = Body(encode("\n".join([header, *lines, ""])))
        other.names = list(compress(self.names, kept))
        other._first = self._first
        return other

    def headless(self) -> Body:
        """The same rows, to be joined behind another body with the same names: append() writes no header."""
        other = self._with(self._start, self._end, False)
        other._lines, other._odd = self._lines, self._odd
        other._pieces = [piece.headless() for piece in self._pieces]
        return other

    def _rows(self) -> list[str]:
        """The records as they came. Raises BadBody."""
        if self._lines is None:
            pieces = self.slices()
            if len(pieces) > 1:
                self._lines = list(chain.from_iterable(piece._rows() for piece in pieces))
            else:
                self._read([])
        assert self._lines is not None
        return self._lines

    def _taken(self, places: list[int]) -> dict[int, list[str]]:
        """The values of these columns, read now or together with the records; they are handed out once."""
        if not self._cells.keys() >= set(places):
            self._read(places)
        found, self._cells = self._cells, {}
        return found

    def _read(self, places: list[int]) -> None:
        data = self._data[self._start : self._end]
        if data and not data.endswith(b"\n"):
            data += b"\n"
        found = None if self._odd else self._plan.read(decode(data), places)
        if found is None:
            self._odd = self._odd or self._gridded(data)
            found = self._odd.lines, self._odd.columns(places)
        self._lines, self._cells = found

    def _gridded(self, data: bytes) -> Grid:
        try:
            return Grid(data, len(self._plan.names))
        except BadBody:
            first = record_end(self._data, 0)
            if self._start > first:
                Grid(self._data[first:], len(self._plan.names))  # says the row's number in its chunk
            raise

    def _raw(self) -> Iterator[list[str]]:
        """The raw cells of every record."""
        lines = self._rows()
        return self._odd.cells() if self._odd else (cut_cells(line, "a record") for line in lines)

    def _with(self, start: int, end: int, first: bool) -> Body:
        other = Body.__new__(Body)
        other._data, other._start, other._end, other._first = self._data, start, end, first
        other._plan, other.names = self._plan, self.names
        other._lines, other._cells, other._odd, other._pieces = None, {}, None, []
        return other

    def _quoted(self, names: Sequence[str]) -> list[str]:
        """The new names as cells of the header; the plan remembers them."""
        clash = [name for name in names if name in self.names]
        if clash:
            raise InternalError(f"body: the new columns {clash} are in the header already; drop them first")
        self._plan.quoted = {tuple(names): list(map(quote, names))}
        return self._plan.quoted[tuple(names)]

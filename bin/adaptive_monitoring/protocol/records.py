"""Reads records as splunkd writes them with one compiled pattern: records and wanted values in one call into C.

The pattern says of every column which kinds of cells it may hold. It starts from the first records; a record that it
refuses widens it. Kinds that a column never showed cost nothing: empty columns are one literal, and in a column that
is always quoted the quotes stay outside the group.
"""

from __future__ import annotations

import re
from itertools import chain, repeat

from adaptive_monitoring.protocol.grid import cut_cells, decode, unquote

TYPE_CHECKING = False
if TYPE_CHECKING:
    #: Records without line ends, and the values of the wanted columns by place.
    Found = tuple[list[str], dict[int, list[str]]]

EMPTY, BARE, QUOTED, DOUBLED = 1, 2, 4, 8  #: kinds of cells; DOUBLED has quotes inside
CELL = re.compile('("[^"]*(?:""[^"]*)*"|[^",\n]*)([,\n])')
ANY = EMPTY | BARE | QUOTED | DOUBLED
LEARN = 20  # records that a pattern is learned from at a time
LESSONS = 12  # then every column may hold any kind: compiling takes 50 us a column, and sparse tables have hundreds
HEADERS = 16  # headers whose plans are kept


class Plan:
    """How the records below one header are read; it is kept from chunk to chunk and gets wiser.

    header: without line end. names: of the columns. quoted: the last new columns of a reply, as cells of its header.
    Raises BadBody for a header with a stray quote.
    """

    __slots__ = ("_kinds", "_lessons", "_pattern", "_places", "header", "names", "quoted")

    def __init__(self, header: str) -> None:
        self.header = header
        self.names = [unquote(cell) for cell in cut_cells(header, "the header")]
        self.quoted: dict[tuple[str, ...], list[str]] = {}
        self._kinds = [0] * len(self.names)
        self._lessons = 0
        self._places: list[int] = []
        self._pattern: re.Pattern[str] | None = None

    def read(self, text: str, places: list[int]) -> Found | None:
        """Records and values at these places, and at those of earlier calls: who asks once, asks for every chunk.

        text: records, each with its \\n. None for what splunkd does not write: one column, empty lines, \\r\\n after
        a closing quote, quotes that are not at both ends of a cell or not doubled, a wrong number of cells.
        """
        if len(self.names) < 2:
            return None
        self._want(places)
        found = self._read(text) if text else [[] for _ in range(len(self._places) + 1)]
        if found is None:
            return None
        lines, *columns = found
        if "\r" in text and self._kinds[-1] & BARE:
            if len(self.names) - 1 in self._places:
                return None
            lines = [line.removesuffix("\r") for line in lines]
        return lines, dict(zip(self._places, columns))

    def _want(self, places: list[int]) -> None:
        more = set(places).difference(self._places)
        if more:
            self._places = sorted({*self._places, *more})
            self._pattern = None

    def _read(self, text: str) -> list[list[str]] | None:
        """Records and wanted columns, from as many runs of the pattern as it takes to widen it."""
        parts: list[list[list[str]]] = []
        while True:
            if self._pattern is None:
                if not self._learn(text):
                    return None
                self._pattern = re.compile(self._source())
            flat = self._pattern.split(text)  # nothing, record, values, nothing, record ...: no tuple per record
            step = len(self._places) + 2
            refused = flat[-step] is None
            if refused:
                del flat[-step:]
                self._pattern = None
            columns = [flat[i::step] for i in range(1, step)]
            parts.append([columns[0], *map(_values, columns[1:], map(self._kinds.__getitem__, self._places))])
            if not refused:
                break
            text = text[sum(map(len, columns[0])) + len(columns[0]) :]
        return parts[0] if len(parts) == 1 else [list(chain.from_iterable(column)) for column in zip(*parts)]

    def _learn(self, text: str) -> bool:
        """Widens the kinds by the first records; False when the very first is none."""
        at, last = 0, len(self.names) - 1
        self._lessons += 1
        if self._lessons > LESSONS:
            self._kinds = [ANY] * (last + 1)
        for row in range(LEARN):
            for place in range(last + 1):
                cell = CELL.match(text, at)
                if cell is None or (cell.group(2) == "\n") != (place == last):
                    return row > 0
                self._kinds[place] |= _kind(cell.group(1))
                at = cell.end()
            if at == len(text):
                break
        return True

    def _source(self) -> str:
        """A record without its line end as the first group, wanted cells as the others; or, unnamed, all that is left.

        The second choice stops the search at the first refused record: looking further would take quadratic time.
        """
        cells = [_cell(kind) for kind in self._kinds]
        for place in self._places:
            kind = self._kinds[place]
            if kind & (QUOTED | DOUBLED) and not kind & (EMPTY | BARE):
                cells[place] = f'"({cells[place][1:-1]})"'
            else:
                cells[place] = f"({cells[place]})"
        return f"({','.join(cells)})\n|[\\s\\S]+"


def _kind(cell: str) -> int:
    if not cell.startswith('"'):
        return BARE if cell else EMPTY
    return DOUBLED if '"' in cell[1:-1] else QUOTED


def _cell(kind: int) -> str:
    """The pattern of a cell of one of these kinds."""
    choices = ['"[^"]*(?:""[^"]*)*"'] if kind & DOUBLED else ['"[^"]*"'] if kind & QUOTED else []
    choices += ['[^",\n]*'] if kind & BARE else [""] if kind & EMPTY else []
    return choices[0] if len(choices) == 1 else f"(?:{'|'.join(choices)})"


def _values(cells: list[str], kind: int) -> list[str]:
    """Values of the cells of one column."""
    if kind & DOUBLED:
        if kind & (EMPTY | BARE):
            return [cell[1:-1].replace('""', '"') if cell[:1] == '"' else cell for cell in cells]
        return [cell.replace('""', '"') for cell in cells]
    if kind & QUOTED and kind & (EMPTY | BARE):
        return list(map(str.strip, cells, repeat('"')))
    return cells


_PLANS: dict[bytes, Plan] = {}


def plan_of(header: bytes) -> Plan:
    """The plan for a header line, the same one for every chunk. Raises BadBody."""
    found = _PLANS.get(header)
    if found is None:
        if len(_PLANS) >= HEADERS:
            _PLANS.clear()
        found = _PLANS[header] = Plan(decode(header).rstrip("\r\n"))
    return found

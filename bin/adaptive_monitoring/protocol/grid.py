"""Cuts CSV records and cells that splunkd would not write (records.py reads the others): exact, but slow.

The proof that cutting at every line end and comma is right is the skeleton: all bytes but quotes, commas and line ends
are deleted, then each pair of adjacent quotes. If every line of what is left is the same row of commas, then each run
of quotes is even, so that no separator lies inside quotes, and no row is too short or too long. Otherwise the
separators inside quotes are masked by other characters first and restored later.
"""

from __future__ import annotations

import re

from adaptive_monitoring.errors import BadBody

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

NOT_SKELETON = bytes(set(range(256)) - set(b'",\n'))
CELL = re.compile('("[^"]*(?:""[^"]*)*"|[^",\n]*),')
QUOTED = re.compile('"((?:[^"]|"")*)"?(.*)', re.DOTALL)
VALUE = re.compile(r"\$((?:[^$]|\$\$)*)\$(?:;|\Z)")
SHORT_MASKS = ("\x1d", "\x1e")  # keep ASCII text at one byte per character
MASKS = ("\ud81d", "\ud81e")  # cannot occur: decode makes no surrogates below U+DC80


def decode(data: bytes) -> str:
    """UTF-8 text; bytes that are not UTF-8 survive as lone surrogates."""
    return data.decode("utf-8", "surrogateescape")


def unquote(cell: str) -> str:
    """The value of one raw cell, read as Python's csv module reads it."""
    if not cell.startswith('"'):
        return cell
    found = QUOTED.match(cell)
    return found.group(1).replace('""', '"') + found.group(2) if found else cell


def split_values(encoded: str) -> list[str]:
    """The values of a multivalue cell: `$a$;$b$`, with $ doubled inside a value."""
    return [value.replace("$$", "$") for value in VALUE.findall(encoded)]


def cut_cells(record: str, where: str) -> list[str]:
    """The raw cells of one record. Raises BadBody for a quote that is neither at both ends of a cell nor doubled."""
    cells = CELL.findall(record + ",")
    if sum(map(len, cells)) + len(cells) != len(record) + 1:
        raise BadBody(f"protocol: a quote inside {where} of a chunk is not closed or not doubled; {_shown(record)}")
    return cells


def record_end(data: bytes, start: int, size: int = 0) -> int:
    """The end (behind the line end) of the first record that ends at or after start + size; len(data) for the last.

    start must be the start of a record. An open quote at the end of data is left to Grid to report.
    """
    end = data.find(b"\n", min(start + size, len(data))) + 1
    quotes = data.count(b'"', start, end) if end else 0
    while end and quotes % 2:
        more = data.find(b"\n", end) + 1
        quotes += data.count(b'"', end, more) if more else 0
        end = more
    return end or len(data)


class Grid:
    """Records of equal width.

    Limits: see Body. Building it raises BadBody for an open quote and for a row that is too short or too long.
    lines: the raw records, without line end.
    """

    __slots__ = ("_cuttable", "_masks", "_width", "lines")

    def __init__(self, data: bytes, width: int) -> None:
        """data: records without header. width: cells per record."""
        if data and not data.endswith(b"\n"):
            data += b"\n"
        self._width = width
        self._masks: tuple[str, str] | None = None
        text = decode(data)
        skeleton = data.translate(None, NOT_SKELETON).replace(b'""', b"")
        simple = skeleton == (b"," * (width - 1) + b"\n") * data.count(b"\n")
        if not simple:
            self._masks = MASKS if any(mark in text for mark in SHORT_MASKS) else SHORT_MASKS
            text = mask(text, *self._masks)
        lines = text.split("\n")
        del lines[-1]
        if b"\r" in data:
            lines = [line.removesuffix("\r") for line in lines]
        self._cuttable = lines if simple else self._checked(lines)
        self.lines = lines if simple else [self._restored(line) for line in self._cuttable]

    def columns(self, places: list[int]) -> dict[int, list[str]]:
        """Decoded values of the columns at these places."""
        flat = ",".join(self._cuttable).split(",") if self._cuttable else []
        return {place: [self._restored(unquote(cell)) for cell in flat[place :: self._width]] for place in places}

    def cells(self) -> Iterator[list[str]]:
        """The raw cells of every record."""
        for line in self._cuttable:
            yield [self._restored(cell) for cell in line.split(",")]

    def _restored(self, text: str) -> str:
        if not self._masks:
            return text
        return text.replace(self._masks[0], ",").replace(self._masks[1], "\n")

    def _checked(self, lines: list[str]) -> list[str]:
        """The lines without empty ones (unless there is one column). Raises BadBody for a wrong number of cells."""
        kept = lines if self._width == 1 else [line for line in lines if line]
        for row, line in enumerate(kept):
            if line.count(",") != self._width - 1:
                cells = f"{self._width} cells as its header; got {line.count(',') + 1}"
                raise BadBody(f"protocol: row {row + 1} of a chunk must have {cells} in {_shown(self._restored(line))}")
        return kept


def mask(text: str, comma: str, line_end: str) -> str:
    """The text with other characters in place of the commas and line ends inside quotes.

    Raises BadBody for an open quote, and for one that is neither at an end of its cell nor doubled: where quotes are
    in order, every opening one follows a separator or, doubled, a closing one.
    """
    parts = text.split('"')
    if len(parts) % 2 == 0:
        raise BadBody(f"protocol: a quote inside a chunk is never closed; the last one is before {_shown(parts[-1])}")
    inside = '"'.join(parts[1::2]).replace(",", comma).replace("\n", line_end)
    doubled = parts[2:-1:2].count("")
    parts[1::2] = inside.split('"') if len(parts) > 1 else []
    masked = '"'.join(parts)
    opening = masked.count(',"') + masked.count('\n"') + masked.startswith('"')
    closing = masked.count('",') + masked.count('"\n') + masked.count('"\r\n')
    if not opening + doubled == closing + doubled == len(parts) // 2:
        raise BadBody("protocol: a quote inside a cell of a chunk is not doubled, or text follows a closing quote")
    return masked


def _shown(record: str) -> str:
    return repr(record if len(record) <= 80 else record[:77] + "...")

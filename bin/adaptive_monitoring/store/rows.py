"""Model rows as CSV text: cutting, hashing, checking and rendering.

Limits: a quote stands only at both ends of a cell (doubled inside). Cells keep every character, non-UTF-8 bytes
included (surrogateescape). A cell that a spreadsheet would take for a formula (=, +, -, @ first) is stored as it is:
these are data of the user, and Splunk does not evaluate them.
"""

from __future__ import annotations

import csv
import re
from hashlib import sha256

from adaptive_monitoring.columns import Columns
from adaptive_monitoring.errors import ModelError
from adaptive_monitoring.store.base import PATTERNS, RANGES, SCHEMA, SLOTS, SLOTS_PATTERN, Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from adaptive_monitoring.store.base import Key

    Numbered = tuple[int, list[str]]  # line of the file, cells

csv.field_size_limit(100_000_000)  # a cell may be as long as a file; the default is 128 KB
SEPARATOR = "\x1f"
NUL = "\ud800"  # stands for NUL while csv reads (Python 3.9 refuses NUL); never occurs in decoded UTF-8
SPECIAL = re.compile('[",\r\n]').search
GRAMMAR = re.compile(SLOTS_PATTERN, re.ASCII).fullmatch
CHARACTERS = re.compile(r"[-0-9 |]*").fullmatch
PLAIN_NUMBERS = re.compile(r"[-+0-9.eE\n]*").fullmatch
SLOTS_INDEX, SEASON_INDEX = SCHEMA.index("slots"), SCHEMA.index("season")


def row_hash(cells: Sequence[str]) -> str:
    """The first 16 hex digits of the SHA-256 of all cells but the hash itself, joined with \\x1f."""
    return sha256(SEPARATOR.join(cells).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def render(names: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """A CSV file: \\n line ends, quotes where needed. Equal rows give equal bytes."""
    lines = [",".join(names) if not SPECIAL("".join(names)) else ",".join(map(quote, names))]
    for row in rows:
        line = ",".join(row)
        lines.append(line if line.count(",") == len(row) - 1 and not UNPLAIN(line) else ",".join(map(quote, row)))
    lines.append("")
    return "\n".join(lines).encode("utf-8", "surrogateescape")


UNPLAIN = re.compile('["\r\n]').search


def quote(text: str) -> str:
    """One CSV cell."""
    return '"' + text.replace('"', '""') + '"' if SPECIAL(text) else text


class Reader:
    """Cuts a collection's file into checked rows.

    data: the bytes of the file. where: how messages name it. wanted: entities to keep, None = all; the rows of others
    are neither verified nor kept. thorough: check the grammar of slots, too (10 to 20 us a row); without it only their
    characters and number: behind a right hash anything else was forged, and whoever decodes them meets a ValueError.
    Raises ModelError when the file as a whole is not a collection.
    """

    def __init__(self, data: bytes, where: str, wanted: frozenset[Key] | None = None, thorough: bool = False) -> None:
        self.where = where
        self.thorough = thorough
        self.wanted = wanted
        self.problems: list[Problem] = []
        self.doubtful: dict[Key, list[str]] = {}  # rows of the right shape that cannot be trusted
        self.total = 0
        text = data.decode("utf-8", "surrogateescape")
        self._records = records(text.lstrip("\ufeff"))
        self._names = self._header(next(self._records, (1, ""))[1])
        self.keys = [name for name in self._names if name not in SCHEMA]
        self._order = [self._names.index(name) for name in [*self.keys, *SCHEMA]]
        self._straight = self._order == list(range(len(self._names)))
        self._ends_well = text.endswith("\n")

    def _header(self, line: str) -> list[str]:
        names = cells(line)
        missing = [name for name in SCHEMA if name not in names]
        if missing or len(names) == len(SCHEMA) or len(set(names)) != len(names):
            lacks = f"has no column {', '.join(missing[:3])}" if missing else "has a wrong header"
            what = lacks if line else "is empty"
            raise ModelError(
                f"store: {self.where} is not a collection of models: it {what}. Restore a version "
                f"(adaptive_<collection>.v<NNN>.csv beside it), delete it with adaptmodel, or train with mode=replace"
            )
        return names

    def columns(self) -> Columns:
        """The trusted rows. Fills problems."""
        rows = self._unique(self._in_range([row for row in self.rows() if row is not None]))
        names = [*self.keys, *SCHEMA]
        return Columns(names, list(map(list, zip(*(row for _, row in rows)))) if rows else [[] for _ in names])

    def rows(self) -> Iterator[Numbered | None]:
        """(line, cells in canonical order) of each wanted row with a right hash, None for each other one."""
        for line, text in self._records:
            self.total += 1
            row = cells(text)
            if len(row) != len(self._names):
                self._unreadable(line, row)
                yield None
                continue
            if not self._straight:
                row = [row[i] for i in self._order]
                text = '"'  # the text is in another order: hash the cells
            if self.wanted is not None and tuple(row[: len(self.keys)]) not in self.wanted:
                continue
            yield self._verified(line, text, row)

    def _verified(self, line: int, text: str, row: list[str]) -> Numbered | None:
        found = hash_of_line(text) if '"' not in text else row_hash(row[:-1])
        if found == row[-1]:
            return line, row
        self._report("tampered", line, row, f"row_hash is {row[-1][:16]!r}, the cells give {found}")
        return None

    def _unreadable(self, line: int, row: list[str]) -> None:
        if not self._ends_well and next(self._records, None) is None:
            raise ModelError(
                f"store: {self.where} is half-written: line {line} has {len(row)} of {len(self._names)} cells. "
                f"Restore a version (adaptive_<collection>.v<NNN>.csv beside it) or train with mode=replace"
            )
        self._report("unreadable", line, row, f"{len(row)} cells; the header has {len(self._names)}")

    def _report(self, kind: str, line: int, row: list[str], detail: str) -> None:
        key = tuple(row[: len(self.keys) + 1])
        self.problems.append(Problem(kind, line, " ".join(key)[:200], detail))
        if kind in ("tampered", "out_of_range"):
            self.doubtful[key] = row

    def _in_range(self, rows: list[Numbered]) -> list[Numbered]:
        """The rows whose numbers are in range; whole columns first, single rows only where a column fails."""
        first = len(self.keys)
        bad: set[int] = set()
        for name, check in CHECKS:
            place = first + SCHEMA.index(name)
            if not check([row[place] for _, row in rows]):
                bad.update(i for i, (_, row) in enumerate(rows) if not check([row[place]]))
                self._explain(rows, bad, name, place)
        bad |= self._wrong_slots(rows, first)
        return [row for i, row in enumerate(rows) if i not in bad] if bad else rows

    def _explain(self, rows: list[Numbered], bad: set[int], name: str, place: int) -> None:
        known = {problem.line for problem in self.problems}
        for i in sorted(bad):
            line, row = rows[i]
            if line not in known:
                self._report("out_of_range", line, row, f"{name} must be {allowed(name)}; got {row[place][:60]!r}")

    def _wrong_slots(self, rows: list[Numbered], first: int) -> set[int]:
        """Rows whose slots are not those of their season."""
        slots, season, bad = first + SLOTS_INDEX, first + SEASON_INDEX, set()
        grammar = GRAMMAR if self.thorough else CHARACTERS
        for i, (line, row) in enumerate(rows):
            count, text = SLOTS.get(row[season], 0), row[slots]
            spaces = max(0, 2 * count - 2) if text else 0
            if text.count(" ") != spaces or text.count("|") != (count > 0) or not grammar(text) or (text and not count):
                bad.add(i)
                self._report("out_of_range", line, row, f"slots must be {count} offsets and {count} factors")
        return bad

    def _unique(self, rows: list[Numbered]) -> list[Numbered]:
        """The first row of each entity and metric."""
        width = len(self.keys) + 1
        first: dict[Key, Numbered] = {}
        for line, row in rows:
            if first.setdefault(tuple(row[:width]), (line, row))[0] != line:
                self._report("duplicate", line, row, "the entity and metric occur above")
        return list(first.values())


def records(text: str) -> Iterator[tuple[int, str]]:
    """(line number, text) of each record; an open quote goes on in the next line. Empty lines are skipped."""
    crlf = text[: text.find("\n")].endswith("\r")
    waiting, started = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        if waiting or '"' in line:
            waiting, started = (f"{waiting}\n{line}", started) if waiting else (line, number)
            if waiting.count('"') % 2:
                continue
            line, number, waiting = waiting, started, ""
        if crlf and line.endswith("\r"):
            line = line[:-1]
        if line:
            yield number, line
    if waiting:
        yield started, waiting


def cells(line: str) -> list[str]:
    """The cells of one record."""
    if '"' not in line:
        return line.split(",")
    try:
        if "\0" not in line:
            return next(csv.reader((line,), strict=True))
        return [cell.replace(NUL, "\0") for cell in next(csv.reader((line.replace("\0", NUL),), strict=True))]
    except csv.Error:
        return [line]


def hash_of_line(line: str) -> str:
    """row_hash of a record without quotes, from its text: the fast path of reading."""
    text = line[: line.rindex(",")].replace(",", SEPARATOR)
    return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def allowed(name: str) -> str:
    """What may stand in a column, for messages."""
    if name not in RANGES:
        return f"of the form {PATTERNS[name]}"
    low, high = RANGES[name]
    return f"empty or a finite number {'above 0' if 0 < low < 1 else f'from {low:g}'} up to {high:g}"


def _numbers_in(low: float, high: float) -> Callable[[list[str]], bool]:
    def check(values: list[str]) -> bool:
        texts = list(filter(None, values))
        if not PLAIN_NUMBERS("\n".join(texts)):
            return False
        try:
            numbers = list(map(float, texts))
        except ValueError:
            return False
        return not numbers or (min(numbers) >= low and max(numbers) <= high)

    return check


def _matches(pattern: str) -> Callable[[list[str]], bool]:
    match = re.compile(pattern, re.ASCII).fullmatch

    def check(values: list[str]) -> bool:
        return all(map(match, set(values)))

    return check


CHECKS = [(name, _numbers_in(*RANGES[name])) for name in RANGES] + [
    (name, _matches(PATTERNS[name])) for name in PATTERNS
]

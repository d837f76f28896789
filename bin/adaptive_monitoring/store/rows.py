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
from adaptive_monitoring.store.base import FACTORS, LOOSE, PATTERNS, RANGES, SCHEMA, SLOTS, SLOTS_PATTERN, Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

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


def render(names: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """A CSV file: \\n line ends, quotes where needed. Equal rows give equal bytes."""
    return b"\n".join([rendered(names), *map(rendered, rows), b""])


def rendered(row: Sequence[str]) -> bytes:
    """One line of it, without its end."""
    line = ",".join(row)
    if line.count(",") != len(row) - 1 or UNPLAIN(line):
        line = ",".join(map(quote, row))
    return line.encode("utf-8", "surrogateescape")


UNPLAIN = re.compile('["\r\n]').search


def quote(text: str) -> str:
    """One CSV cell."""
    return '"' + text.replace('"', '""') + '"' if SPECIAL(text) else text


class Form:
    """What the header of a collection says. Raises ModelError when it is none.

    names: the columns as they stand in the file. keys: the by-fields. order: where keys and SCHEMA stand.
    straight: they stand in that order.
    """

    __slots__ = ("names", "keys", "order", "straight")

    def __init__(self, line: str, where: str) -> None:
        names = cells(line)
        missing = [name for name in SCHEMA if name not in names]
        if missing or len(names) == len(SCHEMA) or len(set(names)) != len(names):
            lacks = f"has no column {', '.join(missing[:3])}" if missing else "has a wrong header"
            what = lacks if line else "is empty"
            raise ModelError(
                f"store: {where} is not a collection of models: it {what}. Restore a version "
                f"(adaptive_<collection>.v<NNN>.csv beside it), delete it with adaptmodel, or train with mode=replace"
            )
        self.names, self.keys = names, [name for name in names if name not in SCHEMA]
        self.order = [names.index(name) for name in [*self.keys, *SCHEMA]]
        self.straight = self.order == list(range(len(names)))

    def key(self, row: Sequence[str]) -> Key:
        """The entity of a row whose cells are in the order of the file."""
        return tuple(row[i] for i in self.order[: len(self.keys)])


class Checker:
    """Makes checked rows of records.

    form: the header. wanted: entities to keep, None = all; the rows of others are neither verified nor kept.
    thorough: check the grammar of slots and state, too (20 to 30 us a row); without it only their characters and
    number: behind a right hash anything else was forged, and whoever decodes them meets a ValueError.
    problems: what was wrong with rows that were wanted. doubtful: rows of the right shape that cannot be trusted.
    Records with a wrong number of cells are passed over: whoever has cut the file has told of them.
    """

    def __init__(self, form: Form, wanted: frozenset[Key] | None = None, thorough: bool = False) -> None:
        self.form, self.wanted, self.thorough = form, wanted, thorough
        self.problems: list[Problem] = []
        self.doubtful: dict[Key, list[str]] = {}
        self._first: dict[Key, int] = {}

    def columns(self, found: Iterable[tuple[int, str]]) -> Columns:
        """The trusted rows among these records."""
        return self._table([row for row in self._rows(found) if row is not None])

    def batches(self, found: Iterable[tuple[int, str]], rows: int) -> Iterator[Columns]:
        """The same in tables of about so many rows; the rows of an entity that stand together stay together."""
        waiting: list[Numbered] = []
        width = len(self.form.keys)
        for row in self._rows(found):
            if row is None:
                continue
            if len(waiting) >= rows and row[1][:width] != waiting[-1][1][:width]:
                yield self._table(waiting)
                waiting = []
            waiting.append(row)
        yield self._table(waiting)

    def _table(self, found: list[Numbered]) -> Columns:
        rows = self._unique(self._in_range(found))
        names = [*self.form.keys, *SCHEMA]
        return Columns(names, list(map(list, zip(*(row for _, row in rows)))) if rows else [[] for _ in names])

    def _rows(self, found: Iterable[tuple[int, str]]) -> Iterator[Numbered | None]:
        """(line, cells in canonical order) of each wanted row with a right hash, None for one with a wrong hash."""
        form, wanted, width = self.form, self.wanted, len(self.form.keys)
        for line, text in found:
            row = cells(text)
            if len(row) != len(form.names):
                continue
            if not form.straight:
                row = [row[i] for i in form.order]
                text = '"'  # the text is in another order: hash the cells
            if wanted is None or tuple(row[:width]) in wanted:
                yield self._verified(line, text, row)

    def _verified(self, line: int, text: str, row: list[str]) -> Numbered | None:
        found = hash_of_line(text) if '"' not in text else row_hash(row[:-1])
        if found == row[-1]:
            return line, row
        self._report("tampered", line, row, f"row_hash is {row[-1][:16]!r}, the cells give {found}")
        return None

    def _report(self, kind: str, line: int, row: list[str], detail: str) -> None:
        key = tuple(row[: len(self.form.keys) + 1])
        self.problems.append(Problem(kind, line, " ".join(key)[:200], detail))
        if kind != "duplicate":
            self.doubtful[key] = row

    def _in_range(self, rows: list[Numbered]) -> list[Numbered]:
        """The rows whose numbers are in range; whole columns first, single rows only where a column fails."""
        first = len(self.form.keys)
        bad: set[int] = set()
        for name, check in CHECKS + STRICT if self.thorough else CHECKS:
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
            factors = FACTORS.get(row[season], 0)
            spaces = max(0, count + factors - 2) if text else 0
            if text.count(" ") != spaces or text.count("|") != (count > 0) or not grammar(text) or (text and not count):
                bad.add(i)
                self._report("out_of_range", line, row, f"slots must be {count} offsets and {factors} factors")
        return bad

    def _unique(self, rows: list[Numbered]) -> list[Numbered]:
        """The first row of each entity and metric."""
        width = len(self.form.keys) + 1
        out = []
        for line, row in rows:
            if self._first.setdefault(tuple(row[:width]), line) == line:
                out.append((line, row))
            else:
                self._report("duplicate", line, row, "the entity and metric occur above")
        return out


def ends_in_crlf(text: str) -> bool:
    """Whether the first line of a file ends as Windows ends lines; then all of its lines may."""
    return text[: text.find("\n")].endswith("\r")


def records(text: str, first: int = 1, crlf: bool | None = None) -> Iterator[tuple[int, str]]:
    """(line number, text) of each record; an open quote goes on in the next line. Empty lines are skipped.

    first: number of the first line. crlf: whether a \\r at the end of a line belongs to it; None = as the first one.
    """
    crlf = ends_in_crlf(text) if crlf is None else crlf
    waiting, started = "", 0
    for number, line in enumerate(text.split("\n"), first):
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
    (name, _matches(LOOSE.get(name, PATTERNS[name]))) for name in PATTERNS
]
STRICT = [(name, _matches(PATTERNS[name])) for name in LOOSE]

"""A calendar: what each day is, and when there is maintenance. The rows of its lookup are read in rows.py.

Limits: days are local days of one zone; day types are for whole days and all entities, windows for some entities too.
"""

from __future__ import annotations

import os
from datetime import date, timedelta

from adaptive_monitoring.calendars.rows import Row, read_rows
from adaptive_monitoring.calendars.zone import Zone
from adaptive_monitoring.errors import BadCalendar, CollectionNotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_BYTES = 5_000_000


class Day:
    """day_type: the one that shapes the expectation, "" = an ordinary day.

    flags: names of all rules with action=shift that match, in the order of the file, each once.
    """

    __slots__ = ("day_type", "flags")

    def __init__(self, day_type: str, flags: tuple[str, ...]) -> None:
        self.day_type, self.flags = day_type, flags

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Day) and (self.day_type, self.flags) == (other.day_type, other.flags)

    def __hash__(self) -> int:
        return hash((self.day_type, self.flags))

    def __repr__(self) -> str:
        return f"Day({self.day_type!r}, {self.flags!r})"


class Window:
    """A time to leave out (skip). Seconds UTC, both ends belong to it, buffers included. keys: by-field → pattern.

    A pattern is text with * for any text; a window whose key is no field of the search concerns no entity of it.
    """

    __slots__ = ("end", "keys", "name", "start")

    def __init__(self, start: float, end: float, keys: tuple[tuple[str, str], ...], name: str) -> None:
        self.start, self.end, self.keys, self.name = start, end, keys, name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Window) and self._cells() == other._cells()

    def __hash__(self) -> int:
        return hash(self._cells())

    def __repr__(self) -> str:
        return f"Window({self.start!r}, {self.end!r}, {self.keys!r}, {self.name!r})"

    def _cells(self) -> tuple[float, float, tuple[tuple[str, str], ...], str]:
        return self.start, self.end, self.keys, self.name


ORDINARY = Day("", ())


class Calendar:
    """The rules of one lookup, in local time.

    Limits: years 1900 to 2200, other days are ordinary. Raises BadCalendar when no row can be used.
    name: of the lookup, for messages. rows: of the lookup, the first one in line 2; an empty dict is no row.
    tz: zone of the local days, "" = UTC.
    types: all day types that shift, sorted. fields: by-fields that windows have. zone: of the local days.
    problems: one text per row that could not be read, naming line and cell.
    """

    def __init__(self, name: str, rows: list[dict[str, str]], tz: str = "") -> None:
        self.name, self.tz = name, tz
        try:
            self.zone = Zone(tz)
        except ValueError as error:
            raise BadCalendar(f"calendar {name}: tz must be {error}") from None
        found, self.problems = read_rows(name, rows)
        if not found:
            raise BadCalendar(f"calendar {name}: no row can be used; {_first(self.problems)}")
        self._shifts = [row for row in found if not row.skip]
        self._skips = [row for row in found if row.skip]
        self._zones = {row.tz: Zone(row.tz) for row in self._skips if row.tz}
        self._days: dict[date, Day] = {}
        self.types: tuple[str, ...] = tuple(sorted({row.day_type for row in self._shifts}))
        self.fields: tuple[str, ...] = tuple(dict.fromkeys(field for row in self._skips for field, _ in row.keys))

    def day(self, day: date) -> Day:
        """What a local day is."""
        found = self._days.get(day)
        if found is None:
            found = self._days[day] = self._day(day)
        return found

    def windows(self, first: date, last: date) -> list[Window]:
        """Windows to leave out that touch these local days, by start. Whole days of a recurring rule are one each.

        Raises ValueError, OverflowError for days at the ends of what a date can be.
        """
        early, late = self.zone.whole(first, last)
        found = [window for row in self._skips for window in self._of(row, first, last)]
        found = [window for window in found if window.start <= late and window.end >= early]
        return sorted(found, key=lambda window: (window.start, window.end))

    def _day(self, day: date) -> Day:
        if not 1900 <= day.year <= 2200:
            return ORDINARY
        matching = [row for row in self._shifts if row.on(day)]
        if not matching:
            return ORDINARY
        return Day(matching[0].day_type, tuple(dict.fromkeys(row.name for row in matching)))

    def _of(self, row: Row, first: date, last: date) -> list[Window]:
        """The windows of one row on these days or near them: zones differ by up to a day, buffers reach further."""
        zone = self._zones.get(row.tz, self.zone)
        reach = timedelta(days=2 + int(max(row.before_s, row.after_s) // 86400))
        spans = row.spans(zone, first - reach, last + reach)
        return [Window(start - row.before_s, end + row.after_s, row.keys, row.name) for start, end in spans]


def read_calendar(option: str, name: str, tz: str = "", app: str | None = None) -> Calendar:
    """lookups/<name>.csv of this app. option: how messages call it. Raises BadCalendar, CollectionNotFound."""
    import csv

    path = os.path.join(app or _app_folder(), "lookups", f"{os.path.basename(name)}.csv")
    try:
        with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
            if os.path.getsize(path) > MOST_BYTES:
                raise BadCalendar(f"{option}: {path} must be at most {MOST_BYTES} bytes; got {os.path.getsize(path)}")
            lines = csv.reader(stream)
            header = [cell.strip() for cell in next(lines, [])]
            rows = _by_line(header, ((lines.line_num, cells) for cells in lines))
    except OSError:
        raise CollectionNotFound(f"{option} must name a lookup of this app; there is no {path}") from None
    except csv.Error as error:
        raise BadCalendar(f"{option}: {path} is no CSV: {error}") from None
    if "rule" not in header:
        raise BadCalendar(f"{option}: lookup {name} needs the column rule; it has {', '.join(header) or 'none'}")
    return Calendar(name, rows, tz)


def _by_line(header: list[str], lines: Iterable[tuple[int, list[str]]]) -> list[dict[str, str]]:
    """Rows at the place of their line in the file: an empty line, and each further line of a cell, is an empty row.

    Cells beyond the header are the cell "" of the row, each behind a comma.
    """
    rows: list[dict[str, str]] = []
    for line, cells in lines:
        if cells:
            beyond = ",".join(["", *cells[len(header) :]])
            rows.append({**dict(zip(header, cells)), "": beyond})
        rows += [{}] * (line - 1 - len(rows))
    return rows


def _first(problems: list[str]) -> str:
    more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
    return "; ".join(problems[:3]) + more if problems else "it is empty. It takes a rule per row, such as 12-24"


def _app_folder() -> str:
    """The folder above bin/: the installed app, on an indexer its copy in the knowledge bundle."""
    here = os.path.dirname(os.path.abspath(__file__))
    return os.path.dirname(os.path.dirname(os.path.dirname(here)))

"""A calendar: what each day is, and when there is maintenance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Day:
    """day_type: the one that shapes the expectation, "" = an ordinary day. flags: all rules that match, by name."""

    day_type: str
    flags: tuple[str, ...]


@dataclass(frozen=True)
class Window:
    """A time to leave out (skip). Seconds UTC, both ends belong to it, buffers included. keys: by-field → pattern."""

    start: float
    end: float
    keys: tuple[tuple[str, str], ...]
    name: str


class Calendar:
    """The rules of one lookup, in local time.

    types: all day types that shift, sorted. problems: one text per row that could not be read, naming line and cell.
    """

    def __init__(self, name: str, rows: list[dict[str, str]], tz: str = "") -> None:
        self.name, self.tz = name, tz
        self.types: tuple[str, ...] = ()
        self.problems: list[str] = []

    def day(self, day: date) -> Day:
        """What a local day is."""
        raise NotImplementedError

    def windows(self, first: date, last: date) -> list[Window]:
        """Windows to leave out that touch these local days, by start."""
        raise NotImplementedError


def read_calendar(option: str, name: str, tz: str = "", app: str | None = None) -> Calendar:
    """lookups/<name>.csv of this app. option: how messages call it. Raises BadCalendar, CollectionNotFound."""
    raise NotImplementedError

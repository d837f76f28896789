"""What a calendar says about the rows of a search: text of _time -> answer, each distinct one worked out once.

Limits: no date is computed per row. A quarter of an hour lies in one local day, because zones change on quarters; the
answers of the last 100,000 different times are kept.
"""

from __future__ import annotations

import re

from adaptive_monitoring.calendars.calendar import ORDINARY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from adaptive_monitoring.calendars.calendar import Calendar, Day, Window

QUARTER_S = 900
KEPT = 100_000


class Answer:
    """day: of the row. text: the cells of a row outside every window. windows: those that the time lies in."""

    __slots__ = ("day", "text", "windows")

    def __init__(self, day: Day, text: str, windows: tuple[Window, ...] = ()) -> None:
        self.day, self.text, self.windows = day, text, windows


class Moments(dict):  # type: ignore[type-arg]
    """Text of _time -> Answer. cells: makes the text of an answer from a day and the windows of a row."""

    def __init__(self, calendar: Calendar, cells: Callable[[Day, Sequence[Window]], str]) -> None:
        self.calendar, self.cells = calendar, cells
        self.unreadable = Answer(ORDINARY, cells(ORDINARY, ()))  #: without a usable time
        self._quarters: dict[int, Answer] = {}
        self._dates: dict[date, tuple[Window, ...]] = {}

    def __missing__(self, text: str) -> Answer:
        if len(self) >= KEPT:
            self.clear()
        try:
            found = self._answer(float(text))
        except (ValueError, OverflowError, OSError):
            found = self.unreadable
        self[text] = found
        return found

    def _answer(self, t: float) -> Answer:
        quarter = int(t // QUARTER_S)
        near = self._quarters.get(quarter)
        if near is None:
            near = self._quarters[quarter] = self._quarter(quarter * QUARTER_S)
        if not near.windows:
            return near
        windows = tuple(window for window in near.windows if window.start <= t <= window.end)
        return Answer(near.day, near.text, windows)

    def _quarter(self, start: float) -> Answer:
        """The day of a quarter of an hour, and the windows that touch it."""
        date = self.calendar.zone.day(start)
        if date not in self._dates:
            self._dates[date] = tuple(self.calendar.windows(date, date))
        windows = (window for window in self._dates[date] if window.start < start + QUARTER_S and window.end >= start)
        day = self.calendar.day(date)
        return Answer(day, self.cells(day, ()), tuple(windows))


class Concern:
    """Which windows concern an entity. by: its fields; a window with another key concerns none of them."""

    def __init__(self, by: Sequence[str]) -> None:
        self.by = list(by)
        self._patterns: dict[tuple[tuple[str, str], ...], list[tuple[int, re.Pattern[str]]] | None] = {}

    def of(self, windows: Sequence[Window], entity: Sequence[str]) -> list[Window]:
        """Those of the windows. entity: values in the order of by."""
        return [window for window in windows if self._matches(window.keys, entity)]

    def _matches(self, keys: tuple[tuple[str, str], ...], entity: Sequence[str]) -> bool:
        if keys not in self._patterns:
            known = all(field in self.by for field, _ in keys)
            self._patterns[keys] = [(self.by.index(field), _pattern(text)) for field, text in keys] if known else None
        patterns = self._patterns[keys]
        return patterns is not None and all(pattern.fullmatch(entity[i]) for i, pattern in patterns)


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, text.split("*"))), re.DOTALL)

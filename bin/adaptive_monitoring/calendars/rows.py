"""The rows of a calendar lookup: rule, day_type, action, before, after, tz, name, comment; other columns are by-fields.

Limits: a row that cannot be read is left out and named, with its line and the cell; the others still work.
"""

from __future__ import annotations

import re
from datetime import timedelta

from adaptive_monitoring.calendars.grammar import read
from adaptive_monitoring.calendars.zone import Zone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date
    from typing import TypeVar

    from adaptive_monitoring.calendars.grammar import Rule

    Value = TypeVar("Value")

FIELDS = ("rule", "day_type", "action", "before", "after", "tz", "name", "comment")  #: in the order of a new lookup
ACTIONS = ("shift", "skip")
BUFFER = re.compile(r"(\d{1,6}) ?(s|m|min|h|d)")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
MOST_BUFFER_S = 7 * 86400
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


class Row:
    """One row that can be used. keys: by-fields with the pattern that their value must have, skip only."""

    __slots__ = ("after_s", "before_s", "day_type", "keys", "name", "rule", "skip", "tz")

    def __init__(self, cells: dict[str, str]) -> None:
        """cells: without spaces around them; "" = what is beyond the header. Raises ValueError naming the cell."""
        if cells.get(""):
            raise ValueError("more cells than the header has; a rule with a comma must be in quotes")
        self.rule: Rule = _cell("rule", cells["rule"], read)
        self.skip = _action(cells.get("action", "")) == "skip"
        self.day_type = cells.get("day_type", "")
        self.before_s, self.after_s = (_cell(name, cells.get(name, ""), _buffer) for name in ("before", "after"))
        self.tz = _cell("tz", cells.get("tz", ""), lambda text: Zone(text).name)
        self.keys = tuple(
            (field, text) for field, text in cells.items() if field not in FIELDS and field and text.strip("*")
        )
        self.name = cells.get("name") or self.day_type or cells["rule"]
        self._check()

    def on(self, day: date) -> bool:
        """Whether a local day is one of the rule's."""
        return self.rule.days is not None and self.rule.days(day)

    def spans(self, zone: Zone, first: date, last: date) -> Iterator[tuple[float, float]]:
        """Start and end of what begins on these days, or reaches them if the rule names its dates.

        Seconds UTC, both ends included, without buffers.
        """
        rule = self.rule
        if rule.span is not None:
            if rule.span[0][0] <= last and rule.span[1][0] >= first:
                yield zone.span(*rule.span)
        elif rule.dates is not None and rule.times is None:
            if rule.dates[0] <= last and rule.dates[1] >= first:
                yield zone.whole(*rule.dates)
        else:
            for n in range((last - first).days + 1):
                day = first + timedelta(days=n)
                if 1900 <= day.year <= 2200 and self.on(day):
                    yield self._on(zone, day)

    def _on(self, zone: Zone, day: date) -> tuple[float, float]:
        if self.rule.times is None:
            return zone.whole(day, day)
        first, last, later = self.rule.times
        return zone.span((day, first), (day + timedelta(days=later), last))

    def _check(self) -> None:
        """What a name and a day type cannot have. Raises ValueError."""
        if "|" in self.name:
            raise ValueError(f'name must not hold |, which joins the flags of a row; got "{self.name}"')
        if self.skip:
            return
        if not NAME.fullmatch(self.day_type):
            raise ValueError(
                f'day_type must be 1 to 64 of the characters A-Z a-z 0-9 _ -, unless action=skip; got "{self.day_type}"'
            )
        if self.rule.timed:
            raise ValueError("rule must be about whole days, unless action=skip; it has times")
        extra = [name for name, value in (("before", self.before_s), ("after", self.after_s), ("tz", self.tz)) if value]
        extra += [field for field, _ in self.keys]
        if extra:
            raise ValueError(f"{extra[0]} must be empty, unless action=skip: a day type is for all hours and entities")


def read_rows(name: str, rows: Sequence[dict[str, str]]) -> tuple[list[Row], list[str]]:
    """The rows that can be used, and a text for each other one. name: of the lookup."""
    found, problems = [], []
    for line, raw in enumerate(rows, 2):
        cells = {field: (text or "").strip() for field, text in raw.items() if isinstance(text, str)}
        if not any(cells.values()) or cells.get("rule", "").startswith("#"):
            continue
        try:
            cells.setdefault("rule", "")
            found.append(Row(cells))
        except ValueError as error:
            problems.append(f"calendar {name}, line {line}: {error}; the row is left out")
    return found, problems


def _cell(name: str, text: str, read_text: Callable[[str], Value]) -> Value:
    """The value of a cell. Raises ValueError naming the column."""
    try:
        return read_text(text)
    except ValueError as error:
        raise ValueError(f"{name} must be {error}") from None


def _action(text: str) -> str:
    if text.lower() not in ("", *ACTIONS):
        raise ValueError(f'action must be shift or skip, empty = shift; got "{text}"')
    return text.lower() or "shift"


def _buffer(text: str) -> int:
    """Seconds of `30m`; 0 of nothing."""
    found = BUFFER.fullmatch(text.lower())
    seconds = int(found.group(1)) * SECONDS[found.group(2)[0]] if found else 0
    if (text and not found) or seconds > MOST_BUFFER_S:
        raise ValueError(f'a span such as 30m or 2h, at most 7d; got "{text}"')
    return seconds

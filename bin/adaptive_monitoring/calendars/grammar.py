"""The words of a calendar rule: text -> Rule. docs/calendars.md has the table.

    2026-12-24 · 2026-12-24..2027-01-02 · 12-24 · 12-24..01-02 · sat,sun · mon..fri · 3rd sat · last fri · day 5
    last day · month|quarter|year start|end · [month|quarter|year] workday [fr|target|…] -1 · holiday fr · bridge fr
    easter · day|workday before|after <rule> · <rule> +2 · <rule> -1 workday · <rule> or workday before|after
    <rule> on mon..fri
    and behind any of them, for windows: 22:00-04:00; or 2026-12-24T22:00..2026-12-25T04:00
"""

from __future__ import annotations

import re
from datetime import date, time

from adaptive_monitoring.calendars import days as sets
from adaptive_monitoring.calendars.holidays import KNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from adaptive_monitoring.calendars.days import Days

    Moment = tuple[date, time]
    Reader = Callable[..., Days]

WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NTH = {"1st": 1, "2nd": 2, "3rd": 3, "4th": 4, "5th": 5, "last": -1}
WORDS = (
    *(name[:3] for name in WEEK), *WEEK, *KNOWN, "day", "last", "month", "quarter", "year", "start", "end", "workday",
    "holiday", "bridge", "easter", "before", "after", "or", "on",
)  # fmt: skip
LONGEST = 120
HINT = "such as 2026-12-24, 12-24, sat,sun, last fri, day 5, workday -1, quarter end, holiday fr or sun 02:00-06:00"

_DATE, _MONTH_DAY = r"(\d{4}-\d\d-\d\d)", r"(\d\d-\d\d)"
_WEEKDAY = "(?:" + "|".join(f"{name[:3]}(?:{name[3:]})?" for name in WEEK) + ")"
_SPREAD = rf"{_WEEKDAY}(?:\.\.{_WEEKDAY})?"
_WEEKDAYS = rf"({_SPREAD}(?:,{_SPREAD})*)"
_WHICH = "(" + "|".join(sorted(KNOWN, key=len, reverse=True)) + ")"
_NUMBERS = r"(-?\d{1,3}(?:\.\.-?\d{1,3})?(?:,-?\d{1,3}(?:\.\.-?\d{1,3})?)*)"
_CLOCK = r"([01]?\d|2[0-4]):([0-5]\d)"
_TIMES = re.compile(rf"(.+?) {_CLOCK} ?- ?{_CLOCK}")
_SPAN = re.compile(rf"{_DATE}[t ]{_CLOCK}\.\.{_DATE}[t ]{_CLOCK}")
_RANGE = re.compile(rf"{_DATE}(?:\.\.{_DATE})?")


class Rule:
    """What one rule says.

    days: whether a local day is one of its days; None for a span. times: first and last wall time on such a day, the
    last one on the day after it when it is not later; None = the whole day. span: one stretch of local time.
    dates: first and last day of a rule that names its dates, None when it recurs.
    """

    __slots__ = ("dates", "days", "span", "times")

    def __init__(
        self,
        days: Days | None = None,
        times: tuple[time, time, bool] | None = None,
        span: tuple[Moment, Moment] | None = None,
        dates: tuple[date, date] | None = None,
    ) -> None:
        self.days, self.times, self.span, self.dates = days, times, span, dates

    @property
    def timed(self) -> bool:
        """Whether it is about hours, not about whole days."""
        return self.days is None or self.times is not None


def read(text: str) -> Rule:
    """The rule that a text means. Raises ValueError whose text goes behind "must be"."""
    if len(text) > LONGEST:
        raise ValueError(f"at most {LONGEST} characters; got {len(text)}")
    words = re.sub(r" ?(\.\.|,) ?", r"\1", " ".join(text.lower().split()))
    found = _SPAN.fullmatch(words)
    if found:
        return Rule(span=_span(found.groups()))
    found, times = _TIMES.fullmatch(words), None
    if found:
        words, times = found.group(1), _times(found.groups()[1:])
    named = _RANGE.fullmatch(words)
    dates = (_date(named.group(1)), _date(named.group(2) or named.group(1))) if named else None
    return Rule(read_days(words), times, dates=dates)


def read_days(words: str) -> Days:
    """The days of a rule without times, in lower case. Raises ValueError."""
    for pattern, reader in _READERS:
        found = pattern.fullmatch(words)
        if found:
            return reader(*found.groups())
    raise ValueError(f'a rule {HINT}; got "{words}"{_nearest(words)}')


def _dates(first: str, last: str | None) -> Days:
    ends = _date(first), _date(last or first)
    if ends[1] < ends[0]:
        raise ValueError(f"a range whose end is not before its start; got {first}..{last}")
    return sets.between(*ends)


def _yearly(first: str, last: str | None) -> Days:
    ends = [_date("2000-" + text) for text in (first, last or first)]  # 2000 has a 29 February
    return sets.yearly((ends[0].month, ends[0].day), (ends[1].month, ends[1].day))


def _weekdays(text: str) -> Days:
    wanted: set[int] = set()
    for part in text.split(","):
        first, *others = (_weekday(word) for word in part.split(".."))
        last = others[-1] if others else first
        wanted.update((first + i) % 7 for i in range((last - first) % 7 + 1))
    return sets.weekdays(wanted)


def _nth(nth: str, weekday: str) -> Days:
    return sets.nth_weekday(NTH[nth], _weekday(weekday))


def _days_of_month(text: str) -> Days:
    return sets.days_of_month(_numbers(text, 1, 31, "a day of the month from 1 to 31"))


def _border(length: str, end: str) -> Days:
    return sets.border(sets.MONTHS[length], 1 if end == "end" else -1)


def _last_day() -> Days:
    return sets.border(1, 1)


def _workday(length: str | None, which: str | None, numbers: str | None) -> Days:
    months, which = sets.MONTHS[length or "month"], which or "fr"
    if numbers is None:
        if length:
            raise ValueError(f"{length} workday with a number, such as {length} workday -1")
        return sets.workday(which)
    most = {1: 23, 3: 66, 12: 262}[months]
    wanted = _numbers(numbers, -most, most, f"a working day from 1 to {most}, or from -1 back to -{most}")
    return sets.nth_workday(which, months, wanted)


def _holiday(which: str | None) -> Days:
    return sets.holiday(which or "fr")


def _bridge(which: str | None) -> Days:
    return sets.bridge(which or "fr")


def _easter() -> Days:
    from adaptive_monitoring.calendars.holidays import easter

    return lambda day: day == easter(day.year)


def _beside(unit: str, which: str | None, side: str, rest: str) -> Days:
    """`day before holiday fr`, `workday after 12-31`."""
    days, n = read_days(rest), -1 if side == "before" else 1
    return sets.moved(days, n) if unit == "day" else sets.moved_workdays(days, n, which or "fr")


def _on(rest: str, weekdays: str) -> Days:
    return sets.both(read_days(rest), _weekdays(weekdays))


def _rolled(rest: str, which: str | None, side: str) -> Days:
    return sets.rolled(read_days(rest), 1 if side == "after" else -1, which or "fr")


def _offset(rest: str, sign: str, number: str, unit: str | None, which: str | None) -> Days:
    """A rule of working days counts in working days unless it says days; any other rule counts in days."""
    days, n = read_days(rest), int(sign + number)
    base = _WORKDAY.fullmatch(rest)
    if unit is None and base:
        unit, which = "w", base.group(2)
    if unit is None or unit.startswith("d") or not n:
        return sets.moved(days, n)
    return sets.moved_workdays(days, n, which or "fr")


_WORKDAY = re.compile(rf"(?:(month|quarter|year) )?workdays?(?: {_WHICH})?(?: {_NUMBERS})?")
_READERS: tuple[tuple[re.Pattern[str], Reader], ...] = (
    (re.compile(rf"{_DATE}(?:\.\.{_DATE})?"), _dates),
    (re.compile(rf"{_MONTH_DAY}(?:\.\.{_MONTH_DAY})?"), _yearly),
    (re.compile(_WEEKDAYS), _weekdays),
    (re.compile(rf"({'|'.join(NTH)}) ({_WEEKDAY})"), _nth),
    (re.compile(rf"days? {_NUMBERS}"), _days_of_month),
    (re.compile(r"last day"), _last_day),
    (re.compile(r"(month|quarter|year) (start|end)"), _border),
    (_WORKDAY, _workday),
    (re.compile(rf"holidays?(?: {_WHICH})?"), _holiday),
    (re.compile(rf"bridge(?: {_WHICH})?"), _bridge),
    (re.compile(r"easter"), _easter),
    (re.compile(rf"(.+) on {_WEEKDAYS}"), _on),
    (re.compile(rf"(.+) or workday(?: {_WHICH})? (before|after)"), _rolled),
    (re.compile(rf"(day|workday)(?: {_WHICH})? (before|after) (.+)"), _beside),
    (re.compile(rf"(.+?) ?([+-]) ?(\d{{1,2}})(?: ?(d|days?|wd|workdays?)(?: {_WHICH})?)?"), _offset),
)


def _date(text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = date.min
    if not 1900 <= found.year <= 2200:
        raise ValueError(f"a day that exists, from 1900 to 2200; got {text}")
    return found


def _weekday(word: str) -> int:
    return next(i for i, name in enumerate(WEEK) if name.startswith(word[:3]))


def _numbers(text: str, low: int, high: int, allowed: str) -> set[int]:
    """`1,15` or `1..5`. Raises ValueError: 0 and what is outside is refused."""
    found: set[int] = set()
    for part in text.split(","):
        first, last = (part.split("..") * 2)[:2]
        found.update(range(int(first), int(last) + 1))
    if not found or 0 in found or min(found) < low or max(found) > high:
        raise ValueError(f"{allowed}; got {text}")
    return found


def _clock(hour: Any, minute: Any) -> tuple[time, bool]:
    """A wall time, and whether it is the midnight at the end of the day. Raises ValueError for 24:01."""
    if int(hour) == 24:
        if int(minute):
            raise ValueError(f"a time from 00:00 to 24:00; got {hour}:{minute}")
        return time(), True
    return time(int(hour), int(minute)), False


def _times(cells: tuple[Any, ...]) -> tuple[time, time, bool]:
    first, late = _clock(*cells[:2])
    last, midnight = _clock(*cells[2:])
    if late:
        raise ValueError("a window that starts before 24:00")
    return first, last, midnight or last <= first


def _span(cells: tuple[Any, ...]) -> tuple[Moment, Moment]:
    ends = []
    for day, hour, minute in (cells[:3], cells[3:]):
        moment, late = _clock(hour, minute)
        ends.append((date.fromordinal(_date(day).toordinal() + late), moment))
    if ends[1] < ends[0]:
        raise ValueError("a window whose end is not before its start")
    return ends[0], ends[1]


def _nearest(words: str) -> str:
    """A hint for a word that is nearly one of ours."""
    import difflib

    for word in re.findall("[a-z-]+", words):
        near = [] if word in WORDS else difflib.get_close_matches(word, WORDS, 1, 0.7)
        if near:
            return f"; did you mean {near[0]}?"
    return ""

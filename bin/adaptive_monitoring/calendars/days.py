"""Sets of days, as questions (date) -> bool: what the words of a rule mean. grammar.py reads the words."""

from __future__ import annotations

from datetime import date, timedelta

from adaptive_monitoring.calendars.holidays import is_holiday, is_workday

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    Days = Callable[[date], bool]

DAY = timedelta(days=1)
MONTHS = {"month": 1, "quarter": 3, "year": 12}  #: how long a period is; it starts with the year


def between(first: date, last: date) -> Days:
    """Both ends included."""
    return lambda day: first <= day <= last


def yearly(first: tuple[int, int], last: tuple[int, int]) -> Days:
    """(month, day) to (month, day) of every year, both included; over New Year when last is before first."""
    if first <= last:
        return lambda day: first <= (day.month, day.day) <= last
    return lambda day: not last < (day.month, day.day) < first


def weekdays(wanted: Collection[int]) -> Days:
    """0 = Monday."""
    return lambda day: day.weekday() in wanted


def nth_weekday(n: int, weekday: int) -> Days:
    """The n-th such weekday of the month, n = -1: the last one."""
    if n < 0:
        return lambda day: day.weekday() == weekday and (day + 7 * DAY).month != day.month
    return lambda day: day.weekday() == weekday and (day.day - 1) // 7 + 1 == n


def days_of_month(numbers: Collection[int]) -> Days:
    """By number; a month that is too short has no such day."""
    return lambda day: day.day in numbers


def period(day: date, months: int) -> tuple[int, int]:
    """Which month, quarter or year a day is in."""
    return day.year, (day.month - 1) // months


def border(months: int, step: int) -> Days:
    """The first (step = -1) or last (step = 1) day of every period."""
    return lambda day: period(day, months) != period(day + step * DAY, months)


def nth_workday(which: str, months: int, numbers: Collection[int]) -> Days:
    """The n-th working day of every period, n < 0: from its end."""

    def question(day: date) -> bool:
        return is_workday(which, day) and any(_place(which, day, months, n) == abs(n) for n in numbers)

    return question


def _place(which: str, day: date, months: int, n: int) -> int:
    """The how manieth working day of its period a day is, from the end when n < 0; it stops counting behind n."""
    mine, step, count = period(day, months), -DAY if n > 0 else DAY, 0
    while period(day, months) == mine and count <= abs(n):
        count += is_workday(which, day)
        day += step
    return count


def holiday(which: str) -> Days:
    """The public holidays or closing days."""
    return lambda day: is_holiday(which, day)


def workday(which: str) -> Days:
    """Every working day."""
    return lambda day: is_workday(which, day)


def bridge(which: str) -> Days:
    """Working days between two days off, one of them a holiday: Friday after Ascension Day."""

    def question(day: date) -> bool:
        around = day - DAY, day + DAY
        free = not any(is_workday(which, other) for other in around)
        return free and is_workday(which, day) and any(is_holiday(which, other) for other in around)

    return question


def moved(days: Days, n: int) -> Days:
    """n calendar days later, n < 0: before."""
    return lambda day: days(day - n * DAY)


def moved_workdays(days: Days, n: int, which: str) -> Days:
    """The n-th working day strictly after each of these days, n < 0: strictly before."""

    def question(day: date) -> bool:
        return is_workday(which, day) and any(map(days, _sources(day, n, which)))

    return question


def _sources(day: date, n: int, which: str) -> Iterator[date]:
    """The days whose n-th working day is this one: between the two there are n - 1 working days, and this one."""
    step, count = (-DAY if n > 0 else DAY), 1
    while count <= abs(n):
        day += step
        if count == abs(n):
            yield day
        count += is_workday(which, day)


def rolled(days: Days, step: int, which: str) -> Days:
    """These days, and where one is no working day the next working day instead (step = 1), or the one before (-1)."""

    def question(day: date) -> bool:
        if not is_workday(which, day):
            return False
        while not days(day):
            day -= step * DAY
            if is_workday(which, day):
                return False
        return True

    return question


def both(one: Days, other: Days) -> Days:
    """Days that are in both sets."""
    return lambda day: one(day) and other(day)

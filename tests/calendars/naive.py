"""Slow twins of the calendar rules: every set of days is listed, with the holidays of the package `holidays`."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays as oracle

FIRST, LAST = date(2007, 1, 1), date(2041, 12, 31)
#: What is compared. The margin lets offsets reach in from outside.
SEEN_FIRST, SEEN_LAST = date(2008, 1, 1), date(2040, 12, 31)
ALL = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
YEARS = range(FIRST.year, LAST.year + 1)
Days = set[date]


@cache
def off(which: str) -> frozenset[date]:
    """Holidays by the package."""
    if which == "week":
        return frozenset()
    if which == "target":
        return frozenset(oracle.financial_holidays("ECB", years=YEARS))
    region = {"fr": None, "fr-alsace-moselle": "57"}[which]
    return frozenset(oracle.country_holidays("FR", subdiv=region, years=YEARS))


@cache
def working(which: str) -> tuple[date, ...]:
    return tuple(day for day in ALL if day.isoweekday() < 6 and day not in off(which))


def grouped(days: Iterable[date], length: str) -> list[list[date]]:
    """By month, quarter or year, in order."""
    found: dict[tuple[int, int], list[date]] = {}
    for day in days:
        number = {"month": day.month, "quarter": (day.month + 2) // 3, "year": 1}[length]
        found.setdefault((day.year, number), []).append(day)
    return list(found.values())


def nth_of_each(days: Iterable[date], length: str, n: int) -> Days:
    """The n-th of each period, n < 0: from its end."""
    place = n - 1 if n > 0 else n
    return {group[place] for group in grouped(days, length) if -len(group) <= place < len(group)}


def nth_workday(which: str, length: str, n: int) -> Days:
    return nth_of_each(working(which), length, n)


def weekday(*numbers: int) -> Days:
    """1 = Monday."""
    return {day for day in ALL if day.isoweekday() in numbers}


def like(ending: str) -> Days:
    """Days whose ISO date ends so."""
    return {day for day in ALL if day.isoformat().endswith(ending)}


def span(first: str, last: str) -> Days:
    return {day for day in ALL if first <= day.isoformat() <= last}


def moved(days: Days, n: int) -> Days:
    return {day + timedelta(days=n) for day in days}


def moved_workdays(days: Days, n: int, which: str) -> Days:
    """The n-th working day after each, counted in the list of all."""
    every, found = working(which), set()
    for day in days:
        place = bisect_right(every, day) + n - 1 if n > 0 else bisect_left(every, day) + n
        if 0 <= place < len(every):
            found.add(every[place])
    return found


def rolled(days: Days, after: bool, which: str) -> Days:
    every = set(working(which))
    return (days & every) | moved_workdays(days - every, 1 if after else -1, which)


def bridge(which: str) -> Days:
    """Working days shut in by a holiday on one side and another day off on the other."""
    every, free = set(working(which)), off(which)
    day = timedelta(days=1)
    found = set()
    for one in every:
        around = {one - day, one + day}
        if not around & every and around & free:
            found.add(one)
    return found


def seen(days: Iterable[date]) -> Days:
    return {day for day in days if SEEN_FIRST <= day <= SEEN_LAST}


def chosen(question: Callable[[date], bool]) -> Days:
    """The days that a question of the app says yes to, asked one by one."""
    return {day for day in ALL if SEEN_FIRST <= day <= SEEN_LAST and question(day)}


def minutes_inside(tz: str, first: datetime, last: datetime) -> set[int]:
    """Minutes UTC at which the clock on the wall shows a time from first to last, looked at one by one."""
    zone = ZoneInfo(tz)
    start = int(first.replace(tzinfo=zone).timestamp()) // 60 - 26 * 60
    stop = int(last.replace(tzinfo=zone).timestamp()) // 60 + 26 * 60
    return {
        m for m in range(start, stop) if first <= datetime.fromtimestamp(m * 60, zone).replace(tzinfo=None) <= last
    }

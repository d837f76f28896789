"""Public holidays of France (also of Alsace-Moselle) and closing days of TARGET, by rule.

Limits: the law as it stands, for every year: France has had these eleven days since 1982, TARGET its six since 2002.
Days off that a company gives, strikes and one-off holidays are rows of their own in a calendar.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

#: (month, day) of the fixed days, and days from Easter Sunday of the mobile ones.
FRANCE = ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)), (1, 39, 50)
ALSACE_MOSELLE = (*FRANCE[0], (12, 26)), (*FRANCE[1], -2)
TARGET = ((1, 1), (5, 1), (12, 25), (12, 26)), (-2, 1)
NONE: tuple[tuple[tuple[int, int], ...], tuple[int, ...]] = (), ()

#: `week` has no holiday: its working days are Monday to Friday.
KNOWN = {"fr": FRANCE, "fr-alsace-moselle": ALSACE_MOSELLE, "target": TARGET, "week": NONE}


@lru_cache(maxsize=1024)
def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar. Butcher's algorithm, as in Meeus, Astronomical Algorithms, 1991."""
    a, b, c = year % 19, year // 100, year % 100
    d = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    e = (32 + 2 * (b % 4) + 2 * (c // 4) - d - c % 4) % 7
    f = d + e - 7 * ((a + 11 * d + 22 * e) // 451) + 114
    return date(year, f // 31, f % 31 + 1)


@lru_cache(maxsize=1024)
def holidays(which: str, year: int) -> frozenset[date]:
    """The holidays of a year. which: a name in KNOWN."""
    fixed, mobile = KNOWN[which]
    sunday = easter(year)
    return frozenset([date(year, *day) for day in fixed] + [sunday + timedelta(days=n) for n in mobile])


def is_holiday(which: str, day: date) -> bool:
    """Whether a day is one."""
    return day in holidays(which, day.year)


def is_workday(which: str, day: date) -> bool:
    """Not Saturday, not Sunday, not a holiday."""
    return day.weekday() < 5 and day not in holidays(which, day.year)

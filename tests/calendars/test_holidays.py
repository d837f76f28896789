"""Holidays by rule against the package `holidays`, every day of 33 years."""

from __future__ import annotations

import pytest

from adaptive_monitoring.calendars.holidays import KNOWN, easter, holidays, is_holiday, is_workday
from calendars import naive


@pytest.mark.parametrize("which", KNOWN)
def test_every_day_from_2008_to_2040_is_as_the_package_says(which) -> None:
    assert naive.chosen(lambda day: is_holiday(which, day)) == naive.seen(naive.off(which))
    assert naive.chosen(lambda day: is_workday(which, day)) == naive.seen(naive.working(which))


def test_the_oracle_has_as_many_days_as_the_law() -> None:
    for year in range(2008, 2041):
        counts = {which: sum(day.year == year for day in naive.off(which)) for which in KNOWN}
        assert counts["fr-alsace-moselle"] == counts["fr"] + 2 and counts["week"] == 0 and counts["target"] == 6
        assert len(holidays("fr", year)) == counts["fr"] == (10 if year == 2008 else 11)  # Ascension was on 1 May


def test_easter_is_that_of_dateutil() -> None:
    from dateutil.easter import easter as theirs

    assert [easter(year) for year in range(1900, 2201)] == [theirs(year) for year in range(1900, 2201)]

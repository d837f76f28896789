"""Local days and wall times, minute by minute, on the days when clocks change and in zones where they do odd things."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptive_monitoring.calendars.zone import STEP, Zone
from calendars import naive

PARIS = "Europe/Paris"
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
#: zone, a day on which its clocks change: by half an hour, at midnight, by a whole day, or never.
ODD = [
    (PARIS, SPRING),
    (PARIS, AUTUMN),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("America/Sao_Paulo", date(2018, 11, 4)),
    ("America/Sao_Paulo", date(2018, 2, 18)),
    ("Pacific/Apia", date(2011, 12, 30)),
    ("Asia/Kathmandu", date(2026, 1, 1)),
    ("UTC", date(2026, 1, 1)),
]


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp()


@pytest.mark.parametrize(("tz", "day"), ODD)
def test_every_minute_lies_in_the_whole_of_its_local_day_and_in_no_other(tz, day) -> None:
    zone = Zone(tz)
    days = [day + timedelta(days=n) for n in range(-2, 3)]
    wholes = {one: zone.whole(one, one) for one in days}
    start = int(wholes[days[1]][0])
    for t in range(start, start + 3 * 86400, 60):
        inside = [one for one, (first, last) in wholes.items() if first <= t <= last]
        assert inside == [zone.day(t)] == [zone.day(t // 900 * 900)]


@pytest.mark.parametrize(("tz", "day"), ODD)
def test_a_row_of_days_has_no_gap(tz, day) -> None:
    zone = Zone(tz)
    assert zone.whole(day - timedelta(days=1), day + timedelta(days=1)) == (
        zone.opens(day - timedelta(days=1)),
        zone.opens(day + timedelta(days=2)) - STEP,
    )


@pytest.mark.parametrize(
    ("day", "first", "last", "start", "end"),
    [
        # 02:00 to 03:00 does not exist on this day: the window keeps its length, behind the change
        (SPRING, (2, 0), (3, 0), "2026-03-29T01:00", "2026-03-29T02:00"),
        (SPRING, (2, 15), (2, 45), "2026-03-29T01:15", "2026-03-29T01:45"),
        # what begins in the skipped hour begins later; what ends in it ends later
        (SPRING, (2, 30), (5, 0), "2026-03-29T01:30", "2026-03-29T03:00"),
        (SPRING, (1, 0), (2, 30), "2026-03-29T00:00", "2026-03-29T01:30"),
        # across the change the wall clock counts: an hour less
        (SPRING, (1, 0), (4, 0), "2026-03-29T00:00", "2026-03-29T02:00"),
        # 02:00 to 03:00 comes twice on this day: both are covered
        (AUTUMN, (2, 0), (3, 0), "2026-10-25T00:00", "2026-10-25T02:00"),
        (AUTUMN, (2, 15), (2, 45), "2026-10-25T00:15", "2026-10-25T01:45"),
        # across the change the wall clock counts: an hour more
        (AUTUMN, (1, 0), (4, 0), "2026-10-24T23:00", "2026-10-25T03:00"),
    ],
)
def test_windows_on_the_two_days_when_clocks_change(day, first, last, start, end) -> None:
    assert Zone(PARIS).span((day, time(*first)), (day, time(*last))) == (utc(start), utc(end))


@given(
    st.sampled_from(ODD), st.integers(0, 95), st.integers(0, 95), st.integers(-1, 1)
)
def test_a_window_covers_every_minute_at_which_the_clock_shows_its_hours(odd, one, other, shift) -> None:
    tz, day = odd
    day = day + timedelta(days=shift)
    first, last = (datetime.combine(day, time()) + timedelta(minutes=15 * n) for n in sorted((one, other)))
    start, end = Zone(tz).span((day, first.time()), (day, last.time()))
    wanted = naive.minutes_inside(tz, first, last)
    got = {m for m in range(int(start // 60) - 1, int(end // 60) + 2) if start <= m * 60 <= end}
    assert wanted <= got
    # more than that only where the clock jumps: an hour that is repeated between two passes, or one that is skipped
    if len(wanted) == (last - first).total_seconds() // 60 + 1:
        assert got == wanted


def test_an_unknown_zone_is_a_value_error() -> None:
    for name in ("Europe/Pariss", "../etc/passwd", "Europe", "x\0y"):
        with pytest.raises(ValueError, match="IANA"):
            Zone(name)

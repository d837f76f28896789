"""Calendars: day types, windows, bad rows."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptive_monitoring.calendars.calendar import Calendar, Day, Window, read_calendar
from adaptive_monitoring.errors import BadCalendar, CollectionNotFound
from calendars import naive

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PARIS = "Europe/Paris"


def shift(rule: str, day_type: str, **cells: str) -> dict[str, str]:
    return {"rule": rule, "day_type": day_type, **cells}


def skip(rule: str, **cells: str) -> dict[str, str]:
    return {"rule": rule, "action": "skip", **cells}


def paris(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(PARIS)).timestamp()


def put(folder, name: str, data: bytes) -> str:
    (folder / "lookups").mkdir(exist_ok=True)
    (folder / "lookups" / name).write_bytes(data)
    return str(folder)


def test_the_first_matching_row_gives_the_day_type_and_all_give_flags() -> None:
    rules = [shift("12-25", "closed"), shift("holiday fr", "holiday", name="fr"), shift("fri", "friday")]
    calendar = Calendar("c", rules)
    assert calendar.day(date(2026, 12, 25)) == Day("closed", ("closed", "fr", "friday"))
    assert calendar.day(date(2026, 11, 11)) == Day("holiday", ("fr",))
    assert calendar.day(date(2026, 12, 18)).day_type == "friday"
    assert calendar.day(date(2026, 12, 17)) == Day("", ())
    assert calendar.types == ("closed", "friday", "holiday") and calendar.problems == []


def test_days_far_away_are_ordinary_days() -> None:
    calendar = Calendar("c", [shift("mon..sun", "all"), shift("workday -1 +3", "x")])
    assert calendar.day(date.min) == calendar.day(date.max) == Day("", ()) and calendar.day(date(2200, 12, 31)).day_type


def test_a_timed_window_has_its_buffers_and_keys() -> None:
    calendar = Calendar("c", [skip("sun 02:00-06:00", before="30m", after="1h", host="web*", name="patch")], PARIS)
    assert calendar.windows(date(2026, 6, 7), date(2026, 6, 7)) == [
        Window(paris("2026-06-07T01:30"), paris("2026-06-07T07:00"), (("host", "web*"),), "patch")
    ]
    assert calendar.windows(date(2026, 6, 8), date(2026, 6, 13)) == [] and calendar.fields == ("host",)


def test_a_whole_day_ends_just_before_the_next() -> None:
    (window,) = Calendar("c", [skip("2026-03-29")], PARIS).windows(date(2026, 3, 29), date(2026, 3, 29))
    assert window.start == paris("2026-03-29") and window.end == paris("2026-03-30") - 1e-6
    assert round(window.end - window.start) == 23 * 3600


def test_a_range_of_days_is_one_window_and_a_recurring_rule_one_a_day() -> None:
    calendar = Calendar("c", [skip("2026-08-01..2026-08-31", name="summer"), skip("sat,sun", name="weekend")])
    windows = calendar.windows(date(2026, 8, 8), date(2026, 8, 9))
    assert [(window.name, round((window.end - window.start) / 86400)) for window in windows] == [
        ("summer", 31), ("weekend", 1), ("weekend", 1)
    ]  # fmt: skip


def test_a_window_over_midnight_and_one_with_a_long_buffer_touch_the_days_they_reach() -> None:
    calendar = Calendar("c", [skip("fri 22:00-04:00"), skip("2026-06-01", after="7d", name="long")], PARIS)
    assert [w.name for w in calendar.windows(date(2026, 6, 6), date(2026, 6, 6))] == ["long", "fri 22:00-04:00"]
    assert [w.name for w in calendar.windows(date(2026, 6, 8), date(2026, 6, 8))] == ["long"]
    assert calendar.windows(date(2026, 6, 9), date(2026, 6, 11)) == []


def test_a_row_may_have_a_zone_of_its_own() -> None:
    rows = [skip("2026-06-01T22:00..2026-06-02T02:00", tz="America/New_York"), skip("2026-06-01", tz="Asia/Tokyo")]
    windows = Calendar("c", rows, PARIS).windows(date(2026, 5, 31), date(2026, 6, 2))
    assert [(w.start, round(w.end)) for w in windows] == [
        (paris("2026-05-31T17:00"), paris("2026-06-01T17:00")), (paris("2026-06-02T04:00"), paris("2026-06-02T08:00"))
    ]  # fmt: skip


RULES = ["sun 02:00-06:00", "sat,sun", "workday -1 18:00-03:00", "2026-03-28..2026-03-30",
         "2026-10-24T23:30..2026-10-25T02:30",
         "last sun 02:00-03:00", "last sun 01:30-02:15", "holiday fr"]  # fmt: skip


@given(
    st.sampled_from(RULES), st.sampled_from(["", "15m", "2h", "1d"]), st.sampled_from(["", "45m", "3d"]),
    st.dates(date(2026, 3, 1), date(2026, 11, 30)), st.integers(0, 20),
)  # fmt: skip
def test_what_touches_some_days_is_what_touches_them_in_a_longer_look(rule, before, after, first, n) -> None:
    """Cutting the look changes nothing, so a long look is the twin of a short one."""
    calendar, last = Calendar("c", [skip(rule, before=before, after=after)], PARIS), first + timedelta(days=n)
    every = calendar.windows(first - timedelta(days=40), last + timedelta(days=40))
    early, late = calendar.zone.whole(first, last)
    assert calendar.windows(first, last) == [w for w in every if w.end >= early and w.start <= late]


def test_windows_of_a_year_are_those_of_the_twin() -> None:
    rule = "workday -1 18:00-03:00"
    got = Calendar("c", [skip(rule, before="15m")], PARIS).windows(date(2026, 1, 1), date(2026, 12, 31))
    days = sorted(naive.nth_workday("fr", "month", -1) & naive.span("2025-12-31", "2026-12-31"))
    assert [(w.start, w.end) for w in got] == [
        (paris(f"{day}T17:45"), paris(f"{day + timedelta(days=1)}T03:00")) for day in days
    ]


BAD = [
    (shift("holyday fr", "x"), 'line 2: rule must be .*got "holyday fr"; did you mean holiday?'),
    (shift("", "x"), "line 2: rule must be"),
    (shift("mon", ""), "line 2: day_type must be .* unless action=skip"),
    (shift("mon", "a b"), 'line 2: day_type .*got "a b"'),
    (shift("mon", "x", action="drop"), 'line 2: action must be shift or skip.*got "drop"'),
    (shift("mon 02:00-03:00", "x"), "line 2: rule must be about whole days"),
    (shift("mon", "x", host="web1"), "line 2: host must be empty, unless action=skip"),
    (shift("mon", "x", before="5m"), "line 2: before must be empty"),
    (shift("mon", "x", tz=PARIS), "line 2: tz must be empty"),
    (skip("mon", before="5 parsecs"), 'line 2: before must be a span .*got "5 parsecs"'),
    (skip("mon", after="8d"), "line 2: after must be a span .* at most 7d"),
    (skip("mon", tz="Europe/Pariss"), 'line 2: tz must be a time zone .*got "Europe/Pariss"'),
    (skip("mon", name="a|b"), "line 2: name must not hold"),
]


@pytest.mark.parametrize(("row", "says"), BAD)
def test_a_bad_row_is_named_and_the_others_work(row, says) -> None:
    import re

    calendar = Calendar("mine", [row, shift("tue", "good")])
    assert calendar.day(date(2026, 6, 2)).day_type == "good" and calendar.day(date(2026, 6, 1)).day_type == ""
    assert calendar.windows(date(2026, 6, 1), date(2026, 6, 7)) == []
    (problem,) = calendar.problems
    assert re.match(f"calendar mine, {says}", problem) and problem.endswith("the row is left out")


def test_no_usable_row_is_an_error_with_the_reason() -> None:
    with pytest.raises(BadCalendar, match=r"no row can be used; calendar c, line 2: rule .* \(ADM027\)"):
        Calendar("c", [shift("x", "y")])
    with pytest.raises(BadCalendar, match="it is empty"):
        Calendar("c", [{}, {"rule": "# a remark"}])
    with pytest.raises(BadCalendar, match="and 17 more"):
        Calendar("c", [shift("x", "y")] * 20)
    with pytest.raises(BadCalendar, match="tz must be a time zone"):
        Calendar("c", [shift("mon", "y")], "Nowhere")


def test_a_file_is_read_with_its_line_numbers(tmp_path) -> None:
    app = put(tmp_path, "mine.csv", (
        b"\xef\xbb\xbfrule,day_type, action ,comment\r\n"
        b'"sat,sun",weekend,,"two\r\nlines"\r\n'
        b"\r\n"
        b"# off,,,\r\n"
        b"xyz,a,,\r\n"
        b"sat,sun,closed,,\r\n"
        b"mon\r\n"
        b"2026-06-01,a,shift,\xff\r\n"
    ))  # fmt: skip
    calendar = read_calendar("test: calendar", "mine", app=app)
    assert calendar.day(date(2026, 6, 1)).day_type == "a" and calendar.day(date(2026, 6, 6)).day_type == "weekend"
    assert [problem.split(":")[0] for problem in calendar.problems] == [
        "calendar mine, line 6", "calendar mine, line 7", "calendar mine, line 8"
    ]  # fmt: skip
    assert "must be in quotes" in calendar.problems[1]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "needs the column rule; it has none"),
        (b"day,type\n12-24,x\n", "needs the column rule; it has day, type"),
        (b"rule,day_type\n", "no row can be used; it is empty"),
        (b'rule,day_type\n"' + b"x" * 200_000 + b'",a\n', "is no CSV|at most 120 characters"),
    ],
)
def test_a_file_without_rules_is_an_error(tmp_path, data, says) -> None:
    with pytest.raises(BadCalendar, match=says):
        read_calendar("test: calendar", "mine", app=put(tmp_path, "mine.csv", data))


def test_a_calendar_that_is_not_there_is_named(tmp_path) -> None:
    says = r"test: calendar must name a lookup of this app; there is no .*mine\.csv"
    with pytest.raises(CollectionNotFound, match=says):
        read_calendar("test: calendar", "mine", app=str(tmp_path))


def test_the_shipped_calendar_is_clean_and_skips_nothing() -> None:
    calendar = read_calendar("test", "calendar_fr_bank", PARIS, REPOSITORY)
    assert calendar.problems == [] and calendar.windows(date(2026, 1, 1), date(2026, 12, 31)) == []
    wanted = {
        "2026-01-01": "holiday", "2026-01-02": "month_start", "2026-01-30": "month_end", "2026-03-31": "quarter_end",
        "2026-12-31": "year_end", "2026-04-03": "target_closed", "2026-04-06": "holiday", "2026-07-14": "holiday",
        "2026-08-15": "holiday_weekend", "2026-12-26": "", "2025-12-26": "target_closed", "2026-06-10": "",
        "2024-03-29": "quarter_end",  # Good Friday, and the last working day of the month in France
    }  # fmt: skip
    assert {day: calendar.day(date.fromisoformat(day)).day_type for day in wanted} == wanted
    assert calendar.day(date(2024, 3, 29)).flags == ("quarter_end", "month_end", "target_closed")


def test_starting_loads_nothing_slow() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import adaptive_monitoring.commands.daytypes; "
        "bad = [m for m in ('numpy', 'splunklib', 'icalendar', 'dateutil', 'csv', 'zoneinfo', 'dataclasses', 'typing', "
        "'difflib', 'logging', 'inspect') if m in sys.modules]; sys.exit(', '.join(bad) or 0)"
    )
    path = os.path.join(REPOSITORY, "bin")
    result = subprocess.run([sys.executable, "-S", "-E", "-c", code, path], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")


def test_utc_is_the_zone_when_none_is_named() -> None:
    (window,) = Calendar("c", [skip("2026-06-01")]).windows(date(2026, 6, 1), date(2026, 6, 1))
    assert window.start == datetime(2026, 6, 1, tzinfo=timezone.utc).timestamp()

"""adaptcalendar import=: iCalendar files through the real script, and back in as a calendar."""

from __future__ import annotations

import os
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from searchhead.head import SearchHead

from adaptive_monitoring.calendars.calendar import Calendar, read_calendar
from adaptive_monitoring.calendars.rows import FIELDS
from adaptive_monitoring.commands.icsfile import events
from adaptive_monitoring.errors import BadCalendar
from commands.fleet import App, levels, said

PARIS = ZoneInfo("Europe/Paris")
YEAR = date(2026, 1, 1), date(2026, 12, 31)
RANGE = "from=2026-01-01 until=2026-12-31"


def ics(*bodies: str) -> str:
    """A file of one event per body; properties are separated by |."""
    parts = ["BEGIN:VEVENT", "END:VEVENT"]
    lines = [line for body in bodies for line in (parts[0], *body.split("|"), parts[1])]
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *lines, "END:VCALENDAR", ""])


def put(app: App, text: str) -> None:
    with open(os.path.join(app.lookups, "company.ics"), "wb") as stream:
        stream.write(text.encode())


def load(app: App, words: str = RANGE, **settings):
    return SearchHead(app.folder, **settings).search(f"| adaptcalendar import=company.ics {words}")


def rules(app: App, text: str, words: str = RANGE) -> list[str]:
    put(app, text)
    result = load(app, words)
    assert levels(result) == {"INFO"}
    return [row["rule"] for row in result.rows]


def test_an_all_day_event_is_a_date_and_a_longer_one_a_range(own) -> None:
    put(own, ics("UID:a|DTSTART;VALUE=DATE:20261224|SUMMARY:Closed\\, really",
                 "UID:b|DTSTART;VALUE=DATE:20260803|DTEND;VALUE=DATE:20260808|SUMMARY:Summer | break"))  # fmt: skip
    with open(os.path.join(own.lookups, "company.ics"), "rb") as stream:
        assert b"Summer \r\n break" in stream.read()  # a folded line
    result = load(own)
    assert result.fields == [name for name in FIELDS if name not in ("before", "after", "tz")]  # all empty
    assert said(result, "2 rows of company.ics", level="INFO")
    assert [tuple(row.get(name, "") for name in FIELDS) for row in result.rows] == [
        ("2026-08-03..2026-08-07", "closed", "shift", "", "", "", "Summer break", "b"),
        ("2026-12-24", "closed", "shift", "", "", "", "Closed, really", "a"),
    ]


def test_a_timed_event_is_a_window_in_its_own_zone_or_in_that_of_the_search(own) -> None:
    text = ics("DTSTART;TZID=Europe/Paris:20260607T020000|DTEND;TZID=Europe/Paris:20260607T033030|SUMMARY:Patch",
               "DTSTART:20260608T220000Z|DURATION:PT2H", "DTSTART:20260610T080000|DURATION:PT15M",
               "DTSTART;TZID=W. Europe Standard Time:20260611T080000|DURATION:PT1H")  # fmt: skip
    put(own, text)
    result = load(own, f"{RANGE} action=skip")
    assert [(row["rule"], row.get("tz", ""), row["action"]) for row in result.rows] == [
        ("2026-06-07T02:00..2026-06-07T03:31", "Europe/Paris", "skip"),
        ("2026-06-08T22:00..2026-06-09T00:00", "UTC", "skip"),
        ("2026-06-10T08:00..2026-06-10T08:15", "", "skip"),
        ("2026-06-11T08:00..2026-06-11T09:00", "Europe/Berlin", "skip"),
    ]
    result = load(own, f"{RANGE} action=skip tz=America/New_York")
    assert [row["rule"] for row in result.rows][:2] == [
        "2026-06-06T20:00..2026-06-06T21:31", "2026-06-08T18:00..2026-06-08T20:00"
    ]  # fmt: skip
    assert {row["tz"] for row in result.rows} == {"America/New_York"}


def test_a_timed_event_as_a_day_type_is_the_days_that_it_touches(own) -> None:
    text = ics("DTSTART;TZID=Europe/Paris:20260607T220000|DURATION:PT4H", "DTSTART:20260610T220000Z|DURATION:PT1H",
               "DTSTART;TZID=Europe/Paris:20260612T220000|DURATION:PT2H")  # fmt: skip
    assert rules(own, text) == ["2026-06-07..2026-06-08", "2026-06-10", "2026-06-12"]
    assert rules(own, text, f"{RANGE} tz=Europe/Paris")[1] == "2026-06-11"


def test_recurring_events_keep_their_wall_time_and_their_exceptions_count(own) -> None:
    weekly = ("UID:w|DTSTART;TZID=Europe/Paris:20200104T020000|DURATION:PT1H|RRULE:FREQ=WEEKLY;BYDAY=SU|"
              "EXDATE;TZID=Europe/Paris:20260308T020000")  # fmt: skip
    instead = "UID:w|RECURRENCE-ID;TZID=Europe/Paris:"
    moved = instead + "20260315T020000|DTSTART;TZID=Europe/Paris:20260316T050000|DURATION:PT1H"
    gone = instead + "20260322T020000|STATUS:CANCELLED|DTSTART;TZID=Europe/Paris:20260322T020000"
    put(own, ics(weekly, moved, gone))
    result = load(own, "from=2026-03-01 until=2026-04-05 action=skip")
    assert [row["rule"] for row in result.rows] == [
        "2026-03-01T02:00..2026-03-01T03:00", "2026-03-16T05:00..2026-03-16T06:00",
        "2026-03-29T02:00..2026-03-29T04:00", "2026-04-05T02:00..2026-04-05T03:00",
    ]  # fmt: skip


def test_recurrence_ends_where_it_says(own) -> None:
    daily = "DTSTART;VALUE=DATE:20260105|RRULE:FREQ=DAILY;"
    assert rules(own, ics(daily + "COUNT=3")) == ["2026-01-05", "2026-01-06", "2026-01-07"]
    assert rules(own, ics(daily + "UNTIL=20260106")) == ["2026-01-05", "2026-01-06"]
    assert rules(own, ics(daily + "INTERVAL=200")) == ["2026-01-05", "2026-07-24"]
    until = "DTSTART;TZID=Europe/Paris:20260601T003000|DURATION:PT1H|RRULE:FREQ=DAILY;UNTIL=20260602T223000Z"
    assert rules(own, ics(until)) == ["2026-06-01", "2026-06-02", "2026-06-03"]
    monthly = "DTSTART;VALUE=DATE:20260130|RRULE:FREQ=MONTHLY;BYDAY=-1FR;COUNT=3|RDATE;VALUE=DATE:20260501"
    assert rules(own, ics(monthly)) == ["2026-01-30", "2026-02-27", "2026-03-27", "2026-05-01"]


def test_a_zone_that_the_file_describes_itself_becomes_utc(own) -> None:
    zone = "BEGIN:VTIMEZONE|TZID:Ours|BEGIN:STANDARD|DTSTART:20000101T000000|TZOFFSETFROM:+0300|TZOFFSETTO:+0300"
    zone += "|END:STANDARD|END:VTIMEZONE|BEGIN:VEVENT"
    text = ics("DTSTART;TZID=Ours:20260607T020000|DURATION:PT1H")
    put(own, text.replace("BEGIN:VEVENT", zone.replace("|", "\r\n"), 1))
    (row,) = load(own, f"{RANGE} action=skip").rows
    assert (row["rule"], row["tz"]) == ("2026-06-06T23:00..2026-06-07T00:00", "UTC")


@given(
    st.dates(date(2024, 1, 1), date(2026, 12, 31)),
    st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
    st.integers(1, 5),
    st.integers(1, 40),
)
@settings(max_examples=40)
def test_all_day_recurrence_is_that_of_counting(start, often, interval, length) -> None:
    """Twin: step by step with date arithmetic; months without the day are passed over."""
    end = start + timedelta(days=length)
    dates = f"DTSTART;VALUE=DATE:{start:%Y%m%d}|DTEND;VALUE=DATE:{end:%Y%m%d}"
    text = ics(f"{dates}|RRULE:FREQ={often};INTERVAL={interval}")
    problems: list[str] = []
    got = [event.start for event in events("x.ics", text, *YEAR, problems)]
    wanted = []
    for day in (start + timedelta(days=n) for n in range(366 * 4)):
        months = (day.year - start.year) * 12 + day.month - start.month
        steps = {
            "DAILY": (day - start).days % interval == 0,
            "WEEKLY": (day - start).days % (7 * interval) == 0,
            "MONTHLY": months % interval == 0 and day.day == start.day,
            "YEARLY": months % (12 * interval) == 0 and day.day == start.day,
        }
        if steps[often] and day <= YEAR[1] and day + timedelta(days=length - 1) >= YEAR[0]:
            wanted.append(day)
    assert got == wanted and problems == []


def test_what_is_imported_works_as_a_calendar(own) -> None:
    put(own, ics("DTSTART;TZID=Europe/Paris:20260329T020000|DURATION:PT1H|SUMMARY:Patch",
                 "DTSTART;TZID=Europe/Paris:20261025T020000|DURATION:PT1H|SUMMARY:Patch"))  # fmt: skip
    head = SearchHead(own.folder)
    words = f"import=company.ics {RANGE}"
    assert not head.search(f"| adaptcalendar {words} day_type=patch_day | outputlookup mine.csv").errors
    kept = head.search(f"| adaptcalendar {words} action=skip | outputlookup append=true mine.csv")
    assert not kept.errors
    calendar = read_calendar("test", "mine", "Europe/Paris", own.folder)
    assert calendar.problems == [] and calendar.day(date(2026, 3, 29)).day_type == "patch_day"
    spring, autumn = calendar.windows(*YEAR)
    assert (spring.start, spring.end) == (datetime(2026, 3, 29, 3, tzinfo=PARIS).timestamp(),
                                          datetime(2026, 3, 29, 4, tzinfo=PARIS).timestamp())  # fmt: skip
    assert autumn.start == datetime(2026, 10, 25, 2, tzinfo=PARIS).timestamp() and autumn.name == "Patch"
    assert autumn.end >= autumn.start + 3600
    rows = [{"_time": f"{spring.start + 60}"}, {"_time": f"{spring.end + 60}"}]
    inside = head.search("search x | adaptcalendar calendar=mine tz=Europe/Paris", rows).rows
    assert [row["in_maintenance"] for row in inside] == ["1", "0"]


BROKEN = [
    ("DTSTART:2026", "line 7: DTSTART"),
    ("SUMMARY:x", "line 7: no DTSTART"),
    ("DTSTART:20260101T100000Z|DTEND:20260101T090000Z", "line 7: it ends before it starts"),
    ("DTSTART;VALUE=DATE:20260101|DTEND:20260101T090000Z", "line 7: DTSTART and DTEND must both be"),
    ("DTSTART:20260101T100000Z|RRULE:FREQ=MINUTELY", "line 7: it recurs more often than daily"),
    ("DTSTART:20260101T100000Z|RRULE:FREQ=SOMETIMES", "line 7:"),
    ("DTSTART;TZID=No/Where:20260101T100000", 'line 7: DTSTART is in a time zone that is unknown, "No/Where"'),
    ("DTSTART:20260101T100000Z|DTEND;TZID=No/Where:20260101T110000", "line 7: DTEND is in a time zone"),
]


@pytest.mark.parametrize(("body", "says"), BROKEN)
def test_a_broken_event_is_named_by_its_line_and_the_others_work(own, body, says) -> None:
    put(own, ics("DTSTART;VALUE=DATE:20261224|UID:a", body, "DTSTART;VALUE=DATE:20261231"))
    result = load(own)
    assert [row["rule"] for row in result.rows] == ["2026-12-24", "2026-12-31"]
    assert said(result, f"adaptcalendar: company.ics, {says}", "the event is left out")


WHOLE = ics("DTSTART;VALUE=DATE:20261224")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "company.ics: no VEVENT"),
        ("rule,day_type\n12-24,x\n", "line 1: must be NAME:value|line 1: an iCalendar file begins with"),
        ("X-A:1\r\n" + WHOLE, "line 1: an iCalendar file begins with BEGIN:VCALENDAR"),
        (ics(), "no VEVENT in it"),
        (WHOLE.replace("DTSTART;VALUE=DATE:20261224", "DTSTART 20261224"), "line 4: must be NAME:value"),
        (WHOLE.replace("END:VEVENT\r\n", ""), "line 5: END:VCALENDAR closes nothing"),
        (WHOLE[: WHOLE.index("END:VEVENT")], "line 3: BEGIN:VEVENT is never closed"),
    ],
)
def test_a_file_that_is_no_calendar_is_an_error_that_names_the_line(own, text, says) -> None:
    import re

    put(own, text)
    result = load(own)
    assert len(result.errors) == 1 and re.search(says, result.errors[0]) and "ADM027" in result.errors[0]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("import=nothing.ics", "there is no .*nothing.ics.*ADM030"),
        ("import=../company.ics", "import must be a file of lookups.*ADM011"),
        ("import=company.ics by host", "import= takes neither BY nor calendar=.*ADM013"),
        ("import=company.ics from=2027-01-01 until=2026-01-01", "from must not be after until.*ADM011"),
        ("import=company.ics from=2026-13-01", "from must be a date.*ADM011"),
        ("import=company.ics action=drop", "action must be shift or skip.*ADM011"),
    ],
)
def test_what_is_typed_wrong_is_explained(own, words, says) -> None:
    import re

    put(own, WHOLE)
    result = SearchHead(own.folder).search(f"| adaptcalendar {words}")
    assert len(result.errors) == 1 and re.search(says, result.errors[0])


def test_nothing_in_range_is_said_and_gives_no_rows(own) -> None:
    put(own, WHOLE)
    result = load(own, "from=2020-01-01 until=2020-12-31")
    assert result.rows == [] and said(result, "0 rows of company.ics from 2020-01-01", level="INFO")


LINES = ics("DTSTART:20260101T100000Z|RRULE:FREQ=DAILY;COUNT=2|EXDATE:x").split("\r\n")


@given(st.lists(st.sampled_from(LINES), max_size=12))
@settings(max_examples=150)
def test_lines_in_any_order_are_read_or_refused_in_words(lines) -> None:
    problems: list[str] = []
    try:
        for event in events("x.ics", "\n".join(lines), *YEAR, problems):
            assert Calendar("c", [{"rule": f"{event.start:%Y-%m-%d}", "day_type": "x"}]).types == ("x",)
    except BadCalendar as error:
        assert "x.ics" in str(error)
    assert all(problem.startswith("x.ics, line ") for problem in problems)

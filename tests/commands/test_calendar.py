"""adaptcalendar on rows: through its real script, also as an indexer runs it."""

from __future__ import annotations

import os
import random
import shutil
from datetime import datetime
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

import pytest

from adaptive_monitoring.calendars.calendar import Calendar
from adaptive_monitoring.calendars.moments import KEPT, Moments
from adaptive_monitoring.commands.daytypes import FIELDS
from commands.fleet import App, levels, said

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PARIS = "Europe/Paris"
MINE = '''rule,day_type,action,before,after,name,host,comment
holiday fr,holiday,,,,,,
sun,sunday,shift,,,,,
sun 02:00-06:00,,skip,30m,,patch,web*,
2026-03-29T02:10..2026-03-29T03:20,,skip,,,"odd, ""quoted""",,
workday -1 22:00-02:00,,skip,,1h,batch,db1,
'''


def put(app: App, text: str, name: str = "mine") -> None:
    with open(os.path.join(app.lookups, f"{name}.csv"), "w", encoding="utf-8") as stream:
        stream.write(text)


def paris(text: str) -> str:
    return f"{datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(PARIS)).timestamp():.0f}"


def at(*times: str, host: str = "web1") -> list[dict[str, str]]:
    return [{"_time": paris(time), "host": host} for time in times]


def answers(result) -> list[tuple[str, str, str]]:
    return [tuple(row.get(name, "") for name in FIELDS) for row in result.rows]


def test_rows_get_the_day_type_the_flags_and_whether_they_are_in_a_window(own) -> None:
    put(own, MINE)
    rows = [*at("2026-06-07T01:29:59", "2026-06-07T01:30", "2026-06-07T06:00", "2026-06-07T06:00:01"),
            *at("2026-06-07T03:00", host="db1"), *at("2026-05-01T12:00", "2026-06-10T12:00"),
            *at("2026-05-30T02:59", "2026-05-30T03:01", host="db1")]  # fmt: skip
    result = own.search("adaptcalendar calendar=mine tz=Europe/Paris by host", rows)
    assert answers(result) == [
        ("sunday", "sunday", "0"), ("sunday", "sunday|patch", "1"), ("sunday", "sunday|patch", "1"),
        ("sunday", "sunday", "0"), ("sunday", "sunday", "0"), ("holiday", "holiday", "0"), ("", "", "0"),
        ("", "batch", "1"), ("", "", "0"),
    ]  # fmt: skip
    assert levels(result) == set() and [row["host"] for row in result.rows] == [row["host"] for row in rows]


def test_a_name_with_quotes_and_commas_comes_out_whole(own) -> None:
    put(own, MINE)
    result = own.search("adaptcalendar calendar=mine tz=Europe/Paris by host", at("2026-03-29T03:15", host="db9"))
    assert answers(result) == [("sunday", 'sunday|odd, "quoted"', "1")]


@pytest.mark.parametrize("tz", [PARIS, "America/New_York", "Australia/Lord_Howe", "UTC"])
def test_every_row_is_as_the_rules_say_one_by_one(own, tz) -> None:
    """Around both clock changes, against the calendar asked for each row by itself."""
    put(own, MINE)
    chance = random.Random(7)
    start = float(paris("2026-03-27T00:00"))
    rows = [
        {"_time": f"{start + chance.choice((0, 210 * 86400)) + chance.uniform(0, 6 * 86400):.3f}",
         "host": chance.choice(["web1", "db1", "webx", ""])}
        for _ in range(400)
    ]  # fmt: skip
    lines = [line.split(",") for line in MINE.replace('"odd, ""quoted"""', "odd").splitlines()]
    calendar = Calendar("mine", [dict(zip(lines[0], cells)) for cells in lines[1:]], tz)
    wanted = []
    for row in rows:
        t = float(row["_time"])
        day = datetime.fromtimestamp(t, ZoneInfo(tz)).date()
        windows = [
            window for window in calendar.windows(day, day)
            if window.start <= t <= window.end and all(fnmatchcase(row["host"], text) for _, text in window.keys)
        ]  # fmt: skip
        flags = dict.fromkeys([*calendar.day(day).flags, *(window.name for window in windows)])
        wanted.append((calendar.day(day).day_type, "|".join(flags), str(int(bool(windows)))))
    got = answers(own.search(f"adaptcalendar calendar=mine tz={tz}", rows))
    assert [(kind, flags.replace('odd, "quoted"', "odd"), inside) for kind, flags, inside in got] == wanted
    assert len({inside for _, _, inside in wanted}) == 2


def test_indexers_give_what_the_search_head_gives(own) -> None:
    put(own, MINE)
    chance = random.Random(3)
    rows = [
        {"_time": f"{float(paris('2026-05-28T00:00')) + i * 300}", "host": chance.choice(["web1", "db1"]), "n": str(i)}
        for i in range(3000)
    ]
    text = "adaptcalendar calendar=mine tz=Europe/Paris by host | sort 0 n"
    alone, spread = own.search(text, rows), own.search(text, rows, indexers=2)
    assert not spread.errors and spread.rows == alone.rows
    assert {row["in_maintenance"] for row in alone.rows} == {"0", "1"}


def test_the_default_calendar_travels_to_the_indexers(own) -> None:
    shutil.copy(os.path.join(REPOSITORY, "lookups", "calendar_fr_bank.csv"), own.lookups)
    rows = at("2026-12-31T12:00", "2026-01-01T00:00", "2026-12-31T23:59:59", "2026-06-10T12:00")
    result = own.search("adaptcalendar tz=Europe/Paris", rows, indexers=2)
    assert sorted(answers(result)) == [
        ("", "", "0"), ("holiday", "holiday_fr|target_closed", "0"),
        *[("year_end", "year_end|quarter_end|month_end", "0")] * 2,
    ]  # fmt: skip


def test_bad_rows_are_warned_about_and_the_others_work(own) -> None:
    put(own, "rule,day_type\nholyday,x\nsun,sunday\n" + "nonsense,y\n" * 8)
    result = own.search("adaptcalendar calendar=mine", at("2026-06-07T12:00"))
    assert answers(result) == [("sunday", "sunday", "0")]
    assert said(result, "adaptcalendar: calendar mine, line 2: rule must be", "did you mean holiday?")
    assert said(result, "4 more rows of it were left out")


def test_a_rule_for_a_field_that_by_does_not_name_concerns_no_row_and_is_said(own) -> None:
    put(own, MINE)
    rows = [{**row, "site": "a"} for row in at("2026-06-07T03:00")]
    result = own.search("adaptcalendar calendar=mine tz=Europe/Paris by site", rows)
    assert answers(result) == [("sunday", "sunday", "0")] and said(result, "cell in host concern no row", "only site")


def test_rows_without_a_time_are_on_no_day(own) -> None:
    put(own, MINE)
    rows = [{"_time": text, "host": "web1"} for text in ("", "never", "nan", "inf", "1e300", "-1e15")]
    result = own.search("adaptcalendar calendar=mine tz=Europe/Paris", [*rows, *at("2026-06-07T12:00")])
    assert answers(result) == [("", "", "0")] * 6 + [("sunday", "sunday", "0")]
    assert said(result, "6 rows without a usable _time")


def test_fields_of_the_input_are_replaced_and_it_is_said(own) -> None:
    put(own, MINE)
    result = own.search("adaptcalendar calendar=mine", [{**row, "day_type": "old"} for row in at("2026-06-07T12:00")])
    assert answers(result) == [("sunday", "sunday", "0")] and said(result, "fields day_type of the input were replaced")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("calendar=nothing", "calendar must name a lookup of this app.*ADM030"),
        ("calendar=empty", "no row can be used.*ADM027"),
        ("calendar=mine tz=Europe/Pariss", "tz must be a time zone.*ADM011"),
        ("calendar=../mine", "calendar must be 1 to 64.*ADM011"),
        ("calender=mine", "did you mean calendar.*ADM010"),
        ("calendar=mine day_type=x", "day_type= goes with import=.*ADM013"),
        ("calendar=mine from=soon", "from must be a date such as.*ADM011"),
    ],
)
def test_what_is_typed_wrong_is_explained(own, words, says) -> None:
    import re

    put(own, MINE)
    put(own, "rule,day_type\n", "empty")
    result = own.search(f"adaptcalendar {words}", at("2026-06-07T12:00"))
    assert len(result.errors) == 1 and re.search(says, result.errors[0]) and result.rows == []


def test_more_times_than_are_kept_give_the_same_answers() -> None:
    calendar = Calendar("c", [{"rule": "day 1", "day_type": "first"}])
    moments = Moments(calendar, lambda day, windows: day.day_type)
    found = [moments[str(i * 60)].text for i in range(KEPT + 5000)]
    assert [i for i, text in enumerate(found) if text] == [*range(1440), *range(31 * 1440, 32 * 1440),
                                                           *range(59 * 1440, 60 * 1440)]  # fmt: skip
    assert len(moments) <= KEPT

"""adaptcalendar through its real script."""

from __future__ import annotations

from typing import Any

import pytest

from commands.fleet import App, said

PARIS = "tz=Europe/Paris"
RULES = (
    "rule,day_type,action,before,after,host,name\n"
    "holiday fr,holiday,shift,,,,holidays\n"
    "workday -1,month_end,shift,,,,\n"
    "2026-11-24T22:00..2026-11-25T04:00,,skip,30m,1h,web*,patching\n"
    "the day after,odd,shift,,,,\n"
)


@pytest.fixture
def ruled(own: App) -> App:
    with open(f"{own.folder}/lookups/mine.csv", "w", encoding="utf-8") as stream:
        stream.write(RULES)
    return own


def row(moment: str, host: str = "web1") -> dict[str, Any]:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    when = datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo("Europe/Paris"))
    return {"_time": f"{when.timestamp():.0f}", "host": host}


@pytest.mark.parametrize("settings", [{}, {"indexers": 2}])
def test_rows_get_the_type_of_their_local_day(ruled: App, settings: dict[str, int]) -> None:
    rows = [row("2026-11-11T00:00"), row("2026-11-10T23:59"), row("2026-11-30T12:00"), row("2026-12-25T18:00")]
    result = ruled.search(f"adaptcalendar calendar=mine {PARIS} by host", rows, **settings)
    types = sorted(found["day_type"] for found in result.rows if found["day_type"])
    assert types == ["holiday", "holiday", "month_end"]


def test_a_window_with_buffers_concerns_its_hosts_alone(ruled: App) -> None:
    moments = ["2026-11-24T21:29", "2026-11-24T21:30", "2026-11-25T05:00", "2026-11-25T05:01"]
    rows = [row(moment, host) for host in ("web1", "db1") for moment in moments]
    result = ruled.search(f"adaptcalendar calendar=mine {PARIS} by host", rows)
    found = {name: [r["in_maintenance"] for r in result.rows if r["host"] == name] for name in ("web1", "db1")}
    assert found == {"web1": ["0", "1", "1", "0"], "db1": ["0"] * 4}


def test_a_rule_that_cannot_be_read_is_named_with_its_row_and_the_others_work(ruled: App) -> None:
    result = ruled.search(f"adaptcalendar calendar=mine {PARIS} by host", [row("2026-11-11T12:00")])
    assert not result.errors and said(result, "line 5", "the day after")
    assert result.rows[0]["day_type"] == "holiday"


def test_a_calendar_that_is_missing_is_an_error(own: App) -> None:
    result = own.search("adaptcalendar calendar=nowhere", [row("2026-11-11T12:00")])
    assert "calendar must name a lookup of this app" in result.errors[0]

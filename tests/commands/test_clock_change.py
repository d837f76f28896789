"""The two days a year when clocks change: a host that lives by the clock on the wall alerts on neither."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from commands.fleet import App

PARIS = ZoneInfo("Europe/Paris")
CHANGES = {"spring": datetime(2026, 3, 29, tzinfo=PARIS), "autumn": datetime(2026, 10, 25, tzinfo=PARIS)}
STEP_S = 900
LEARNED_DAYS, SCORED_DAYS = 27, 3  # both end a day and a half behind the change


def rows(change: datetime, weekly: bool) -> list[dict[str, Any]]:
    """Two hosts that are busy from 8 to 18 by the clock on the wall, with weekly=True on working days only."""
    first = change.timestamp() - (LEARNED_DAYS + 1) * 86400
    out = []
    for host in ("a", "b"):
        chance = random.Random(f"{host}{change}")
        for i in range((LEARNED_DAYS + SCORED_DAYS) * 86400 // STEP_S):
            t = first + i * STEP_S
            wall = datetime.fromtimestamp(t, timezone.utc).astimezone(PARIS)
            busy = 8 <= wall.hour < 18 and not (weekly and wall.isoweekday() > 5)
            value = 20 + 60 * busy + chance.gauss(0, 2)
            out.append({"_time": f"{t:.0f}", "host": host, "load": f"{value:.3f}"})
    return sorted(out, key=lambda row: float(row["_time"]))


def alerts(found: list[dict[str, Any]], since: datetime) -> int:
    """Rows in alarm from the change on."""
    return sum(row["is_anomaly"] == "1" and float(row["_time"]) >= since.timestamp() for row in found)


@pytest.mark.parametrize("weekly", [False, True], ids=["daily", "weekly"])
@pytest.mark.parametrize("name", CHANGES)
def test_with_a_model_in_local_time_nobody_is_paged(own: App, name: str, weekly: bool) -> None:
    change = CHANGES[name]
    every = rows(change, weekly)
    border = change.timestamp() - 86400
    before = [row for row in every if float(row["_time"]) < border]
    after = [row for row in every if float(row["_time"]) >= border]
    trained = own.search("adaptfit load by host into clock tz=Europe/Paris", before)
    assert {row["season"] for row in trained.rows} == {"week" if weekly else "day"}
    scored = own.search("adaptdetect load by host model=clock", after).rows
    assert len(scored) == len(after) and alerts(scored, change) == 0


@pytest.mark.parametrize("name", CHANGES)
def test_learning_as_it_goes_in_local_time_nobody_is_paged(own: App, name: str) -> None:
    found = own.search("adaptdetect load by host tz=Europe/Paris", rows(CHANGES[name], False)).rows
    assert alerts(found, CHANGES[name]) == 0


@pytest.mark.parametrize("name", CHANGES)
def test_in_utc_the_same_hosts_do_alert(own: App, name: str) -> None:
    """What the zone is for: without it the busy hours begin an hour off from the change on."""
    change = CHANGES[name] + timedelta(hours=6)
    assert alerts(own.search("adaptdetect load by host", rows(CHANGES[name], False)).rows, change) > 0

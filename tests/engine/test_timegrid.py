"""Blocks and slots against the calendar of the standard library."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptive_monitoring.engine.timegrid import BLOCK_S, block_of, slots_of, utc_offset


@pytest.mark.parametrize("tz", ["", "Europe/Paris", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe"])
@given(st.lists(st.integers(-2 * 10**10, 8 * 10**10).map(lambda i: i / 10), min_size=1, max_size=20))
def test_slots_are_those_of_the_local_clock(tz: str, times: list[float]) -> None:
    day, week = slots_of(np.array(times), tz)
    for t, d, w in zip(times, day.tolist(), week.tolist()):
        moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=t // 900 * 900)
        local = moment.astimezone(ZoneInfo(tz)) if tz else moment
        seconds = local.hour * 3600 + local.minute * 60 + local.second
        if local.utcoffset().total_seconds() % 900 == 0:  # local mean times of long ago do not count in quarters
            assert (d, w) == (int(seconds // 900), local.weekday() * 24 + local.hour)


def test_a_change_of_the_clock_does_not_move_slots() -> None:
    before = datetime(2024, 3, 30, 8, 0, tzinfo=ZoneInfo("Europe/Paris")).timestamp()
    after = datetime(2024, 4, 1, 8, 0, tzinfo=ZoneInfo("Europe/Paris")).timestamp()
    day, week = slots_of(np.array([before, after]), "Europe/Paris")
    assert day.tolist() == [32, 32] and week.tolist() == [5 * 24 + 8, 8]
    assert utc_offset(np.array([before, after]), "Europe/Paris").tolist() == [3600, 7200]


def test_times_that_no_calendar_holds_are_utc() -> None:
    assert utc_offset(np.array([1e11, -1e11, 1e15]), "Europe/Paris")[2] == 0
    assert utc_offset(np.zeros(0), "Europe/Paris").shape == (0,)


def test_blocks_are_six_hours_also_before_1970() -> None:
    assert block_of(np.array([0.0, BLOCK_S - 0.001, BLOCK_S, -0.001, -BLOCK_S])).tolist() == [0, 0, 1, -1, -1]

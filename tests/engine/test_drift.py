"""Levels that have moved for good: told within three days, adopted within seven, never during an alarm."""

from __future__ import annotations

import numpy as np
import pytest
from panels import panel_of
from situations import DAY, HOUR, LEVEL, MONDAY, Host, plain

from adaptive_monitoring.engine import drift
from adaptive_monitoring.engine.base import Panel, Settings, State
from adaptive_monitoring.engine.detectors.adaptive import Adaptive

DETECTOR = Adaptive(Settings())
MOVES = 28  # day on which the level moves


def moved(by: float, days: float, seed: int, back: float = 1e9, wave: float = 2.0) -> Host:
    """A host whose level moves on day 28, 09:00. back: days after which it is as before."""
    t, x = plain(seed, days, wave=wave)
    away = (t >= MONDAY + MOVES * DAY + 9 * HOUR) & (t < MONDAY + (MOVES + back) * DAY + 9 * HOUR)
    return t, x + np.where(away, by, 0.0)[:, None]


def after(hosts: list[Host]) -> State:
    return DETECTOR.fit(panel_of(hosts, 1))


def fleet(by: float, days_after: float, count: int = 20, **other: float) -> State:
    return after([moved(by, MOVES + days_after, seed, **other) for seed in range(count)])


def told(state: State) -> np.ndarray:
    everybody = np.arange(state.entities)
    return drift.told(state.table, everybody, state.table["clock"])[:, 0]


@pytest.mark.parametrize("by", [12.0, -12.0, 40.0])
def test_a_level_that_has_moved_is_told_within_three_days(by: float) -> None:
    assert not told(fleet(by, 1.0)).any()
    state = fleet(by, 3.375)  # rows until the end of the third day after the move
    assert told(state).mean() >= 0.9 and (np.sign(state.table["moved"][told(state), 0]) == np.sign(by)).all()


@pytest.mark.parametrize("by", [12.0, -12.0, 40.0])
def test_it_is_adopted_within_seven_days(by: float) -> None:
    state = fleet(by, 7.375)
    assert (state.table["moved"] == 0).mean() >= 0.9 and (state.table["adopted"] > 0).mean() >= 0.9
    assert np.abs(state.table["constant"][:, 0] - (LEVEL + by)).max() < 4.0


def test_what_is_expected_does_not_change_by_adopting() -> None:
    early, late = (DETECTOR.freeze(fleet(12.0, days)) for days in (5.0, 7.375))
    assert np.abs(early.table["level"] - late.table["level"]).max() < 1.0


def test_a_level_that_comes_back_is_forgotten_without_adopting() -> None:
    state = fleet(12.0, 7.0, back=2.5)
    assert not told(state).any() and not state.table["adopted"].any()


def test_nothing_is_adopted_or_followed_while_an_alarm_goes_on() -> None:
    """Rows in alarm, all the time: as if the operator had not looked yet."""
    state = fleet(0.0, 0.0, count=1)
    table, home = state.table, state.table["constant"].copy()
    table["offset"][:] = 12.0
    for block in range(40):
        number = int(table["block"][0]) + block
        drift.learn(table, np.array([0]), np.full((1, 1), 12.0), number, np.array([True]))
    assert drift.told(table, np.array([0]), np.array([(number + 1) * 21600.0])).all()
    assert (table["moved"] > 0).all() and not table["adopted"].any() and np.array_equal(table["constant"], home)
    drift.learn(table, np.array([0]), np.full((1, 1), 12.0), number + 1, np.array([False]))
    assert (table["adopted"] > 0).all() and np.allclose(table["constant"], home + 12.0) and not table["offset"].any()


def test_the_level_stays_where_it_was_while_an_alarm_goes_on() -> None:
    """The expectation in the last block of an ongoing alarm is still that of before."""
    t, x = plain(3, MOVES + 1)
    grows = t >= MONDAY + MOVES * DAY
    worse = 15 + 40 * (t - MONDAY - MOVES * DAY) / DAY  # ever worse, so that each block has alarms
    x = x + np.where(grows, worse, 0.0)[:, None]
    panel: Panel = panel_of([(t, x)], 1)
    scores, state = DETECTOR.stream(DETECTOR.empty(1, 1), panel)
    assert np.isfinite(state.table["alarm_since"]).all()
    assert abs(scores.expected[-12:, 0].mean() - LEVEL) < 6.0


def test_weekends_of_a_young_host_are_no_drift() -> None:
    hosts = []
    for seed in range(10):
        t, x = plain(seed, 10.0)
        working = ((t - MONDAY) // DAY) % 7 < 5
        hosts.append((t, x + np.where(working, 8.0, 0.0)[:, None]))
    for days in (7.2, 7.6, 9.0):  # the Monday after the weekend
        assert told(after([(t[t < MONDAY + days * DAY], x[t < MONDAY + days * DAY]) for t, x in hosts])).mean() <= 0.1


def test_drift_survives_the_stored_row() -> None:
    state = fleet(12.0, 4.0, count=4)
    again = DETECTOR.thaw(DETECTOR.freeze(state))
    assert np.array_equal(again.table["moved"], state.table["moved"])
    assert drift.told(again.table, np.arange(4), state.table["clock"]).all()

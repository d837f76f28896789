"""What is usual: level, season and scale of made-up metrics, through the detector that learns them."""

from __future__ import annotations

import numpy as np
import pytest
from panels import panel_of

from adaptive_monitoring.engine import profile
from adaptive_monitoring.engine.base import SEASONS, Settings, State
from adaptive_monitoring.engine.registry import make
from adaptive_monitoring.engine.timegrid import slots_of

ONE = np.zeros(1, dtype=np.int64)  # the only entity; its rows; a slot
MONDAY = 1_699_833_600.0  # 2023-11-13 00:00 UTC


def learned(shape, days: float, season: str = "auto", step: float = 1800.0, seed: int = 1) -> tuple[State, np.ndarray]:
    """State after some days of shape(t) + noise of size 1, and the times. One host, one metric."""
    t = MONDAY + step * np.arange(int(days * 86400 / step))
    x = shape(t) + np.random.default_rng(seed).normal(size=len(t))
    return make("adaptive", Settings(season=season)).fit(panel_of([(t, x[:, None])], 1)), t


def expected(state: State, t: np.ndarray) -> np.ndarray:
    every = np.zeros(len(t), dtype=np.int64)
    options = profile.candidates(state.table, ONE, every, *slots_of(t, ""))
    found = profile.expected_of(state.table, ONE, every, options)
    np.testing.assert_array_equal(found, profile.expected_of(state.table, ONE, every, slots_of(t, "")))
    return found[:, 0]


def flat(t: np.ndarray) -> np.ndarray:
    return np.full(len(t), 40.0)


def daily(t: np.ndarray) -> np.ndarray:
    return 40 + 10 * np.sin(2 * np.pi * t / 86400)


def weekly(t: np.ndarray) -> np.ndarray:
    return np.where((t - MONDAY) % 604800 < 5 * 86400, daily(t), 20.0)


@pytest.mark.parametrize(("shape", "days", "season"), [(flat, 8, "none"), (daily, 8, "day"), (weekly, 28, "week")])
def test_the_season_is_found_and_expected(shape, days, season) -> None:
    state, t = learned(shape, days)
    assert SEASONS[int(state.table["season"][0, 0])] == season
    ahead = t[-1] + 1800.0 * np.arange(1, 337)
    error = np.abs(expected(state, ahead) - shape(ahead))
    assert np.median(error) < 1.0 and np.quantile(error, 0.9) < 2.5
    assert 0.5 < profile.scale_of(state.table, ONE, ONE, ONE)[0, 0] < 5


def test_a_season_is_not_believed_before_it_was_seen_often_enough() -> None:
    assert learned(daily, 2.5)[0].table["season"][0, 0] == 0
    assert learned(weekly, 13)[0].table["season"][0, 0] != 2
    for word in SEASONS:
        assert SEASONS[int(learned(daily, 2, word)[0].table["season"][0, 0])] == word


def test_one_bad_day_does_not_spoil_expectation_or_scale() -> None:
    def bad(t: np.ndarray) -> np.ndarray:
        return daily(t) + np.where((t >= MONDAY + 6 * 86400) & (t < MONDAY + 7 * 86400), 300.0, 0.0)

    good_state, t = learned(daily, 10)
    bad_state, _ = learned(bad, 10)
    ahead = t[-1] + 1800.0 * np.arange(1, 49)
    assert np.abs(expected(bad_state, ahead) - expected(good_state, ahead)).max() < 4
    assert bad_state.table["scale"][0, 0] < 3 * good_state.table["scale"][0, 0]


def test_the_level_is_followed() -> None:
    state, t = learned(lambda t: daily(t) + (t - MONDAY) / 86400, 12)
    ahead = t[-1] + 1800.0 * np.arange(1, 13)
    truth = daily(ahead) + (ahead - MONDAY) / 86400
    assert np.abs(expected(state, ahead) - truth).mean() < 2.5


def test_a_new_profile_expects_nothing_and_has_no_scale() -> None:
    table = profile.empty(2, 3)
    assert {values.shape[:2] for values in table.values()} == {(2, 3)}
    assert not profile.scale_floor(table).any() and not profile.day_scales(table).any()
    profile.begin(table, np.array([1]), np.array([[1.0, np.nan, 3.0]]))
    assert table["week"][1, :, 5].tolist() == [1, 0, 3] and not table["constant"][0].any()

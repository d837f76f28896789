"""What a detector refitted with a library stands on: windows, thinned history, refits, calibration, floors, sides."""
from __future__ import annotations

import naive
import numpy as np
import pytest
from panels import START, fleet, following, host, panel_of, spiked

from adaptive_monitoring.engine import robust, surprise, threshold, trailing
from adaptive_monitoring.engine.base import Panel, Settings
from adaptive_monitoring.engine.detectors.covariance import Covariance
from adaptive_monitoring.engine.windows import REACH_S, lagged


def test_windows_are_those_of_the_slow_twin() -> None:
    rng = np.random.default_rng(0)
    t = np.cumsum(rng.choice([0.0, 300.0, 600.0, REACH_S + 1], size=60, p=[0.2, 0.4, 0.3, 0.1]))
    x = rng.normal(size=(60, 1))
    fresh = lagged(panel_of([(t, x)], 1), np.full(1, np.nan), np.full((1, 2), np.nan), np.full((1, 2, 1), np.nan))
    assert np.array_equal(fresh.values[:, :, 0], naive.lagged(list(zip(t, x[:, 0])), 3, REACH_S))


def test_evidence_is_that_of_the_slow_twin() -> None:
    degrees = np.random.default_rng(1).gumbel(size=400)
    knots = surprise.knots_of(degrees)
    probe = np.linspace(degrees.min() - 1, degrees.max() + 5, 50)
    slow = [naive.evidence(d, knots[:-1].tolist(), surprise.SHARES.tolist(), float(knots[-1])) for d in probe]
    assert np.allclose(surprise.evidence(probe, np.tile(knots, (50, 1))), slow)


def test_degree_at_is_the_inverse_of_evidence() -> None:
    knots = np.tile(surprise.knots_of(np.random.default_rng(2).exponential(size=300)), (3, 1))
    target = np.array([2.0, 5.0, 20.0])
    assert np.allclose(surprise.evidence(surprise.degree_at(target, knots), knots), target)


@pytest.mark.parametrize("n", [1, 2, 5, 40, 112])
def test_alert_level_is_that_of_the_slow_twin(n: int) -> None:
    peaks = np.random.default_rng(n).exponential(size=n)
    padded = np.full((1, 150), np.nan)
    padded[0, :n] = peaks
    assert np.isclose(threshold.alert_level(padded, 0.5)[0], naive.alert_level(peaks.tolist(), 0.5))


def test_persistent_degrees_are_those_of_the_slow_twin() -> None:
    detector = Covariance(Settings())
    state = detector.empty(2, 1)
    values = np.random.default_rng(3).normal(size=(2, 9))
    got = []
    for part in (values[:, :4], values[:, 4:]):  # across a chunk border
        g = np.repeat([0, 1], part.shape[1])
        got.append(trailing._persistent(detector.method, state, g, part.ravel()).reshape(2, -1))
    for fast, row in zip(np.nan_to_num(np.hstack(got), nan=-np.inf), values.tolist()):
        assert fast.tolist() == naive.reached(row, 2, 3)


def test_history_is_thinned_to_its_room_and_spread_over_time() -> None:
    t = START + 60.0 * np.arange(40 * 1440)
    x = np.random.default_rng(4).normal(size=(len(t), 1))
    detector = Covariance(Settings())
    state = detector.stream(detector.empty(1, 1), panel_of([(t, x)], 1))[1]
    held = state.table["past_t"][0, : int(state.table["held"][0])]
    assert len(held) <= trailing.KEEP
    assert held[0] < t[-1] - 0.9 * trailing.KEEP_S
    assert np.ptp(np.diff(held)) < 1


def test_cold_until_a_day_and_fifty_rows_were_seen() -> None:
    detector = Covariance(Settings())
    panel = panel_of([host(5, days=2.0), host(6, days=3.0, step=7200.0)])
    score = detector.stream(detector.empty(2, 3), panel)[0].score
    assert np.isnan(score[(panel.g == 0) & (panel.t <= START + 86400)]).all()
    assert np.isfinite(score[(panel.g == 0) & (panel.t > START + 86400)]).any()
    assert np.isnan(score[panel.g == 1]).all()


def test_a_stored_model_is_not_replaced_by_one_of_a_few_rows() -> None:
    detector, later = Covariance(Settings()), following(30)
    thawed = detector.thaw(detector.freeze(detector.fit(fleet())))
    after = detector.learn(thawed, later)
    assert np.array_equal(after.table["precision"], thawed.table["precision"])


def test_levels_far_from_zero_survive_the_stored_row() -> None:
    panel = fleet()
    moved = Panel(panel.t, panel.x + 1e9, panel.indptr)
    detector = Covariance(Settings())
    state = detector.fit(moved)
    back = detector.thaw(detector.freeze(state))
    assert np.allclose(back.table["level"], state.table["level"], rtol=0, atol=1e-4)


def test_nothing_below_the_floor_alerts() -> None:
    panel, at = spiked()
    for settings, alerts in ((Settings(), True), (Settings(floor_abs=1e4), False), (Settings(floor_rel=0.9), False)):
        detector = Covariance(settings)
        scores = detector.stream(detector.fit(fleet()), panel)[0]
        assert (scores.score[at : at + 3] >= 1).any() == alerts
        assert (scores.metric_score[at : at + 3, 1] >= 1).any() == alerts


@pytest.mark.parametrize(("direction", "alerts"), [("high", True), ("low", False)])
def test_only_the_wanted_direction_alerts(direction: str, alerts: bool) -> None:
    panel, at = spiked()
    detector = Covariance(Settings(direction=direction))
    scores = detector.stream(detector.fit(fleet()), panel)[0]
    assert (scores.score[at : at + 3] >= 1).any() == alerts
    assert np.isinf(scores.lower[at:]).all() == (direction == "high")


def test_scale_of_a_metric_that_rarely_moves_is_not_zero() -> None:
    x = np.zeros((100, 3))
    x[:10, 0], x[:, 1] = 5.0, 200.0
    level, scale = robust.level_and_scale(x)
    assert level.tolist() == [0.0, 200.0, 0.0]
    assert scale[0] > 0
    assert scale[1:].tolist() == [2.0, 1.0]


def test_a_read_model_fills_the_columns_of_an_empty_state() -> None:
    """Stored models are put among entities that have none yet, column by column."""
    detector, later = Covariance(Settings()), following(3)
    thawed = detector.thaw(detector.freeze(detector.fit(fleet())))
    crowd = detector.empty(3, 3)
    assert set(thawed.table) == set(crowd.table)
    for name, column in thawed.table.items():
        crowd.table[name][[0, 2]] = column
    first, second = later.entity(0), later.entity(1)
    rows = panel_of([(first.t, first.x), (first.t[:0], first.x[:0]), (second.t, second.x)])
    assert np.array_equal(detector.score(crowd, rows).score, detector.score(thawed, later).score, equal_nan=True)

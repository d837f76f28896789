"""The causal pass over a fleet of differing steps, gaps and histories: what is worked on together changes nothing."""

from __future__ import annotations

from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from panels import copy, odd_panels, panel_of, where

from adaptive_monitoring.engine import causal, learning
from adaptive_monitoring.engine.base import Panel, Scores, Settings, State
from adaptive_monitoring.engine.detectors.adaptive import Adaptive

START = 1_700_006_400.0
USUAL = Settings()
SCORES = ("score", "metric_score", "expected", "lower", "upper", "share", "cause")


def fleet() -> Panel:
    """Hosts with rows every 20 s to 30 min, from other days on, with and without gaps, one constant, one with absurd
    values; two metrics."""
    hosts = []
    for seed, (step, days, begin, gaps) in enumerate(
        [(300, 2.0, 0.0, 0.0), (60, 1.0, 0.4, 0.0), (900, 2.5, 0.0, 0.2), (1800, 3.0, 0.0, 0.0), (20, 0.6, 1.9, 0.01),
         (300, 2.0, 0.1, 0.6), (300, 2.0, 0.0, 0.0), (600, 2.5, 0.2, 0.0)]
    ):
        chance = np.random.default_rng(seed)
        t = START + begin * 86400 + step * np.arange(int(days * 86400 / step))
        x = 40 + chance.normal(size=(len(t), 2)) + 5 * np.sin(t / 13750.0)[:, None]
        x[chance.random(x.shape) < gaps] = np.nan
        x[int(0.8 * len(t)) : int(0.83 * len(t)), 0] += 25
        if seed == 6:
            x[:] = 7.0
        if seed == 7:
            x[len(t) // 2 :: 50, 1] = 1e100
        hosts.append((t, x))
    return panel_of(hosts, 2)


def streamed(panel: Panel, cuts: list[float], settings: Settings = USUAL) -> tuple[dict[str, np.ndarray], State]:
    """Scores of all rows in the panel's order, from a stream cut at these times, and the state after it."""
    detector = Adaptive(settings)
    state = detector.empty(len(panel.indptr) - 1, panel.x.shape[1])
    out: dict[str, np.ndarray] = {}
    for a, b in zip([-np.inf, *cuts], [*cuts, np.inf]):
        mine = (panel.t >= a) & (panel.t < b)
        scores, state = detector.stream(state, where(panel, mine))
        for name in SCORES:
            values = getattr(scores, name)
            out.setdefault(name, np.zeros((len(panel.t), *values.shape[1:]), values.dtype))[mine] = values
    return out, state


def check_same(ours: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> None:
    assert ours.keys() == wanted.keys()
    for name, values in wanted.items():
        np.testing.assert_array_equal(ours[name], values, err_msg=name)


@pytest.fixture(scope="module")
def whole() -> tuple[Panel, dict[str, np.ndarray], State]:
    panel = fleet()
    return (panel, *streamed(copy(panel), []))


def test_the_fleet_shows_what_it_is_made_for(whole) -> None:
    panel, scores, state = whole
    alarms = {int(panel.g[row]) for row in np.flatnonzero(scores["score"] >= 1)}
    assert len(alarms) >= 4 and len(set(state.table["span"].tolist())) >= 5
    assert state.tail is not None and not state.tail.complete


@pytest.mark.parametrize("most", [1, 700])
def test_how_many_rows_are_worked_on_at_once_changes_no_bit(whole, most: int, monkeypatch) -> None:
    panel, scores, state = whole
    monkeypatch.setattr(causal, "_MOST_CELLS", most)
    found, after = streamed(copy(panel), [])
    check_same(found, scores)
    check_same(after.table, state.table)


@pytest.mark.parametrize("seed", range(3))
def test_any_cutting_of_the_stream_gives_the_same(whole, seed: int) -> None:
    panel, scores, state = whole
    cuts = START + np.sort(np.random.default_rng(seed).uniform(0, 2.6, 12)) * 86400
    found, after = streamed(copy(panel), cuts.tolist())
    check_same(found, scores)
    check_same(after.table, state.table)


def test_every_host_alone_has_the_scores_that_it_has_in_the_crowd(whole) -> None:
    panel, scores, state = whole
    for e in range(8):
        found, after = streamed(panel.entity(e), [])
        mine = panel.g == e
        check_same(found, {name: values[mine] for name, values in scores.items()})
        check_same(after.table, {name: values[e : e + 1] for name, values in state.table.items()})


def test_odd_hosts_beside_each_other_have_the_scores_that_they_have_alone() -> None:
    alone = [panel.entity(i) for panel in odd_panels().values() for i in range(len(panel.indptr) - 1)]
    pairs = [(panel.t, panel.x) for panel in alone]
    crowd = panel_of(pairs)
    together, _ = streamed(crowd, [START + 40_000.0])
    for e, panel in enumerate(alone):
        found, _ = streamed(panel, [START + 40_000.0])
        check_same({name: values[crowd.g == e] for name, values in together.items()}, found)


def test_hosts_that_join_later_and_parts_of_a_fleet_go_on_as_before(whole) -> None:
    panel, scores, _ = whole
    detector, cut = Adaptive(Settings()), START + 1.7 * 86400
    early, late = where(panel, panel.t < cut), where(panel, panel.t >= cut)
    states = [detector.learn(detector.empty(len(some), 2), of(early, some)) for some in ((2, 3), (0, 1, 5))]
    everyone = states[0].joined(states[1]).joined(detector.empty(1, 2))  # 2, 3, 0, 1, 5, and 4, which has no rows yet
    order = [5, 0, 3]
    part = of(late, (4, 2, 1))
    found, _ = detector.stream(everyone.take(np.array(order)), part)
    check_late(found, part, scores, panel, cut)


def of(panel: Panel, some: tuple[int, ...]) -> Panel:
    """These entities, in this order."""
    return panel_of([(panel.entity(e).t, panel.entity(e).x) for e in some], panel.x.shape[1])


def check_late(found: Scores, part: Panel, scores: dict[str, np.ndarray], panel: Panel, cut: float) -> None:
    for i, e in enumerate((4, 2, 1)):
        mine = (panel.g == e) & (panel.t >= cut)
        for name in SCORES:
            np.testing.assert_array_equal(getattr(found, name)[part.g == i], scores[name][mine], err_msg=f"{name} {e}")


@given(st.lists(st.lists(st.sampled_from([1.0, 60.0, 61.0, 300.0]), max_size=8), min_size=1, max_size=5))
def test_the_step_of_each_host_is_the_median_of_its_steps(steps: list[list[float]]) -> None:
    t = np.concatenate([np.cumsum([1.7e9 * (i % 2), *row]) for i, row in enumerate(steps)])
    first = np.cumsum([0, *(len(row) + 1 for row in steps)])[:-1]
    np.testing.assert_array_equal(learning._step(t, first), [median(row) if row else np.nan for row in steps])


@pytest.mark.parametrize("settings", [Settings(direction="low", floor_abs=1.0), Settings(tz="Asia/Kolkata", open_n=9)])
def test_settings_change_nothing_about_cutting(settings: Settings, whole) -> None:
    panel = whole[0]
    cuts = START + np.array([0.3, 0.31, 1.05, 1.9, 2.2]) * 86400
    check_same(streamed(copy(panel), cuts.tolist(), settings)[0], streamed(copy(panel), [], settings)[0])

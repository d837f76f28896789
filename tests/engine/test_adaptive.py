"""The default detector: stillness, the time after an alarm, what a stored row keeps of half hours and peaks."""

from __future__ import annotations

import numpy as np
import pytest
from panels import panel_of
from situations import DAY, HOUR, MONDAY, Host, plain

from adaptive_monitoring.engine.base import CAUSES, Panel, Scores, Settings, State
from adaptive_monitoring.engine.detectors import adaptive

NOON = MONDAY + 5.5 * DAY  # of the sixth day
DETECTOR = adaptive.Adaptive(Settings())


def streamed(host: Host, state: State | None = None) -> tuple[Scores, State]:
    return DETECTOR.stream(state or DETECTOR.empty(1, 1), panel_of([host], 1))


def between(host: Host, first: float, last: float) -> Host:
    keep = (host[0] >= first) & (host[0] < last)
    return host[0][keep], host[1][keep]


def test_a_lively_metric_that_stands_still_is_flat_but_one_without_values_is_not() -> None:
    t, x = plain(1, 6.0)
    now = (t >= NOON) & (t < NOON + 4 * HOUR)
    still, _ = streamed((t, np.where(now[:, None], x[np.argmax(now)], x)))
    assert CAUSES[still.cause[now][-1]] == "flat" and still.score[now][-1] > 0
    mute = now & (t < NOON + 3.9 * HOUR)
    lost, _ = streamed((t, np.where(mute[:, None], np.nan, np.where(now[:, None], x[np.argmax(mute) - 1], x))))
    assert "flat" not in {CAUSES[cause] for cause in lost.cause[now & ~mute]}


def incident() -> Host:
    """An hour of twelve deviations from noon on."""
    t, x = plain(2, 6.0)
    return t, x + 12.0 * ((t >= NOON) & (t < NOON + HOUR))[:, None]


@pytest.mark.parametrize(("ago", "hidden"), [(HOUR, True), (DAY - 300, True), (DAY + 300, False), (np.inf, False)])
def test_within_a_day_after_an_alarm_a_return_is_not_told_but_learned_from(ago: float, hidden: bool) -> None:
    state = streamed(between(incident(), 0, NOON + HOUR))[1]
    state.table["alarm_at"][:] = NOON + HOUR - ago
    scores, after = streamed(between(incident(), NOON + HOUR, NOON + HOUR + 1), state)
    assert (scores.score[0] == 0) == hidden
    history = after.tail
    assert history is not None and history.evidence[history.slot[0] + history.length[0]] > 0


def test_alarms_are_remembered_across_calls() -> None:
    whole, end = streamed(incident())
    assert end.table["alarm_at"][0] >= NOON
    for cut in (NOON + 0.5 * HOUR, NOON + HOUR):
        first, state = streamed(between(incident(), 0, cut))
        second = streamed(between(incident(), cut, np.inf), state)[0]
        assert np.array_equal(np.r_[first.score, second.score], whole.score, equal_nan=True)


def test_times_before_1970_are_learned_too() -> None:
    t, x = plain(3, 2.0)
    scores = streamed((t - MONDAY - 400 * DAY, x))[0]
    assert np.isfinite(scores.score).mean() > 0.8


def test_one_fast_host_beside_slow_ones_is_scored_as_alone() -> None:
    """Hosts of very different steps are worked on apart; every number stays what it was."""
    rng = np.random.default_rng(5)
    fast = MONDAY + 5.0 * np.arange(7000)
    hosts = [(fast, rng.normal(size=(7000, 1)))]
    hosts += [(t, rng.normal(size=(len(t), 1))) for t in [MONDAY + 600.0 * np.arange(59)] * 300]
    panel: Panel = panel_of(hosts, 1)
    crowd = DETECTOR.stream(DETECTOR.empty(301, 1), panel)[0].score
    for i in (0, 1, 300):
        assert np.array_equal(crowd[panel.g == i], streamed(hosts[i])[0].score, equal_nan=True)
    assert np.isfinite(crowd).any()

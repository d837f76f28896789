"""The default detector: stillness, the time after an alarm, what a stored row keeps of half hours and peaks."""

from __future__ import annotations

import numpy as np
import pytest
from panels import panel_of
from situations import DAY, HOUR, MONDAY, Host, plain

from adaptive_monitoring.engine import evidence, threshold
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


def test_half_hours_are_stored_as_digits() -> None:
    usual = np.zeros((1, 2, evidence.HALF_HOURS), dtype=np.float32)
    usual[0, 1, :4] = adaptive._USUAL_UNIT * np.array([1.0, 8.6, 9.0, 20.0])
    packed = adaptive.packed(usual)
    assert packed[0, 1, 0] == 9991.0 and not packed[0, 0].any() and packed.shape == (1, 2, 8)
    back = adaptive.unpacked(packed)
    np.testing.assert_allclose(back[0, 1, :5] / adaptive._USUAL_UNIT, [1, 9, 9, 9, 0], rtol=1e-6)
    assert np.array_equal(adaptive.packed(back), packed) and back.dtype == usual.dtype


def test_every_digit_returns_to_its_half_hour() -> None:
    packed = np.random.default_rng(1).integers(0, 10**6, size=(3, 2, 8)).astype(np.float64)
    assert np.array_equal(adaptive.packed(adaptive.unpacked(packed)), packed)


def test_forged_half_hours_are_taken_as_their_edges() -> None:
    back = adaptive.packed(adaptive.unpacked(np.array([[[-5.0, np.nan, np.inf, 1e30, 12.7, 0, 0, 0]]])))
    assert back[0, 0].tolist() == [0, 0, 999999, 999999, 12, 0, 0, 0]


def ring(count: int, seed: int = 4) -> dict[str, np.ndarray]:
    """So many exponential peaks in the ring of one entity."""
    peaks = np.full((1, threshold.PEAKS), np.nan)
    for i, value in enumerate(np.random.default_rng(seed).exponential(1.0, size=count)):
        peaks[0, i % threshold.PEAKS] = value
    return {"peaks": peaks, "peak_count": np.array([float(count)])}


@pytest.mark.parametrize("count", [0, 1, 5, 30, 112, 400])
def test_the_alert_level_of_stored_peaks_is_that_of_all(count: int) -> None:
    table = ring(count)
    kept, number = adaptive._largest_peaks(table)
    peaks, seen = adaptive._peaks_back(kept, number)
    assert kept.shape == (1, adaptive.KEPT_PEAKS) and number[0] == min(count, threshold.PEAKS)
    before, after = (threshold.latest_peaks(*p) for p in ((table["peaks"], table["peak_count"]), (peaks, seen)))
    assert np.isfinite(before).sum() == np.isfinite(after).sum()
    for budget in (0.001, 0.5, 20.0):
        assert threshold.alert_level(after, budget) == pytest.approx(threshold.alert_level(before, budget), abs=1e-9)


def test_large_peaks_come_back_among_old_and_new_alike() -> None:
    """A week of new quiet peaks pushes out some of the nine largest, not most of them and not none."""
    peaks, count = adaptive._peaks_back(*adaptive._largest_peaks(ring(112)))
    ninth = np.sort(peaks[~np.isnan(peaks)])[-9]
    for _ in range(28):
        peaks[0, int(count[0]) % threshold.PEAKS] = 0.0
        count += 1
    assert 4 <= int((threshold.latest_peaks(peaks, count) >= ninth).sum()) <= 7


def test_forged_peaks_make_no_error() -> None:
    kept = np.full((3, adaptive.KEPT_PEAKS), 7.0)
    peaks, count = adaptive._peaks_back(kept, np.array([0.0, -3.0, 1e9]))
    assert count.tolist() == [0, 0, threshold.PEAKS] and np.isnan(peaks[:2]).all() and (np.nanmax(peaks[2]) == 7)


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

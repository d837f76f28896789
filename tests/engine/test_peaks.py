"""The peaks of a stored row."""

from __future__ import annotations

import numpy as np
import pytest

from adaptive_monitoring.engine import peaks, spare, threshold


def ring(count: int, seed: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """So many exponential peaks in the ring of one entity, and their number."""
    out = np.full((1, threshold.PEAKS), np.nan)
    for i, value in enumerate(np.random.default_rng(seed).exponential(1.0, size=count)):
        out[0, i % threshold.PEAKS] = value
    return out, np.array([float(count)])


@pytest.mark.parametrize("count", [0, 1, 5, 30, 112, 400])
def test_the_alert_level_of_stored_peaks_is_that_of_all(count: int) -> None:
    before = threshold.latest_peaks(*ring(count))
    kept, words, number = peaks.kept_of(*ring(count))
    after = threshold.latest_peaks(*peaks.ring_of(kept, words, number))
    assert kept.shape == (1, peaks.KEPT) and number[0] == min(count, threshold.PEAKS)
    assert np.isfinite(before).sum() == np.isfinite(after).sum()
    for budget in (0.001, 0.5, 20.0):
        assert threshold.alert_level(after, budget) == pytest.approx(threshold.alert_level(before, budget), abs=1e-9)


@pytest.mark.parametrize("count", [40, 112, 150])
def test_large_peaks_leave_when_they_would_have_left(count: int) -> None:
    """A ring that was stored every night has the alert level of one that was not, within the peaks that it dropped."""
    values, number = ring(count)
    stored, seen = values.copy(), number.copy()
    for night in range(20):
        kept, words, seen = peaks.kept_of(stored, seen)
        stored, seen = peaks.ring_of(kept, words, seen)
        for value in np.random.default_rng(night).exponential(1.0, size=4):
            for some, at in ((values, number), (stored, seen)):
                some[0, int(at[0]) % threshold.PEAKS] = value
                at += 1
        both = (values, number), (stored, seen)
        level, other = (threshold.alert_level(threshold.latest_peaks(*p), 0.5)[0] for p in both)
        assert other == pytest.approx(level, rel=0.05)


def test_forged_peaks_make_no_error() -> None:
    kept, words = np.full((3, peaks.KEPT), 7.0), np.full((3, peaks.AGE_WORDS), 1e30)
    words[2] = spare.pack(np.arange(1.0, 19.0)[None, None])[0, 0]
    found, count = peaks.ring_of(kept, words, np.array([0.0, -3.0, 1e9]))
    assert count.tolist() == [0, 0, threshold.PEAKS] and np.isnan(found[:2]).all() and np.nanmax(found[2]) == 7

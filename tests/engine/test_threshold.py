"""The alert level against its slow twin, and against what it promises."""

from __future__ import annotations

import naive
import numpy as np
import pytest

from adaptive_monitoring.engine.threshold import LOWEST, alert_level
from adaptive_monitoring.engine.timegrid import BLOCKS_PER_WEEK


@pytest.mark.parametrize("budget", [0.01, 0.5, 5.0, 1000.0])
def test_levels_are_those_of_the_slow_twin(budget: float) -> None:
    chance = np.random.default_rng(3)
    rows = [chance.exponential(2.0, size=m).tolist() for m in (1, 2, 3, 7, 12, 40, 112)] + [[0.0] * 30, [5.0] * 12]
    peaks = np.full((len(rows), 112), np.nan)
    for i, row in enumerate(rows):
        peaks[i, chance.permutation(112)[: len(row)]] = row
    np.testing.assert_allclose(alert_level(peaks, budget), [naive.alert_level(row, budget) for row in rows])


def test_the_budget_is_kept_by_peaks_with_an_exponential_tail() -> None:
    """Learned from 67 peaks each, judged on a year of others. Four imagined peaks cost or spare a little."""
    chance = np.random.default_rng(4)
    for budget in (0.25, 1.0, 4.0):
        level = alert_level(chance.exponential(1.5, size=(300, 67)), budget)
        later = chance.exponential(1.5, size=(300, 52 * int(BLOCKS_PER_WEEK)))
        assert 0.6 * budget < (later >= level[:, None]).sum() / 300 / 52 < 1.7 * budget


def test_larger_budgets_and_calmer_peaks_give_lower_levels() -> None:
    peaks = np.random.default_rng(5).exponential(1.0, size=(5, 60))
    levels = [alert_level(peaks, budget) for budget in (0.01, 0.1, 1.0, 10.0)]
    assert all((a > b).all() for a, b in zip(levels, levels[1:]))
    assert (alert_level(peaks, 1.0) <= alert_level(peaks + 1, 1.0)).all()


def test_few_or_no_peaks_give_a_cautious_level() -> None:
    none = alert_level(np.full((1, 112), np.nan), 0.5)
    calm = np.where(np.arange(112) < 60, 0.0, np.nan)[None]
    assert none[0] >= 4 and LOWEST <= alert_level(calm, 1000.0)[0] <= alert_level(calm, 0.5)[0] < none[0]

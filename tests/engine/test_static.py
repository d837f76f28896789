"""Static limits: strictly beyond, for as long as they say, moved in proportion."""

from __future__ import annotations

import numpy as np
import pytest

from adaptive_monitoring.engine.static import Limits, Watch


def slow(t, x, g, gap, high, low, hold) -> list[bool]:
    """Row by row, as the definition reads."""
    out = []
    for i in range(len(t)):
        said = False
        for limit, above in ((high[g[i]], True), (low[g[i]], False)):
            j = i
            while j >= 0 and g[j] == g[i] and (x[j] > limit if above else x[j] < limit):
                if t[i] - t[j] >= hold[g[i]]:
                    said = True
                    break
                if j == 0 or t[j] - t[j - 1] > gap[g[i]]:
                    break
                j -= 1
        out.append(said)
    return out


@pytest.mark.parametrize("seed", range(8))
def test_limits_with_durations_are_those_of_the_definition(seed: int) -> None:
    random = np.random.default_rng(seed)
    g = np.repeat(np.arange(3), 120)
    t = np.concatenate([np.cumsum(random.choice([300.0, 300.0, 300.0, 2400.0], 120)) for _ in range(3)])
    x = np.round(np.convolve(random.normal(size=362), np.ones(3), "valid"), 1)
    x[random.random(360) < 0.05] = np.nan
    high, low, hold = np.array([1.0, np.nan, 0.5]), np.array([np.nan, -1.0, -2.0]), np.array([0.0, 600.0, 900.0])
    gap = np.full(3, 1800.0)
    limits = Limits(high[:, None], low[:, None], hold[:, None], hold[:, None])
    found = Watch(t, x[:, None], g, gap).alerts(limits)
    assert found.tolist() == slow(t, x, g, gap, high, low, hold) and found.any()


def test_a_value_at_the_limit_does_not_break_it() -> None:
    watch = Watch(np.arange(3.0), np.array([[90.0], [90.1], [np.nan]]), np.zeros(3, dtype=np.int64), np.ones(1))
    nothing = np.full((1, 1), np.nan), np.zeros((1, 1)), np.zeros((1, 1))
    assert watch.alerts(Limits(np.full((1, 1), 90.0), *nothing)).tolist() == [False, True, False]


def test_moved_limits_keep_their_side_and_an_odd_one_stays() -> None:
    limits = Limits(np.array([[90.0, 10.0]]), np.array([[20.0, np.nan]]), np.zeros((1, 2)), np.zeros((1, 2)))
    found = limits.moved(np.array([50.0, 40.0]), 0.5)
    assert found.high.tolist() == [[70.0, 10.0]] and found.low[0, 0] == 35.0 and np.isnan(found.low[0, 1])
    assert limits.moved(np.array([50.0, 40.0]), 1.0) is limits
    assert limits.some.tolist() == [[True, True]] and not Limits.none(1, 1).some.any()

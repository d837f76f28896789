"""What is special about the covariance detector: scikit-learn's distances from plain numbers."""
from __future__ import annotations

import sys

import naive
import numpy as np
import pytest
from panels import START, fleet, following, host

from adaptive_monitoring.engine.base import Panel, Settings
from adaptive_monitoring.engine.detectors import covariance
from adaptive_monitoring.engine.episodes import Tracker
from adaptive_monitoring.errors import ScikitMissing


def history(d: int = 3) -> np.ndarray:
    """(n, d) ordinary rows, none missing."""
    return np.nan_to_num(host(4, d=d)[1], nan=0.0)


def test_exported_covariance_gives_the_distances_of_scikit_learn() -> None:
    from sklearn.covariance import LedoitWolf

    x = history()
    level, scale = np.median(x, axis=0), x.std(axis=0)
    windows = np.repeat(x[:, None], 3, axis=1)
    model = covariance.train(windows, level, scale)
    z = np.clip(2 * np.arcsinh((x - level) / (2 * scale)), -covariance.CLIP, covariance.CLIP)
    fitted = LedoitWolf().fit(z)
    rows = np.repeat(model["precision"][None], len(z), axis=0)
    ours, _ = covariance.squared(z - model["location"], rows)
    assert np.allclose(ours, fitted.mahalanobis(z), rtol=1e-9)


def test_residuals_are_those_of_the_slow_twin() -> None:
    rng = np.random.default_rng(2)
    windows, level, scale = rng.normal(scale=9.0, size=(30, 3, 2)), np.array([1.0, -5.0]), np.array([2.0, 0.5])
    windows[rng.random(windows.shape) < 0.1] = np.nan
    fast = covariance.residuals(windows, level, scale)
    slow = [[naive.residual(w[:, i], float(level[i]), float(scale[i])) for i in (0, 1)] for w in windows]
    assert np.allclose(fast, slow)


def test_distances_and_parts_are_those_of_the_slow_twin() -> None:
    rng = np.random.default_rng(1)
    half = rng.normal(size=(20, 5, 5))
    precision, z = half @ half.transpose(0, 2, 1) + np.eye(5), rng.normal(size=(20, 5))
    distance, part = covariance.squared(z, precision)
    assert np.allclose(distance, [naive.squared_distance(a, p) for a, p in zip(z.tolist(), precision.tolist())])
    for i in range(5):  # the part of a metric: how much nearer the row is when the metric is left out
        rest = np.arange(5) != i
        for row in range(20):
            without = np.linalg.inv(np.linalg.inv(precision[row])[np.ix_(rest, rest)])
            left = naive.squared_distance(z[row, rest].tolist(), without.tolist())
            assert np.isclose(part[row, i], distance[row] - left)


def test_metrics_that_never_moved_do_not_break_the_covariance() -> None:
    x = history()
    x[:, 1] = 7.0
    model = covariance.train(x[:, None], np.median(x, axis=0), np.array([2.0, 0.07, 0.01]))
    assert np.isfinite(model["precision"]).all()
    assert model["precision"][1].tolist() == [0.0, 1.0, 0.0]


def groups(days: int, broken: slice) -> Panel:
    """One host, a row every 5 minutes: metrics 0-2 follow one daily wave, 3-5 another; in `broken` 2 follows theirs."""
    rng = np.random.default_rng(9)
    t = START + 300.0 * np.arange(days * 288)
    wave = np.stack([np.sin(2 * np.pi * (t / 86400 + phase)) for phase in (0.0, 0.3)], axis=1)
    wave += 0.1 * np.cumsum(rng.normal(size=wave.shape), axis=0) / np.sqrt(np.arange(1, len(t) + 1))[:, None]
    follows = np.tile([0, 0, 0, 1, 1, 1], (len(t), 1))
    follows[broken, 2] = 1
    x = 100 + 20 * (np.take_along_axis(wave, follows, axis=1) + 0.2 * rng.normal(size=(len(t), 6)))
    return Panel(t, x, np.array([0, len(t)]))


def test_broken_correlation_is_found_where_each_metric_is_usual() -> None:
    broken = slice(8 * 288 + 240, 8 * 288 + 246)  # half an hour in the evening, when the two lie apart
    detector, panel = covariance.Covariance(Settings()), groups(10, broken)
    scores = detector.stream(detector.empty(1, 6), panel)[0]
    opened = Tracker(Settings(), 1).follow(panel.t, scores.score, panel.indptr).open
    assert opened[broken].any()
    assert not opened[: broken.start].any()
    assert np.argmax(scores.share[broken.stop - 1]) == 2
    assert np.nanmax(scores.metric_score[broken]) < 1


def test_many_metrics_fall_back_to_variances(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(covariance, "MOST_METRICS", 2)
    detector, panel = covariance.Covariance(Settings()), fleet()
    state = detector.fit(panel)
    assert state.table["precision"].shape == (2, 3, 1)
    back = detector.thaw(detector.freeze(state))
    later = following(2)
    full = np.arange(len(later.t)) - later.indptr[later.g] >= 2  # a model that was read has no rows before these
    a, b = detector.score(state, later).score[full], detector.score(back, later).score[full]
    assert np.allclose(a, b, rtol=1e-3, equal_nan=True)


def test_missing_scikit_learn_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.covariance", None)
    with pytest.raises(ScikitMissing, match=r"detector=covariance .* install .* \(ADM061\)"):
        covariance.Covariance(Settings()).fit(fleet())

"""What is special about the covariance detector: scikit-learn's distances from plain numbers."""
from __future__ import annotations

import sys

import naive
import numpy as np
import pytest
from panels import fleet, following, host

from adaptive_monitoring.engine.base import Settings
from adaptive_monitoring.engine.detectors import covariance
from adaptive_monitoring.errors import ScikitMissing


def history(d: int = 3) -> np.ndarray:
    """(n, d) ordinary rows, none missing."""
    return np.nan_to_num(host(4, d=d)[1], nan=0.0)


def test_exported_covariance_gives_the_distances_of_scikit_learn() -> None:
    from sklearn.covariance import LedoitWolf

    x = history()
    level, scale = np.median(x, axis=0), x.std(axis=0)
    model = covariance.train([(np.repeat(x[:, None], 2, axis=1), level, scale)], 0)[0]
    z = np.clip((x - level) / scale, -covariance.CLIP, covariance.CLIP)
    fitted = LedoitWolf().fit(z)
    rows = np.repeat(model["precision"][None], len(z), axis=0)
    ours, _ = covariance.squared(z - model["location"], rows)
    assert np.allclose(ours, fitted.mahalanobis(z), rtol=1e-9)


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
    job = (np.repeat(x[:, None], 2, axis=1), np.median(x, axis=0), np.array([2.0, 0.07, 0.01]))
    model = covariance.train([job], 0)[0]
    assert np.isfinite(model["precision"]).all()
    assert model["precision"][1].tolist() == [0.0, 1.0, 0.0]


def test_broken_correlation_is_found_where_each_metric_is_usual() -> None:
    detector, panel = covariance.Covariance(Settings()), fleet()
    t, x = panel.t, panel.x.copy()
    x[:, 1] = 1000 + 15 * (x[:, 0] - 50) + np.random.default_rng(3).normal(size=len(x))  # metric 1 follows metric 0
    state = detector.fit(type(panel)(t, x, panel.indptr))
    after = following(3)
    y = after.x.copy()
    y[:, 1] = 1000 - 15 * (y[:, 0] - 50)
    scores = detector.score(state, type(panel)(after.t, y, after.indptr))
    off = np.abs(y[:, 0] - 50) > 2
    assert (scores.score[off] >= 1).all()
    assert np.nanmax(scores.metric_score[off]) < 1


def test_many_metrics_fall_back_to_variances(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(covariance, "MOST_METRICS", 2)
    detector, panel = covariance.Covariance(Settings()), fleet()
    state = detector.fit(panel)
    assert state.table["precision"].shape == (2, 3, 1)
    back = detector.thaw(detector.freeze(state))
    a, b = detector.score(state, following(2)), detector.score(back, following(2))
    assert np.allclose(a.score, b.score, rtol=1e-3, equal_nan=True)


def test_missing_scikit_learn_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.covariance", None)
    with pytest.raises(ScikitMissing, match=r"detector=covariance .* install .* \(ADM061\)"):
        covariance.Covariance(Settings()).fit(fleet())

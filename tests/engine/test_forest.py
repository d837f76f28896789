"""What is special about the forest: scikit-learn's own scores from whole numbers, and a text cell per metric."""
from __future__ import annotations

import sys

import naive
import numpy as np
import pytest
from panels import fleet, host

from adaptive_monitoring.engine import trees
from adaptive_monitoring.engine.base import Settings
from adaptive_monitoring.engine.detectors import forest
from adaptive_monitoring.errors import ScikitMissing


def grown(seed: int, features: int, rows: int = 300, estimators: int = 30):
    """A scikit-learn forest on whole-number features, those numbers, and its exported trees."""
    from sklearn.ensemble import IsolationForest

    x = np.clip(np.rint(np.random.default_rng(seed).normal(256, 12, size=(rows, features))), 0, 511).astype(np.int64)
    fitted = IsolationForest(n_estimators=estimators, max_samples=trees.SAMPLES, random_state=seed)
    fitted.fit(x.astype(np.float32))
    return fitted, x, trees.export([tree.tree_ for tree in fitted.estimators_])


@pytest.mark.parametrize(("seed", "features"), [(0, 5), (1, 15), (2, 60)])
def test_exported_trees_give_the_scores_of_scikit_learn(seed: int, features: int) -> None:
    fitted, x, codes = grown(seed, features)
    x = np.concatenate([x, np.zeros((3, features), dtype=np.int64), np.full((3, features), 511)])
    length, _ = trees.path_lengths(codes[None], np.zeros(len(x), dtype=np.int64), x, 5)
    assert np.allclose(-(2.0 ** -length), fitted.score_samples(x.astype(np.float32)), rtol=0, atol=1e-9)


def test_path_lengths_are_those_of_the_slow_twin() -> None:
    pairs = [grown(seed, 10, estimators=6) for seed in (3, 4)]
    codes = np.stack([pairs[0][2], pairs[1][2]])
    codes[1, 4:] = 0  # an entity with fewer trees
    x, g = pairs[0][1][:40], np.repeat([0, 1], 20)
    fast, _ = trees.path_lengths(codes, g, x, 5)
    slow = [naive.forest_length(codes[i].tolist(), row.tolist()) for i, row in zip(g, x)]
    assert np.allclose(fast, slow, rtol=1e-12)


def test_rows_are_walked_in_parts_with_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    _, x, codes = grown(5, 10)
    g = np.zeros(len(x), dtype=np.int64)
    whole = trees.path_lengths(codes[None], g, x, 5)
    monkeypatch.setattr(trees, "AT_ONCE", 1000)
    for a, b in zip(whole, trees.path_lengths(codes[None], g, x, 5)):
        assert np.array_equal(a, b)


def test_packed_trees_come_back_and_those_without_room_are_dropped() -> None:
    codes = np.stack([grown(seed, 10, estimators=2 * forest.TREES)[2] for seed in (6, 7)])
    kept = np.stack([trees.that_fit(c, 2) for c in codes])
    assert np.array_equal(trees.unpack(trees.pack(kept, 2), forest.TREES), kept)
    assert 0.5 < (kept[:, :, 0] > 0).mean() <= 1
    many = np.tile(codes[:, :1], (1, 2 * forest.TREES, 1))
    many[:, :, :] = np.where(np.arange(trees.SLOTS) < trees.SLOTS // 2, 64 + 300, 1)  # full trees: only five fit
    assert ((trees.that_fit(many[0], 2)[:, 0] > 0).reshape(2, -1).sum(axis=1) == trees.CELL // trees.SLOTS).all()


def test_the_stored_forest_scores_like_the_trained_one() -> None:
    detector, panel = forest.Forest(Settings()), fleet()
    state = detector.fit(panel)
    back = detector.thaw(detector.freeze(state))
    assert np.array_equal(back.table["codes"], state.table["codes"])


def test_metrics_without_a_stored_row_leave_the_others_in_place() -> None:
    """A metric that was never seen has no row; the reader fills its columns with zeros."""
    panel = fleet()
    gone = type(panel)(panel.t, np.where(np.arange(3) == 0, np.nan, panel.x), panel.indptr)
    detector = forest.Forest(Settings())
    frozen = detector.freeze(detector.fit(gone))
    before = detector.score(detector.thaw(frozen), gone)
    for name, (kind, _) in detector.layout.items():
        if kind == "metric":
            frozen.table[name][:, 0] = 0.0
    assert np.array_equal(detector.score(detector.thaw(frozen), gone).score, before.score, equal_nan=True)


def test_level_shift_scores_higher_the_farther_it_lies() -> None:
    """Path lengths alone saturate at the largest training value."""
    detector = forest.Forest(Settings())
    x = host(11, d=1)[1]
    windows = np.repeat(x[50:650][:, None], 3, axis=1)
    level, scale = np.nanmedian(windows[:, 0], axis=0), np.array([2.0])
    model = {name: column[None] for name, column in detector.method.train([(windows, level, scale)], 0)[0].items()}
    model.update(level=level[None], scale=scale[None])
    far = level + scale * np.array([0.0, 6.0, 12.0, 24.0])[:, None]
    degree, _ = detector.method.degree(model, np.zeros(4, dtype=np.int64), np.repeat(far[:, None], 3, axis=1))
    assert (np.diff(degree) > 0).all()


def test_missing_scikit_learn_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.ensemble", None)
    detector, panel = forest.Forest(Settings()), fleet()
    with pytest.raises(ScikitMissing, match=r"detector=forest .* install .* \(ADM061\)"):
        detector.fit(panel)


def test_many_jobs_in_processes_give_the_same_models(monkeypatch: pytest.MonkeyPatch) -> None:
    import joblib

    jobs = [(np.repeat(host(i, days=1, d=2)[1][:, None], 3, axis=1), np.array([50.0, 1000.0]), np.array([2.0, 30.0]))
            for i in range(3)]
    alone = forest.train(jobs, 0)
    monkeypatch.setattr(forest, "WORTH_PROCESSES", 2)
    with joblib.parallel_config(backend="threading"):  # processes are joblib's business, the order of results is ours
        together = forest.train(jobs, 0)
    for a, b in zip(alone, together):
        assert all(np.array_equal(a[name], b[name], equal_nan=True) for name in a)

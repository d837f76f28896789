"""What the scores could do, whatever the alert level: figures by the judge beside the data.

Limits: the thresholds are chosen with the labels, one for all hosts of a data set: a bound of what any alert level on
these scores reaches, not what an operator sees. Needs evaluate.py beside the repository.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from bench.judge import Truth

BUDGETS = {"recall_02": 0.2, "recall_1": 1.0}
PROFILES = {"nab_standard": "standard", "nab_low_fp": "low_FP", "nab_low_fn": "low_FN"}
ONSET_ROWS = 100


class Scored(NamedTuple):
    """One host's answer. score: (n,), NaN = not scored; flag: (n,) the alert flag; rows as in truth."""

    truth: Truth
    score: np.ndarray
    flag: np.ndarray


def figures(evaluate: Any, dataset: str, found: Sequence[Scored]) -> dict[str, float]:
    """recall_02, recall_1, best_f1, for NAB also its three scores; {} without evaluate or without any score."""
    if evaluate is None or not any(np.isfinite(one.score[one.truth.history :]).any() for one in found):
        return {}
    series = [_series(evaluate, dataset, one.truth) for one in found]
    scores = [one.score for one in found]
    best = evaluate.recall_at_budget(series, scores, tuple(BUDGETS.values()))
    out = {name: float(best[f"R@{budget:g}"]) for name, budget in BUDGETS.items()}
    out["best_f1"] = float(best["bestF1"])
    if dataset == "NAB":
        reached = evaluate.nab_score(series, [onset_only(score, ONSET_ROWS) for score in scores])
        out.update({name: float(reached[profile]) for name, profile in PROFILES.items()})
    return out


def mean(by_dataset: Sequence[dict[str, float]]) -> dict[str, float]:
    """Means over the data sets of what every one of them has."""
    shared = [name for name in (by_dataset[0] if by_dataset else {}) if all(name in each for each in by_dataset)]
    return {name: float(np.mean([each[name] for each in by_dataset])) for name in shared}


def _series(evaluate: Any, dataset: str, truth: Truth) -> Any:
    """The values are not looked at."""
    none = np.zeros((len(truth.t), 1))
    return evaluate.Series(dataset, truth.name, "", truth.t, none, truth.label, truth.history)


def onset_only(score: np.ndarray, rows: int) -> np.ndarray:
    """A score where it exceeds everything of the rows before it, else −1e9; NaN = lowest. The twin of evaluate.py's.

    That one is written with pandas, which the environments of the app do not have.
    """
    x = np.where(np.isnan(score), -np.inf, score)
    before = np.concatenate([np.full(rows, -np.inf), x])[: len(x) + rows - 1]
    highest = np.lib.stride_tricks.sliding_window_view(before, rows).max(axis=1)
    return np.where(x > highest, x, -1e9)

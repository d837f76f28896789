"""Episodes against their slow twin, in one piece and in chunks."""
from __future__ import annotations

import naive
import numpy as np
import pytest
from panels import panel_of, where

from adaptive_monitoring.engine import episodes
from adaptive_monitoring.engine.base import Panel, Settings

WORDS = ("normal", "pending", "open", "closing", "missing")


def scores_of(seed: int, rows: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """(t, score) with calm and restless stretches, gaps, missing scores and repeated times."""
    rng = np.random.default_rng(seed)
    step = rng.choice([0.0, 300.0, 600.0, 5000.0], size=rows, p=[0.05, 0.75, 0.15, 0.05])
    restless = np.repeat(rng.choice([0.02, 0.6, 0.95], size=rows // 20, p=[0.6, 0.3, 0.1]), 20)
    score = np.where(rng.random(rows) < restless, 1.5, 0.4)
    score[rng.random(rows) < 0.05] = np.nan
    return 1.7e9 + np.cumsum(step), score


SETTINGS = [Settings(), Settings(open_k=3, open_n=5), Settings(open_k=1, open_n=1, close_k=1, close_n=1)]


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("pieces", [1, 7])
def test_episodes_are_those_of_the_slow_twin(settings: Settings, pieces: int) -> None:
    panel = panel_of([scores_of(seed) for seed in (1, 2, 3)], 1)
    number = (np.arange(len(panel.t)) - panel.indptr[panel.g]) * pieces // 400
    tracker = episodes.Tracker(settings, 3)
    state, start = np.zeros(len(panel.t), dtype=int), np.full(len(panel.t), np.nan)
    for piece in range(pieces):
        part = where(panel, number == piece)
        verdicts = tracker.follow(part.t, part.x[:, 0], part.indptr)
        state[number == piece], start[number == piece] = verdicts.state, verdicts.start
    for i in range(3):
        slow = twin(panel.entity(i), settings)
        mine = panel.g == i
        assert [WORDS[s] for s in state[mine]] == [word for word, _ in slow]
        assert np.array_equal(start[mine], [began for _, began in slow], equal_nan=True)


def twin(panel: Panel, settings: Settings) -> list[tuple[str, float]]:
    """State and start of each row of one entity."""
    k, n = (settings.open_k, settings.open_n), (settings.close_k, settings.close_n)
    entity = naive.Episode(*k, *n, episodes.HOLD_S)
    return [entity.follow(float(t), float(s)) for t, s in zip(panel.t, panel.x[:, 0])]

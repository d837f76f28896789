"""What the messages of adaptdetect count."""

from __future__ import annotations

import numpy as np

from adaptive_monitoring.commands.scoring import count_starts
from adaptive_monitoring.engine.base import Settings
from adaptive_monitoring.engine.episodes import Tracker


def test_an_episode_with_a_missing_row_in_it_counts_once_in_one_piece_and_in_two() -> None:
    t, score = 300.0 * np.arange(8), np.array([0.1, 2, 2, 2, np.nan, 2, 2, 0.1])
    whole = Tracker(Settings(), 1).follow(t, score, np.array([0, 8]))
    assert count_starts(whole, np.zeros(8, dtype=int)) == 1
    for cut in (3, 4, 5):
        tracker, found = Tracker(Settings(), 1), 0
        for part in (slice(0, cut), slice(cut, 8)):
            known, n = tracker.start.copy(), len(t[part])
            verdicts = tracker.follow(t[part], score[part], np.array([0, n]))
            found += count_starts(verdicts, np.zeros(n, dtype=int), known)
        assert found == 1


def test_equal_starts_of_two_entities_are_two_episodes() -> None:
    t, score = np.tile(300.0 * np.arange(4), 2), np.tile([0.1, 2.0, 2.0, 2.0], 2)
    verdicts = Tracker(Settings(), 2).follow(t, score, np.array([0, 4, 8]))
    assert count_starts(verdicts, np.repeat([0, 1], 4)) == 2

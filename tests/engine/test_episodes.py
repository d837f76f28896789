"""Episodes against their slow twin, in one piece and in chunks."""
from __future__ import annotations

import tracemalloc

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
    score = np.where(rng.random(rows) < restless, rng.choice([1.1, 1.3, 1.6, 3.0], size=rows), 0.4)
    score[rng.random(rows) < 0.05] = np.nan
    return 1.7e9 + np.cumsum(step), score


SETTINGS = [Settings(), Settings(open_k=3, open_n=5), Settings(open_k=1, open_n=1, close_k=1, close_n=1)]


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("pieces", [1, 7])
def test_episodes_are_those_of_the_slow_twin(settings: Settings, pieces: int) -> None:
    panel = panel_of([scores_of(seed) for seed in (1, 2, 3)], 1)
    number = (np.arange(len(panel.t)) - panel.indptr[panel.g]) * pieces // 400
    tracker = episodes.Tracker(settings, 3)
    state, start, score = np.zeros(len(panel.t), dtype=int), np.full(len(panel.t), np.nan), np.zeros(len(panel.t))
    for piece in range(pieces):
        part = where(panel, number == piece)
        verdicts = tracker.follow(part.t, part.x[:, 0], part.indptr)
        state[number == piece], start[number == piece] = verdicts.state, verdicts.start
        score[number == piece] = verdicts.score
    for i in range(3):
        slow = twin(panel.entity(i), settings)
        mine = panel.g == i
        assert [WORDS[s] for s in state[mine]] == [word for word, _, _ in slow]
        assert np.array_equal(start[mine], [began for _, began, _ in slow], equal_nan=True)
        np.testing.assert_allclose(score[mine], [shown for _, _, shown in slow], rtol=1e-9)
        assert len({word for word, _, _ in slow}) == len(WORDS)  # the case shows every state


def twin(panel: Panel, settings: Settings) -> list[tuple[str, float, float]]:
    """State and start of each row of one entity."""
    k, n = (settings.open_k, settings.open_n), (settings.close_k, settings.close_n)
    entity = naive.Episode(*k, *n, episodes.HOLD_S)
    return [entity.follow(float(t), float(s)) for t, s in zip(panel.t, panel.x[:, 0])]


def told(tracker: episodes.Tracker, scores: list[float], at: float) -> tuple[episodes.Verdicts, float]:
    """Verdicts of rows every five minutes from a time on, and the time after them."""
    t = at + 300.0 * np.arange(len(scores))
    return tracker.follow(t, np.array(scores), np.array([0, len(scores)])), at + 300.0 * len(scores)


def test_soon_after_an_alert_only_worse_news_are_told_and_a_day_later_the_same_again() -> None:
    tracker = episodes.Tracker(Settings(), 1)
    first, at = told(tracker, [0.1, 1.2, 1.2, 0.1], 0.0)
    calm = told(tracker, [0.1] * 24, at)[0]
    assert first.open.tolist() == [False, False, True, True] and not calm.open[-1]
    assert not told(tracker, [1.2, 1.2, 1.2], 4 * 3600.0)[0].open.any()
    assert told(tracker, [1.8, 1.8, 1.8], 6 * 3600.0)[0].open.any()
    assert told(tracker, [1.2, 1.2, 1.2], 5 * 86400.0)[0].open.any()


def test_the_shown_score_is_what_two_of_three_rows_reached_and_sinks_within_hours() -> None:
    tracker = episodes.Tracker(Settings(), 1)
    shown, at = told(tracker, [0.0, 2.0, 0.0, 3.0, 2.5, 0.0], 0.0)
    assert shown.score[:3].tolist() == pytest.approx([0.0, 1.2, 0.0]) and shown.score[3:5] == pytest.approx([2.0, 2.5])
    later = told(tracker, [0.0] * 24, at)[0].score
    assert later[11] == pytest.approx(2.5 * np.exp(-1)) and (np.diff(later) < 0).all()


def test_episodes_of_a_long_crowd_do_not_depend_on_each_other() -> None:
    alone = [episodes.Tracker(Settings(), 1).follow(*one(seed)) for seed in (4, 5)]
    both = panel_of([scores_of(4), scores_of(5)], 1)
    verdicts = episodes.Tracker(Settings(), 2).follow(both.t, both.x[:, 0], both.indptr)
    assert np.array_equal(verdicts.open, np.concatenate([v.open for v in alone]))
    assert np.array_equal(verdicts.score, np.concatenate([v.score for v in alone]), equal_nan=True)


def one(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    t, score = scores_of(seed)
    return t, score, np.array([0, len(t)])


@pytest.mark.parametrize("pieces", [1, 2])
def test_a_row_as_old_as_a_missing_one_opens_nothing(pieces: int) -> None:
    """Such rows are judged by level alone: wherever the rows are cut, they are late."""
    t, score = np.array([0.0, 300.0, 300.0]), np.array([0.1, np.nan, 2.0])
    tracker, found = episodes.Tracker(Settings(open_k=1, open_n=1), 1), []
    for part in np.split(np.arange(3), [2] if pieces == 2 else [3]):
        found += tracker.follow(t[part], score[part], np.array([0, len(part)])).open.tolist()
    assert found == [False] * 3 and tracker.clock.tolist() == [300.0]


def slow_alarms(reached: np.ndarray, now: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Rows in alarm, column by column."""
    last, alarm = last.copy(), np.zeros(reached.shape, dtype=bool)
    for column in range(reached.shape[1]):
        for who in range(len(reached)):
            level = episodes.raised(now[who, column] - last[who])
            if reached[who, column] >= max(level, 1.0) and now[who, column] == now[who, column]:
                alarm[who, column], last[who] = True, now[who, column]
    return alarm


@pytest.mark.parametrize("seed", range(8))
def test_alarms_are_those_found_column_by_column(seed: int) -> None:
    """Levels sink, and every alarm raises them again; entities end at different columns and had alarms or none."""
    chance = np.random.default_rng(seed)
    shape = (7, 60)
    reached = chance.choice([0.0, 0.5, 1.0, 1.2, 1.4, 1.5, 1.6, 3.0], shape, p=[0.3, 0.2, *[0.08] * 5, 0.1])
    now = 1.7e9 * (seed % 2) + np.cumsum(chance.choice([1.0, 300.0, 3599.0, 3600.0, 3601.0, 40_000.0], shape), axis=1)
    now[np.arange(60) >= chance.integers(0, 61, 7)[:, None]] = np.nan
    tracker = episodes.Tracker(Settings(), 9)
    act = np.array([0, 1, 2, 4, 5, 6, 8])
    tracker.alarm[act] = chance.choice([-np.inf, -1e9, 0.0], 7)
    alarm, last_alarm = tracker._alarms(act, reached, now)
    assert np.array_equal(alarm, slow_alarms(reached, now, tracker.alarm[act])) and alarm.any()
    for i, j in np.ndindex(shape):
        assert last_alarm[i, j] == max([tracker.alarm[act[i]], *now[i, : j + 1][alarm[i, : j + 1]]])


def test_rows_without_evidence_show_what_is_left_of_earlier_ones() -> None:
    """The short way for quiet rows, and the long one, which counts zeros, too."""
    chance = np.random.default_rng(1)
    score = np.where(chance.random(300) < 0.1, chance.choice([0.3, 1.5, 4.0], 300), 0.0)
    t = 1.7e9 + np.cumsum(chance.choice([60.0, 300.0, 30_000.0], 300))
    indptr = np.array([0, 100, 180, 300])
    quiet = episodes.Tracker(Settings(), 3).follow(t, score, indptr)
    tiny = episodes.Tracker(Settings(), 3).follow(t, score + 1e-300, indptr)
    np.testing.assert_allclose(quiet.score, tiny.score, rtol=1e-9, atol=1e-200)
    assert np.array_equal(quiet.state, tiny.state) and np.array_equal(quiet.start, tiny.start, equal_nan=True)


def test_one_long_entity_among_short_ones_takes_memory_like_its_rows() -> None:
    t, score = scores_of(6, rows=8000)
    short = np.zeros(2000)
    indptr = np.r_[0, 8000 + np.arange(2001)]
    tracemalloc.start()
    verdicts = episodes.Tracker(Settings(), 2001).follow(np.r_[t, short], np.r_[score, short], indptr)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30e6  # one table of all has 16 million cells
    alone = episodes.Tracker(Settings(), 1).follow(t, score, indptr[:2])
    assert np.array_equal(verdicts.score[:8000], alone.score, equal_nan=True)
    assert np.array_equal(verdicts.start[:8000], alone.start, equal_nan=True)

"""Alerts against incidents: the fast way says what the definitions say, and what the judge beside the data says."""

from __future__ import annotations

import numpy as np
import pytest
from bench import judge, labelled
from bench.stage import ROOT

from adaptive_monitoring.engine.base import Panel
from adaptive_monitoring.engine.comparing import Ground, Stretches, bootstrap, match, merged, notifications, overlapping

EVALUATE = labelled.evaluator(ROOT.parent / "shared")
needs_judge = pytest.mark.skipif(EVALUATE is None, reason="no evaluate.py beside the repository")


def stretches(*rows: tuple[int, float, float]) -> Stretches:
    e, start, end = (np.array(column) for column in zip(*rows)) if rows else (np.zeros(0),) * 3
    return Stretches(e.astype(np.int64), start.astype(float), end.astype(float))


def made(seed: int, entities: int = 4) -> tuple[Panel, np.ndarray, np.ndarray, list[int]]:
    """Panel, flags, labels and history rows of hosts with gaps, of steps from one minute to an hour."""
    random = np.random.default_rng(seed)
    times, flags, labels, lengths, history = [], [], [], [], []
    for _ in range(entities):
        n, step = int(random.integers(150, 700)), float(random.choice([60, 300, 900, 3600]))
        t = 1.7e9 + np.cumsum(np.where(random.random(n) < 0.02, 20 * step, step))
        for on, share in ((flags, 0.06), (labels, 0.02)):
            starts = np.flatnonzero(random.random(n) < share)
            row = np.zeros(n, dtype=bool)
            for start in starts:
                row[start : start + int(random.integers(1, 60 if on is flags else 12))] = True
            on.append(row)
        times.append(t)
        lengths.append(n)
        history.append(int(random.integers(5, n // 3)))
    panel = Panel(np.concatenate(times), np.zeros((sum(lengths), 1)), np.append(0, np.cumsum(lengths)))
    return panel, np.concatenate(flags), np.concatenate(labels), history


def figures(panel: Panel, flag: np.ndarray, label: np.ndarray, history: list[int]):
    """(ground, incidents, match) as a back-test comes to them: incidents are the runs of labels."""
    since = panel.t[panel.indptr[:-1] + np.array(history)]
    ground = Ground(panel, since)
    known = []
    for e in range(ground.entities):
        t, y = (part[panel.indptr[e] : panel.indptr[e + 1]] for part in (panel.t, label))
        edges = np.diff(np.r_[0, y.astype(np.int8), 0])
        runs = zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1)
        known += [(e, float(t[a]), float(t[b])) for a, b in runs]
    incidents, _ = ground.clipped(merged(stretches(*known))[0])
    return ground, incidents, match(ground, incidents, ground.alerts(flag))


@pytest.mark.parametrize("seed", range(12))
def test_counts_are_those_of_the_definitions_row_by_row(seed: int) -> None:
    panel, flag, label, history = made(seed)
    ground, incidents, found = figures(panel, flag, label, history)
    for e in range(ground.entities):
        rows = slice(int(panel.indptr[e]), int(panel.indptr[e + 1]))
        truth = judge.Truth(str(e), panel.t[rows], label[rows].astype(float), history[e])
        slow = judge.judged(truth, flag[rows])
        mine = incidents.e == e
        assert (mine.sum(), found.caught[mine].sum(), found.false[e]) == (slow.incidents, slow.found, slow.false_events)
        delays = np.maximum(found.told[mine & found.caught] - incidents.start[mine & found.caught], 0)
        assert delays.tolist() == slow.delays
        assert ground.quiet_weeks(incidents)[e] == pytest.approx(slow.weeks)


@needs_judge
@pytest.mark.parametrize("seed", range(4))
def test_counts_are_those_of_the_judge(seed: int) -> None:
    panel, flag, label, history = made(100 + seed)
    ground, incidents, found = figures(panel, flag, label, history)
    for e in range(ground.entities):
        rows = slice(int(panel.indptr[e]), int(panel.indptr[e + 1]))
        marks = label[rows].astype(np.int8)
        series = EVALUATE.Series("x", str(e), "f", panel.t[rows], panel.x[rows], marks, history[e])
        count, caught, false, _delays, told, weeks = EVALUATE.events(series, flag[rows])
        mine = incidents.e == e
        assert (mine.sum(), found.caught[mine].sum(), found.false[e]) == (count, caught, false)
        assert found.notifications[e] == told and ground.quiet_weeks(incidents)[e] == pytest.approx(weeks)


def test_an_alarm_that_is_always_on_catches_nothing_that_begins_long_after_it() -> None:
    t = 1.7e9 + 300.0 * np.arange(2000)
    panel = Panel(t, np.zeros((2000, 1)), np.array([0, 2000]))
    ground = Ground(panel, t[:1])
    incident = stretches((0, float(t[1000]), float(t[1010])))
    found = match(ground, incident, ground.alerts(np.ones(2000, dtype=bool)))
    assert found.alerts.tolist() == [1] and found.notifications.tolist() == [7] and not found.caught.any()
    assert found.false.tolist() == [7]


def test_rows_before_the_comparison_count_for_nobody() -> None:
    t = 1.7e9 + 300.0 * np.arange(100)
    panel = Panel(t, np.zeros((100, 1)), np.array([0, 100]))
    ground = Ground(panel, t[50:51])
    flag = np.zeros(100, dtype=bool)
    flag[10:20] = flag[45:55] = True
    alerts = ground.alerts(flag)
    assert (alerts.start.tolist(), alerts.end.tolist()) == ([t[50]], [t[54]])
    known, place = ground.clipped(stretches((0, float(t[5]), float(t[8])), (0, float(t[40]), float(t[60]))))
    assert (known.start.tolist(), known.end.tolist(), place.tolist()) == ([t[50]], [t[60]], [1])


def test_overlapping_incidents_become_one_and_nothing_else_does() -> None:
    found, place = merged(stretches((1, 5, 9), (0, 10, 20), (0, 12, 13), (0, 19, 30), (0, 31, 40), (1, 0, 4)))
    assert list(zip(found.e.tolist(), found.start.tolist(), found.end.tolist())) == [
        (0, 10, 30), (0, 31, 40), (1, 0, 4), (1, 5, 9)]
    assert place.tolist() == [1, 4, 5, 0]
    assert len(merged(stretches())[0]) == 0


@pytest.mark.parametrize("seed", range(5))
def test_overlap_is_what_comparing_each_with_each_finds(seed: int) -> None:
    panel, flag, label, _ = made(seed)
    ground = Ground(panel, panel.t[panel.indptr[:-1]])
    some, others = ground.alerts(flag), ground.alerts(label)
    slow = [
        any(
            f == e and end >= a - ground.tolerance[e] and start <= b + ground.tolerance[e]
            for f, start, end in zip(others.e, others.start, others.end)
        )
        for e, a, b in zip(some.e, some.start, some.end)
    ]
    assert overlapping(ground, some, others).tolist() == slow and 0 < sum(slow) < len(slow)


def test_an_open_alert_is_told_once_a_day() -> None:
    e, t = notifications(stretches((0, 0, 86399), (2, 100, 100 + 2 * 86400)))
    assert (e.tolist(), t.tolist()) == ([0, 2, 2, 2], [0.0, 100.0, 86500.0, 172900.0])


def test_the_interval_holds_the_figure_and_shrinks_with_entities() -> None:
    random = np.random.default_rng(3)
    widths = []
    for g in (10, 1000):
        whole = random.integers(1, 6, g)
        part = random.binomial(whole, 0.6)
        low, high = bootstrap(part, whole)
        assert low <= part.sum() / whole.sum() <= high and (low, high) == bootstrap(part, whole)
        widths.append(high - low)
    assert widths[1] < widths[0] / 4
    assert np.isnan(bootstrap(np.zeros(3, dtype=int), np.zeros(3, dtype=int))).all()

"""What alerts were worth, counted as an operator would count them.

Incident: a run of labelled rows; runs less than 30 minutes (or three steps, if longer) apart are one. Alert: the same
of alert rows. Notification: the moment an alert begins, and once more for every full day that it lasts. A
notification is right from 10 minutes (or two steps) before an incident until as long after its end; any other one is
a false alert. An incident is found when it has a right notification, the delay runs from its start to the first of
them. So an alarm that was already on when the incident came has not found it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WEEK_S, DAY_S = 7 * 86400.0, 86400.0


@dataclass(frozen=True)
class Outcome:
    """Counts of one host. weeks: scored time outside incidents. delays: seconds, one per incident found."""

    incidents: int
    found: int
    false: int
    weeks: float
    delays: tuple[float, ...]


@dataclass(frozen=True)
class Line:
    """The same over a fleet. delay_s: median, NaN when nothing was found."""

    false_per_week: float
    found: int
    incidents: int
    recall: float
    precision: float
    delay_s: float


def stretches(t: np.ndarray, on: np.ndarray, gap_s: float) -> list[tuple[float, float]]:
    """(first, last time) of the runs of True; runs that begin at most gap_s after another's end belong to it."""
    found: list[tuple[float, float]] = []
    edges = np.flatnonzero(np.diff(np.concatenate([[0], on.astype(np.int8), [0]])))
    for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist()):
        first, last = float(t[start]), float(t[stop - 1])
        if found and first - found[-1][1] <= gap_s:
            found[-1] = (found[-1][0], last)
        else:
            found.append((first, last))
    return found


def margins(t: np.ndarray) -> tuple[float, float, float]:
    """(step, gap within one incident, tolerance around it), seconds."""
    step = float(np.median(np.diff(t))) if len(t) > 1 else 300.0
    return step, max(3 * step, 1800.0), max(2 * step, 600.0)


def outcome(t: np.ndarray, label: np.ndarray, alert: np.ndarray) -> Outcome:
    """Judges one host's alerts. t: (n,) seconds, increasing; label, alert: (n,) bool."""
    step, gap, tolerance = margins(t)
    incidents = stretches(t, label, gap)
    told = notifications(t, alert, gap)
    right = [[at for at in told if a - tolerance <= at <= b + tolerance] for a, b in incidents]
    good = {at for times in right for at in times}
    delays = tuple(max(0.0, times[0] - a) for times, (a, _) in zip(right, incidents) if times)
    inside = np.zeros(len(t), dtype=bool)
    for a, b in incidents:
        inside |= (t >= a) & (t <= b)
    weeks = max(float((~inside).sum()) * step, step) / WEEK_S
    return Outcome(len(incidents), len(delays), sum(at not in good for at in told), weeks, delays)


def notifications(t: np.ndarray, alert: np.ndarray, gap_s: float) -> list[float]:
    """When somebody is told."""
    return [float(at) for a, b in stretches(t, alert, gap_s) for at in np.arange(a, b + 1, DAY_S)]


def line(outcomes: list[Outcome]) -> Line:
    """The fleet's line of the table."""
    incidents, found = sum(o.incidents for o in outcomes), sum(o.found for o in outcomes)
    false = sum(o.false for o in outcomes)
    delays = [d for o in outcomes for d in o.delays]
    return Line(
        false / sum(o.weeks for o in outcomes),
        found,
        incidents,
        found / max(incidents, 1),
        found / max(found + false, 1),
        float(np.median(delays)) if delays else float("nan"),
    )

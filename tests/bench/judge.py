"""What operators feel, by event: incidents, alerts, false alerts. History is not judged; no point adjustment.

dt: median step. incident: run of label=1; alert: run of is_anomaly=1; runs closer than max(3 dt, 30 min) are one.
notification: onset of an alert, and again every 24 h while it is open. It is true within max(2 dt, 10 min) around an
incident, else a false event. precision = found / (found + false events), recall = found / incidents, F1 their harmonic
mean.
VUS-PR (Paparrizos et al. 2022) comes from an evaluate.py beside the data, where there is one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

WEEK_S = 7 * 86400.0
DAY_S = 86400


class Truth(NamedTuple):
    """One host. t: (n,) seconds; label: (n,); history: first rows that are not judged."""

    name: str
    t: np.ndarray
    label: np.ndarray
    history: int


class Outcome(NamedTuple):
    """One host. weeks: scored time outside incidents. delays: seconds. vuspr: NaN when unknown. dt: seconds a row."""

    incidents: int
    found: int
    false_events: int
    weeks: float
    delays: list[float]
    vuspr: float = float("nan")
    dt: float = float("nan")


def judged(truth: Truth, flag: np.ndarray) -> Outcome:
    """flag: (n,) the alert flag of every row."""
    t, label = truth.t[truth.history :], truth.label[truth.history :] > 0
    dt = float(np.median(np.diff(truth.t)))
    gap, margin = max(3 * dt, 1800.0), max(2 * dt, 600.0)
    incidents = merged(t, label, gap)
    inside = np.zeros(len(t), dtype=bool)
    for first, last in incidents:
        inside[first : last + 1] = True
    alerts = merged(t, np.asarray(flag)[truth.history :] > 0, gap)
    said = [moment for first, last in alerts for moment in range(int(t[first]), int(t[last]) + 1, DAY_S)]
    true, delays = set(), []
    for first, last in incidents:
        hits = [moment for moment in said if t[first] - margin <= moment <= t[last] + margin]
        true.update(hits)
        delays += [max(0.0, min(hits) - float(t[first]))] if hits else []
    false_events = sum(moment not in true for moment in said)
    weeks = max(float((~inside).sum()) * dt, dt) / WEEK_S
    return Outcome(len(incidents), len(delays), false_events, weeks, delays, dt=dt)


def merged(t: np.ndarray, on: np.ndarray, gap: float) -> list[tuple[int, int]]:
    """First and last row of each run, runs at most gap seconds apart taken together."""
    edges = np.diff(np.r_[0, on.astype(np.int8), 0])
    out: list[tuple[int, int]] = []
    for first, last in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1):
        if out and t[first] - t[out[-1][1]] <= gap:
            out[-1] = (out[-1][0], int(last))
        else:
            out.append((int(first), int(last)))
    return out


def summary(outcomes: list[Outcome]) -> dict[str, float]:
    """The figures of one data set; NaN where there is nothing to divide by."""
    incidents, found = sum(o.incidents for o in outcomes), sum(o.found for o in outcomes)
    false_events, weeks = sum(o.false_events for o in outcomes), sum(o.weeks for o in outcomes)
    recall, precision = found / max(incidents, 1), found / max(found + false_events, 1)
    delays = [delay for outcome in outcomes for delay in outcome.delays]
    rows = [delay / outcome.dt for outcome in outcomes for delay in outcome.delays]
    ranked = [o.vuspr for o in outcomes if o.vuspr == o.vuspr]
    return {
        "f1": 2 * precision * recall / max(precision + recall, 1e-9),
        "recall": recall,
        "precision": precision,
        "fa_mean": false_events / weeks,
        "fa_median": float(np.median([o.false_events / o.weeks for o in outcomes])),
        "delay": float(np.median(delays)) / 60 if delays else float("nan"),
        "delay_rows": float(np.median(rows)) if rows else float("nan"),
        "vuspr": float(np.mean(ranked)) if ranked else float("nan"),
    }


def overall(by_dataset: dict[str, list[Outcome]]) -> dict[str, float]:
    """Means over the data sets; fa_median over all their hosts, delay_rows over all their incidents found."""
    each = [summary(outcomes) for outcomes in by_dataset.values()]
    known = {name: [figures[name] for figures in each if figures[name] == figures[name]] for name in each[0]}
    means = {name: float(np.mean(some)) if some else float("nan") for name, some in known.items()}
    everyone = summary([outcome for outcomes in by_dataset.values() for outcome in outcomes])
    return {**means, **{name: everyone[name] for name in ("fa_median", "delay_rows")}}


def ranking(evaluate: Any, truth: Truth, score: np.ndarray) -> float:
    """VUS-PR of one host by evaluate.py; NaN without it, or without incidents."""
    y = truth.label[truth.history :] > 0
    if evaluate is None or not y.any():
        return float("nan")
    dt = float(np.median(np.diff(truth.t)))
    window = int(np.clip(round(3600 / dt), 6, 60))
    return float(evaluate.vuspr(y, np.nan_to_num(score[truth.history :], nan=-1e300), window))

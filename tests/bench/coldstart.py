"""A new host with and without a group: what its first week costs, and what its first two days find.

Leave one host out: the others of a data set, or of a made-up fleet, are one group and are trained up to a moment at
which the left-out host appears; its rows from there on are scored from nothing (cold), from the model of its group
(peer), and, to compare with, by its own model as if it had been there all the time (own). For every host, and at
several moments where the data are long enough.

Faults are injected, one per run: a spike of 10 scales in one metric for half an hour, a shift of 6 scales in a quarter
of the metrics for three hours, an outage of 20 scales in half of them for an hour. A scale is the mean absolute
deviation that the host's own model knows after its history. Found: an episode begins within the fault, or up to two
rows behind it, that the run without the fault has not.

Limits: the engine alone, without the scripts. Faults are made, so their share found says little about real incidents;
labelled incidents of the first two days are few.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, Optional

import numpy as np

from adaptive_monitoring.engine import peers, registry
from adaptive_monitoring.engine.base import Panel, Settings, State
from adaptive_monitoring.engine.episodes import Tracker
from bench import catalogue, labelled
from bench.judge import Truth, judged
from bench.stage import ROOT, Stage

DAY_S, HOUR_S = 86400.0, 3600.0
APPEARS = (0, 8, 16)  # days behind the history
EARLY, LATER = (1, 3, 5), (9, 20, 30, 42)  # hours at which faults begin
#: scales, hours, share of the metrics (0 = one)
FAULTS = {"spike": (10.0, 0.5, 0.0), "shift": (6.0, 3.0, 0.25), "outage": (20.0, 1.0, 0.5)}
START_S = 1_699_833_600.0  # a Monday, 0:00 UTC


class Hosts(NamedTuple):
    """Hosts of one group. t, x, label: one array per host, (n,), (n, d), (n,)."""

    t: list[np.ndarray]
    x: list[np.ndarray]
    label: list[np.ndarray]
    history: list[float]  # the time at which each host's history ends


def measure(stage: Stage, wanted: list[str], folder: Optional[Path] = None) -> dict[str, Any]:
    """Figures of the fleets that are asked for; development data that are not there are skipped, and told."""
    values: dict[str, Any] = {}
    files = labelled.development(folder or ROOT.parent / "shared")
    skipped = []
    for name in catalogue.COLDSTART_SETS:
        mine = [id for id in wanted if id.startswith(f"coldstart.{name}.")]
        if not mine:
            continue
        if name not in MADE and name not in files:
            skipped.append(f"coldstart.{name}: no such development data")
            continue
        found = figures(MADE[name]() if name in MADE else real(labelled.load(files[name])))
        values.update({id: found[id.split(".", 2)[2]] for id in mine})
    return {**values, "details": {"skipped": skipped}}


def figures(hosts: Hosts) -> dict[str, float]:
    """way.figure → value."""
    totals: dict[str, list[float]] = {}
    detector, n = registry.make("adaptive", Settings()), len(hosts.t)
    state = detector.empty(n, hosts.x[0].shape[1])
    begin = [-np.inf] * n
    for days in APPEARS:
        until = [end + days * DAY_S for end in hosts.history]
        if days and any(t[-1] < end + 7 * DAY_S for t, end in zip(hosts.t, until)):
            break
        state = detector.fit(_panel(hosts, begin, until), state)
        begin = until
        frozen = detector.freeze(state)
        for way in catalogue.COLDSTART_WAYS:
            _one(detector, hosts, frozen, until, way, totals)
    return {name: float(np.divide(*parts)) if parts[1] else float("nan") for name, parts in totals.items()}


def _one(detector: Any, hosts: Hosts, frozen: State, since: list[float], way: str, totals: dict[str, list[float]]
         ) -> None:
    """Adds counts of one appearance: [part, whole] of each figure."""
    week = _panel(hosts, since, [t + 7 * DAY_S for t in since])
    _, opened = run(detector, begin_state(detector, frozen, way), week)
    for i in range(len(hosts.t)):
        rows = slice(int(week.indptr[i]), int(week.indptr[i + 1]))
        inside = (hosts.t[i] >= since[i]) & (hosts.t[i] < since[i] + 7 * DAY_S)
        truth = Truth(str(i), hosts.t[i][inside], hosts.label[i][inside], 0)
        whole = judged(truth, opened[rows])
        _add(totals, f"{way}.fa_week", whole.false_events, whole.weeks)
        first = truth.t < since[i] + 2 * DAY_S
        two = judged(Truth(str(i), truth.t[first], truth.label[first], 0), opened[rows][first])
        _add(totals, f"{way}.incidents", two.found, two.incidents)
    _injected(detector, hosts, frozen, since, way, totals)


def _injected(detector: Any, hosts: Hosts, frozen: State, since: list[float], way: str, totals: dict[str, list[float]]
              ) -> None:
    days = _panel(hosts, since, [t + 2 * DAY_S for t in since])
    clean, _ = run(detector, begin_state(detector, frozen, way), days)
    age = days.t - np.array(since)[days.g]
    for kind, (size, hours, share) in FAULTS.items():
        for hour in (*EARLY, *LATER):
            during = (age >= hour * HOUR_S) & (age < (hour + hours) * HOUR_S)
            x = days.x + size * during[:, None] * _hit(frozen.table["scale"], share, f"{kind}{hour}")[days.g]
            starts, _ = run(detector, begin_state(detector, frozen, way), Panel(days.t, x, days.indptr))
            for i in range(len(hosts.t)):
                low, high = since[i] + hour * HOUR_S, since[i] + (hour + hours) * HOUR_S
                step = float(np.median(np.diff(hosts.t[i])))
                found = any(low <= start <= high + 2 * step for start in starts[i] - clean[i])
                _add(totals, f"{way}.{kind}_{'6h' if hour in EARLY else '48h'}", float(found), 1.0)


def _hit(scale: np.ndarray, share: float, seed: str) -> np.ndarray:
    """The scale of the metrics that a fault hits, 0 for the others; of each host those that move. (g, d)"""
    out = np.zeros_like(scale)
    chance = np.random.default_rng(list(seed.encode()))
    for i, row in enumerate(scale):
        moving = np.flatnonzero(row > 0)
        chosen = chance.choice(moving, max(1, round(share * len(moving))), replace=False)
        out[i, chosen] = row[chosen]
    return out


def begin_state(detector: Any, frozen: State, way: str) -> State:
    """How each of the hosts begins. frozen: models of all of them; a host's group is all the others."""
    n, d = frozen.table["scale"].shape
    if way == "cold":
        return detector.empty(n, d)
    if way == "own":
        return detector.thaw(frozen)
    groups = [peers.pooled(frozen.take(others), frozen.table["scale"][others] > 0)
              for others in (np.delete(np.arange(n), i) for i in range(n))]
    table = {name: np.concatenate([group.table[name] for group in groups]) for name in peers.LAYOUT}
    return peers.lent(detector, State(frozen.detector, table))


def run(detector: Any, state: State, panel: Panel) -> tuple[list[set[float]], np.ndarray]:
    """Beginnings of each host's episodes, and which rows belong to one, (n,) bool."""
    scores, _ = detector.stream(state, panel, own=True)
    verdicts = Tracker(detector.settings, len(panel.indptr) - 1).follow(panel.t, scores.score, panel.indptr)
    starts: list[set[float]] = [set() for _ in range(len(panel.indptr) - 1)]
    for host, start in zip(panel.g[verdicts.open].tolist(), verdicts.start[verdicts.open].tolist()):
        starts[host].add(start)
    return starts, verdicts.open


def _panel(hosts: Hosts, since: list[float], until: list[float]) -> Panel:
    keep = [(t >= a) & (t < b) for t, a, b in zip(hosts.t, since, until)]
    lengths = [int(k.sum()) for k in keep]
    return Panel(np.concatenate([t[k] for t, k in zip(hosts.t, keep)]),
                 np.concatenate([x[k] for x, k in zip(hosts.x, keep)]), np.concatenate([[0], np.cumsum(lengths)]))


def _add(totals: dict[str, list[float]], name: str, part: float, whole: float) -> None:
    count = totals.setdefault(name, [0.0, 0.0])
    count[0] += part
    count[1] += whole


def real(data: labelled.Dataset) -> Hosts:
    """A labelled data set as one group."""
    rows: dict[str, list[list[float]]] = {name: [] for name in data.truths}
    for row in data.cells:
        rows[row[1]].append([float(cell) if cell else np.nan for cell in row[2:]])
    truths = list(data.truths.values())
    return Hosts([truth.t for truth in truths], [np.array(rows[truth.name]) for truth in truths],
                 [truth.label for truth in truths], [float(truth.t[truth.history]) for truth in truths])


def made(seed: int, apart: bool, hosts: int = 20, days: int = 37) -> Hosts:
    """A daily wave with noise. apart: hosts differ in size, level, wave and noise alike, by a factor of two and more;
    else in level, and a little in the rest."""
    chance = np.random.default_rng(seed)
    t = START_S + 300.0 * np.arange(int(days * 288))
    size = np.exp(chance.normal(0, 0.7, hosts)) if apart else np.ones(hosts)
    level = 50 * size if apart else chance.normal(50, 15, hosts)
    wave, noise = 12 * size * np.exp(chance.normal(0, 0.2, hosts)), 3 * size * np.exp(chance.normal(0, 0.3, hosts))
    out = [(level[i] + wave[i] * np.sin(2 * np.pi * t / DAY_S + chance.normal(0, 0.2))
            + noise[i] * chance.standard_normal(len(t)))[:, None] for i in range(hosts)]
    return Hosts([t] * hosts, out, [np.zeros(len(t))] * hosts, [START_S + 14 * DAY_S] * hosts)


MADE = {"levels": lambda: made(1, False), "sizes": lambda: made(2, True)}

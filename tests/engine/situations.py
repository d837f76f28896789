"""Made-up situations with a known outcome, and the alerts that a detector raises in them.

A host is (t, x): t (n,) seconds UTC, x (n, d). Metrics of plain hosts have the level 50, a daily wave and noise whose
robust standard deviation is 1, so that sizes of incidents are in standard deviations. Everything is seeded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from panels import panel_of

from adaptive_monitoring.engine import registry
from adaptive_monitoring.engine.base import Panel, Settings
from adaptive_monitoring.engine.episodes import Tracker

MONDAY = 1_699_833_600.0  # 2023-11-13 00:00 UTC, the first moment of every history
MINUTE, HOUR, DAY, WEEK = 60.0, 3600.0, 86400.0, 604800.0
LEVEL = 50.0
AFTERMATH_S = 3 * HOUR  # alerts so soon after an incident belong to it
_SLOW_S, _GRID_S = 1800.0, 300.0  # half of the noise is forgotten after half an hour
Host = tuple[np.ndarray, np.ndarray]


def clock(days: float, step: float = 300.0, jitter: float = 0.0, seed: int = 0) -> np.ndarray:
    """Times of rows from the first Monday on. jitter: part of a step by which a row comes too early or too late."""
    count = int(days * DAY / step)
    shift = np.random.default_rng(seed).uniform(-jitter, jitter, size=count) if jitter else np.zeros(count)
    return np.asarray(np.maximum(MONDAY + step * (np.arange(count) + shift), MONDAY))


def slow(t: np.ndarray, d: int, rng: np.random.Generator) -> np.ndarray:
    """Autocorrelated noise of variance 1, (n, d): an AR(1) process on a grid of five minutes, between them straight."""
    grid = np.arange(t[0], t[-1] + 2 * _GRID_S, _GRID_S)
    keep = np.exp(-_GRID_S / _SLOW_S)
    values = rng.normal(size=(len(grid), d))
    values[1:] *= np.sqrt(1 - keep**2)
    for i in range(1, len(grid)):
        values[i] += keep * values[i - 1]
    return np.column_stack([np.interp(t, grid, values[:, j]) for j in range(d)])


def noise(t: np.ndarray, d: int, rng: np.random.Generator) -> np.ndarray:
    """Noise of variance 1, (n, d): half of it white, half of it slow."""
    return np.asarray(np.sqrt(0.5) * (rng.normal(size=(len(t), d)) + slow(t, d, rng)))


def rhythm(t: np.ndarray) -> np.ndarray:
    """Between −1 at two in the night and 1 at two in the afternoon (UTC). (n,)"""
    return np.asarray(-np.cos(2 * np.pi * (np.mod(t, DAY) / DAY - 2 / 24)))


def plain(seed: int, days: float, step: float = 300.0, d: int = 1, wave: float = 2.0, jitter: float = 0.0) -> Host:
    """A host with nothing unusual. wave: half the daily swing."""
    t = clock(days, step, jitter, seed)
    return t, LEVEL + wave * rhythm(t)[:, None] + noise(t, d, np.random.default_rng(seed))


def fleet(make: Callable[[int], Host], hosts: int, seed: int = 1) -> list[Host]:
    """Hosts of one kind. make: from a seed."""
    return [make(1000 * seed + i) for i in range(hosts)]


def moments(hosts: int, day: float, first_hour: int = 8, hours: int = 10) -> np.ndarray:
    """One moment per host on the same day (0 = the first one), spread over these hours. (hosts,) seconds UTC"""
    return np.asarray(MONDAY + DAY * day + HOUR * (first_hour + 7 * np.arange(hosts) % hours))


def moved(hosts: Sequence[Host], begin: np.ndarray, length_s: float, by: float, d: int = 1) -> list[Host]:
    """The same hosts with their first d metrics moved for a while. begin: (hosts,)."""
    out = []
    for (t, x), start in zip(hosts, begin):
        now = (t >= start) & (t < start + length_s)
        out.append((t, np.where(now[:, None] & (np.arange(x.shape[1]) < d), x + by, x)))
    return out


def counter(seed: int, days: float, faster: float = np.nan, length_s: float = 2 * HOUR) -> Host:
    """A count since the last restart, with a daily rhythm; restarts come about every four days.

    faster: when the rate is doubled for a while (seconds UTC).
    """
    rng = np.random.default_rng(seed)
    t = clock(days)
    rate = 3000 * (1 + 0.5 * rhythm(t)) * np.exp(0.1 * noise(t, 1, rng)[:, 0])
    total = np.cumsum(rng.poisson(np.where((t >= faster) & (t < faster + length_s), 2 * rate, rate))).astype(float)
    begins = np.flatnonzero(rng.random(len(t)) < 300.0 / (4 * DAY))
    base = np.r_[0.0, total[begins]][np.searchsorted(begins, np.arange(len(t)), side="right")]
    return t, (total - base)[:, None]


def levels(seed: int, days: float) -> Host:
    """One of three levels, changing at random, every two hours on average."""
    rng = np.random.default_rng(seed)
    t = clock(days)
    changes = rng.random(len(t)) < 300.0 / (2 * HOUR)
    which = rng.integers(0, 3, size=len(t))
    return t, np.array([1.0, 2.0, 5.0])[which[np.maximum.accumulate(np.where(changes, np.arange(len(t)), 0))]][:, None]


def sparse(seed: int, days: float) -> Host:
    """Mostly zero; about once a day up to three rows of five on average (exponential)."""
    rng = np.random.default_rng(seed)
    t = clock(days)
    x = np.zeros(len(t))
    for at in np.flatnonzero(rng.random(len(t)) < 300.0 / DAY):
        x[at : at + int(rng.integers(1, 4))] = 1.0 + rng.exponential(4.0)
    return t, x[:, None]


def nightly(seed: int, days: float, since_day: float, d: int = 8, every_s: float = DAY) -> Host:
    """All metrics eight deviations higher for an hour from 02:00 on, each night (or week) from a day on."""
    t, x = plain(seed, days, d=d)
    after = t - (MONDAY + since_day * DAY + 2 * HOUR)
    busy = (after >= 0) & (np.mod(after, every_s) < HOUR)
    return t, x + 8.0 * busy[:, None]


def weekly(seed: int, days: float) -> Host:
    """Busy by day from Monday to Friday, quiet on Saturday and Sunday."""
    t, x = plain(seed, days, step=600.0, wave=0.0)
    working = np.mod(np.floor((t - MONDAY) / DAY), 7) < 5
    return t, x + 10.0 * (np.maximum(rhythm(t), 0.0) * working)[:, None]


def factor(seed: int, days: float, d: int = 10) -> Host:
    """Many metrics that follow one common, slowly moving cause."""
    rng = np.random.default_rng(seed)
    t = clock(days)
    return t, LEVEL + 2 * rhythm(t)[:, None] + 0.9 * slow(t, 1, rng) + 0.45 * rng.normal(size=(len(t), d))


@dataclass(frozen=True)
class Alert:
    """One episode. since: its first strange row; told: when it opened; end: its last open row."""

    host: int
    since: float
    told: float
    end: float


def alerts_of(panel: Panel, settings: Settings | None = None) -> list[Alert]:
    """What the default detector says, learning as it goes, from an empty state."""
    settings = settings or Settings()
    detector, hosts = registry.make("adaptive", settings), len(panel.indptr) - 1
    scores, _ = detector.stream(detector.empty(hosts, panel.x.shape[1]), panel, own=True)
    verdicts = Tracker(settings, hosts).follow(panel.t, scores.score, panel.indptr)
    rows = np.flatnonzero(verdicts.open)
    keys = list(zip(panel.g[rows].tolist(), verdicts.start[rows].tolist()))
    found: dict[tuple[int, float], list[float]] = {}
    for key, t in zip(keys, panel.t[rows].tolist()):
        found.setdefault(key, []).append(t)
    return [Alert(host, since, times[0], times[-1]) for (host, since), times in found.items()]


@dataclass(frozen=True)
class Outcome:
    """Alerts of some hosts over a time. begin: (hosts,) of an incident that all of them had, length_s long."""

    alerts: tuple[Alert, ...]
    hosts: int
    days: float
    begin: np.ndarray
    length_s: float

    def found(self, begin: np.ndarray | None = None) -> float:
        """Share of the hosts that were told of the incident while it lasted or within the hour after."""
        begin = self.begin if begin is None else begin
        seen = {a.host for a in self.alerts if 0 <= a.told - begin[a.host] <= self.length_s + HOUR}
        return len(seen) / self.hosts

    def others(self, after_day: float = 0.0, before_day: float = np.inf) -> list[Alert]:
        """Alerts that do not belong to the incident, told between these days."""
        first, last = MONDAY + after_day * DAY, MONDAY + before_day * DAY
        return [
            a
            for a in self.alerts
            if first <= a.told < last and not 0 <= a.told - self.begin[a.host] <= self.length_s + AFTERMATH_S
        ]

    def rate(self, after_day: float = 0.0) -> float:
        """Such alerts per host and week."""
        return len(self.others(after_day)) / (self.hosts * (self.days - after_day) * DAY / WEEK)


def play(hosts: Sequence[Host], begin: np.ndarray | None = None, length_s: float = 0.0) -> Outcome:
    """All hosts in one panel through the default detector."""
    begin = np.full(len(hosts), -np.inf) if begin is None else begin
    panel = panel_of(list(hosts), hosts[0][1].shape[1])
    days = round((float(panel.t.max()) - MONDAY) / DAY, 1)
    return Outcome(tuple(alerts_of(panel)), len(hosts), days, begin, length_s)

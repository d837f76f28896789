"""What a picture shows, and what the rules that choose it look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cached_property

import numpy as np
from demo.episodes import Episode, episodes
from demo.fleet import Host
from demo.outcome import margins, stretches

HOUR_S, DAY_S = 3600.0, 86400.0
LEVEL = 50.0  # anomaly_score at an entity's own alert level


@dataclass(frozen=True)
class Case:
    """One picture. a, b: its first and last second. shown: metrics by index, most telling first.

    told: the sentence under the picture. figures: what is true of the case, for the page. marks: (time, text).
    zones: (from, to, text), shaded.
    """

    name: str
    title: str
    host: Host
    a: float
    b: float
    shown: list[int]
    told: str
    figures: str
    marks: list[tuple[float, str]] = field(default_factory=list)
    zones: list[tuple[float, float, str]] = field(default_factory=list)


class Seen:
    """A scored host and what rules ask about it again and again. near_s: an alert this close belongs to a case."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.episodes = episodes(host)
        self.step, gap, self.tolerance = margins(host.t)
        self.incidents = stretches(host.t, host.label, gap)
        self.trained = np.array(host.texts["model_status"], dtype=object) == "trained"
        self.level = np.nan_to_num(host.score) >= LEVEL
        self.outside = np.nan_to_num(host.bands["score"]) >= LEVEL  # (n, d): beyond the metric's own band

    def rows(self, a: float, b: float) -> slice:
        """The rows from a to b, both included."""
        first, last = np.searchsorted(self.host.t, [a, b + 0.5]).tolist()
        return slice(first, last)

    def calm(self, hours: float) -> np.ndarray:
        """(n,) bool: rows of a trained host without an alert or a marked incident so near."""
        return self.trained & ~widened(self.host.alert | self.host.label, round(hours * HOUR_S / self.step))

    def leaders(self, row: int, count: int) -> list[int]:
        """The metrics of the row's `contributors`, then those farthest in their bands."""
        host = self.host
        named = [part.split(" ")[0] for part in host.texts["contributors"][row].split("; ")]
        order = [host.metrics.index(name) for name in named if name in host.metrics]
        rest = np.argsort(-np.nan_to_num(host.bands["score"][row]), kind="stable").tolist()
        return list(dict.fromkeys(order + rest))[:count]

    def peak(self, episode: Episode) -> int:
        """The row that the episode's reason was taken from."""
        rows = np.arange(len(self.host.t))[self.rows(episode.told, episode.end)]
        return int(rows[np.nanargmax(self.host.score[rows])])

    @cached_property
    def gaps(self) -> np.ndarray:
        """(n, d) distance from what was expected; 0 where there is nothing to say."""
        return np.nan_to_num(np.abs(self.host.x - self.host.bands["expected"]))

    @cached_property
    def usual(self) -> np.ndarray:
        """(d,) the middle distance of the trained rows, at least a thousandth of the metric's span."""
        middle = np.median(self.gaps[self.trained], axis=0) if self.trained.any() else np.zeros(self.gaps.shape[1])
        least: np.ndarray = np.maximum(middle, np.maximum(1e-3 * np.ptp(np.nan_to_num(self.host.x), axis=0), 1e-12))
        return least

    def week_before(self, values: np.ndarray) -> np.ndarray:
        """(7, n, d) largest value on each of the seven calendar days before the row's own; NaN = not trained yet."""
        day = (self.host.t // DAY_S).astype(np.int64)
        day -= day[0]
        tops = np.full((day[-1] + 8, values.shape[1]), np.nan)
        np.fmax.at(tops, day[self.trained] + 7, values[self.trained])
        return np.stack([tops[day + 7 - ago] for ago in range(1, 8)])


def widened(on: np.ndarray, rows: int) -> np.ndarray:
    """True also for so many rows before and after."""
    total = np.concatenate([[0], np.cumsum(on)])
    at = np.arange(len(on))
    near: np.ndarray = total[np.minimum(at + rows + 1, len(on))] > total[np.maximum(at - rows, 0)]
    return near


def cut(host: Host, a: float, b: float) -> Host:
    """The host's rows from a to b."""
    rows = np.flatnonzero((host.t >= a) & (host.t <= b))
    texts = {name: [values[i] for i in rows] for name, values in host.texts.items()}
    bands = {name: values[rows] for name, values in host.bands.items()}
    part = Host(host.name, host.kind, host.metrics, *(v[rows] for v in (host.t, host.x, host.label, host.history)))
    part.score, part.alert, part.texts, part.bands = host.score[rows], host.alert[rows], texts, bands
    return part


def clock(t: float) -> str:
    """Fri Feb 7, 16:00."""
    when = datetime.fromtimestamp(t, timezone.utc)
    return f"{when:%a} {when:%b} {when.day}, {when:%H:%M}"


def explained(seen: Seen, rows: np.ndarray, metric: int) -> float:
    """Part of the metric's movement that the expectation foresees: 0 none, 1 all of it."""
    x, expected = seen.host.x[rows, metric], seen.host.bands["expected"][rows, metric]
    spread = float(np.nanmean(np.abs(x - np.nanmedian(x)))) if np.isfinite(x).any() else 0.0
    if not spread > 0 or not np.isfinite(expected).any():
        return 0.0
    return 1.0 - float(np.nanmean(np.abs(x - expected))) / spread

"""Slow twins: the same sums as the engine's, one row at a time in plain Python."""
from __future__ import annotations

import math
from collections.abc import Sequence


def squared_distance(z: Sequence[float], precision: Sequence[Sequence[float]]) -> float:
    """Squared Mahalanobis distance, term by term."""
    return sum(z[i] * precision[i][j] * z[j] for i in range(len(z)) for j in range(len(z)))


def residual(window: Sequence[float], level: float, scale: float) -> float:
    """Mean of the window's distances from the level, softened beyond two scales; missing counts as none."""
    gaps = [0.0 if math.isnan(x) else (x - level) / scale for x in window]
    return sum(2 * math.asinh(gap / 2) for gap in gaps) / len(gaps)


def lagged(rows: Sequence[tuple[float, float]], lags: int, reach: float) -> list[list[float]]:
    """Windows of one entity's one metric from nothing: the value, then the values before it. rows: (t, x), t rising."""
    out = []
    for i, (t, x) in enumerate(rows):
        known = {s: y for s, y in reversed(rows[:i]) if s < t}  # the first of equal times was learned
        times = sorted(known, reverse=True)[: lags - 1]
        window = [known[s] if t - s <= reach else x for s in times]
        out.append([x, *window, *[x] * (lags - 1 - len(window))])
    return out


def evidence(degree: float, quantiles: Sequence[float], shares: Sequence[float], slope: float) -> float:
    """-log10 of the tail probability: linear between quantiles, exponential beyond the last. Quantiles differ."""
    levels = [-math.log10(1 - s) for s in shares]
    if degree <= quantiles[0]:
        return 0.0
    for i in range(1, len(quantiles)):
        if degree <= quantiles[i]:
            part = (degree - quantiles[i - 1]) / (quantiles[i] - quantiles[i - 1])
            return levels[i - 1] + part * (levels[i] - levels[i - 1])
    return levels[-1] + (degree - quantiles[-1]) / slope / math.log(10)


def reached(values: Sequence[float], k: int, n: int) -> list[float]:
    """What k of the last n values reached, -inf while fewer than k are known."""
    out = []
    for i in range(len(values)):
        last = sorted(values[max(i - n + 1, 0) : i + 1], reverse=True)
        out.append(last[k - 1] if len(last) >= k else -math.inf)
    return out


def alert_level(peaks: Sequence[float], budget: float) -> float:
    """Where the exponential tail of the block peaks falls to the budget (28 blocks of six hours a week)."""
    ordered = sorted(peaks, reverse=True)
    m = len(ordered)
    tail = min(max(3, math.ceil(0.14 * m)), m)
    start = ordered[min(tail, m - 1)]
    slope = (sum(p - start for p in ordered[:tail]) + 5.0 * 1.0) / (tail + 5.0)
    level = start + slope * math.log(max((tail + 0.5) / (m + 1) * 28 / budget, 1.0))
    return max(level, 3.0 * min(1.0, 8.0 / (m + 1)), 0.5)


class Episode:
    """One entity's alert state, row by row: open after k of n, close after m of n quiet rows and an hour's hold.

    Later than the hold after an alarm the level is half as high again, sinking back within a day.
    """

    def __init__(self, open_k: int, open_n: int, close_k: int, close_n: int, hold: float) -> None:
        self.open_k, self.open_n, self.close_k, self.close_n, self.hold = open_k, open_n, close_k, close_n, hold
        self.rows: list[tuple[float, float]] = []  # those that count: (t, score)
        self.newest = self.alarm = -math.inf
        self.start = math.nan
        self.shown: list[tuple[float, float]] = []  # (t, what was reached against the level of its time)

    def follow(self, t: float, score: float) -> tuple[str, float, float]:
        """The state after this row, when its episode began (NaN outside one), and the score that is shown."""
        late, self.newest = t <= self.newest, max(t, self.newest)
        if math.isnan(score):
            return "missing", math.nan, math.nan
        if late:
            return ("pending" if score >= 1 else "normal"), math.nan, score
        self.rows.append((t, score))
        window = self.rows[-self.open_n :]
        gap = t - self.alarm
        level = 1.0 + 0.5 * math.exp(-gap / 43200) if gap > self.hold else 1.0
        reached = ([0.0] * self.open_n + sorted(s for _, s in window))[-self.open_k]
        if reached >= max(level, 1.0):
            self.alarm = t
            if math.isnan(self.start):
                self.start = next(at for at, s in window if s >= 1)
        elif self.close_n - sum(s >= 1 for _, s in self.rows[-self.close_n :]) >= self.close_k:
            self.start = math.nan if t - self.alarm >= self.hold else self.start
        self.shown.append((t, reached / level))
        held = max(s * math.exp((at - t) / 3600) for at, s in self.shown)
        words = ("normal", "pending") if math.isnan(self.start) else ("closing", "open")
        return words[score >= 1], self.start, max(held, 0.6 * score / level)

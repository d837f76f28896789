"""Rules about time: what comes every day, and what a new host gets. Each: (fleet) -> Case, None when there is none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from demo.episodes import Episode, length

from pictures.cases import DAY_S, HOUR_S, Case, Seen, clock, explained

SHOWN_DAYS = 5
HOURS = 24


@dataclass(frozen=True)
class Daily:
    """A burst of one metric at one hour (UTC). days: (k,) starts of the days; on: (k,) bool, whether it came."""

    seen: Seen
    metric: int
    hour: int
    days: np.ndarray
    on: np.ndarray

    def rows(self, day: int) -> slice:
        """The rows of its hour on that day."""
        a = float(self.days[day]) + self.hour * HOUR_S
        return self.seen.rows(a, a + HOUR_S - 1)

    def top(self, day: int) -> float:
        """When it was highest on that day."""
        rows = self.rows(day)
        return float(self.seen.host.t[rows][np.nanargmax(self.seen.host.x[rows, self.metric])])


def nightly(fleet: list[Seen]) -> Case | None:
    """The burst that comes at the same hour on most days (at least half of ten), in five days without alert."""
    found = max(
        (one for seen in fleet for m in range(len(seen.host.metrics)) for one in bursts(seen, m)),
        key=lambda one: float(one.on.mean()),
        default=None,
    )
    first = _calm_days(found) if found else None
    if found is None or first is None:
        return None
    m, host = found.metric, found.seen.host
    a = float(found.days[first])
    tops = [float(np.nanmax(host.score[found.rows(i)], initial=0.0)) for i in range(first, first + SHOWN_DAYS)]
    early, late = _alerts(found, slice(0, 7)), _alerts(found, slice(7, None))
    figures = (
        f"{host.metrics[m]} rises around {found.hour:02d}:00 on {int(found.on.sum())} of {len(found.on)} days. Alerts "
        f"open in that hour: {early} in the first week, {late} in the {len(found.on) - 7} days after it. Highest score "
        f"in that hour on the days shown: {max(tops):.0f}."
    )
    peaks = [found.top(i) for i in range(first, first + SHOWN_DAYS) if found.on[i]]
    marks = [(t, clock(t)[-5:]) for t in peaks]
    return Case("nightly", "A job that comes every day is learned", host, a, a + SHOWN_DAYS * DAY_S, [m],
                f"no alert: {host.metrics[m]} does this at this hour; highest score in the hour {max(tops):.0f}",
                figures, marks)  # fmt: skip


def bursts(seen: Seen, m: int) -> list[Daily]:
    """The hour in which the metric comes into the upper half of its day's range, on at least half of the days."""
    days, tops = _hourly(seen, m)
    if len(days) < 10:
        return []
    middle = np.median(tops, axis=1, keepdims=True)
    high = tops - middle > 0.5 * (tops.max(axis=1, keepdims=True) - middle)
    high &= high.sum(axis=1, keepdims=True) <= 2  # what is high for hours is no burst
    hour = int(np.argmax(high.sum(axis=0)))
    on = high[:, hour]
    return [Daily(seen, m, hour, days, on)] if on.mean() >= 0.5 else []


def _hourly(seen: Seen, m: int) -> tuple[np.ndarray, np.ndarray]:
    """Starts of the whole days, and the largest value per hour of each (k, 24)."""
    t, x = seen.host.t, seen.host.x[:, m]
    first, last = int(-(-t[0] // DAY_S)), int((t[-1] + seen.step) // DAY_S)
    tops = np.full((max(last - first, 0), HOURS), -np.inf)
    day, hour = (t // DAY_S).astype(np.int64) - first, (t % DAY_S // HOUR_S).astype(np.int64)
    whole = (day >= 0) & (day < len(tops)) & np.isfinite(x)
    np.maximum.at(tops, (day[whole], hour[whole]), x[whole])
    full = np.isfinite(tops).all(axis=1)
    return (first + np.flatnonzero(full)) * DAY_S, tops[full]


def _alerts(daily: Daily, part: slice) -> int:
    """On how many of these days an alert was open in the hour."""
    which = range(len(daily.days))[part]
    return sum(bool(daily.seen.host.alert[daily.rows(i)].any()) for i in which)


def _calm_days(daily: Daily) -> int | None:
    """The latest first of five neighbouring days on which it came most often, without alert or marked incident."""
    best, chosen = 0, None
    for i in range(len(daily.days) - SHOWN_DAYS + 1):
        rows = daily.seen.rows(float(daily.days[i]), float(daily.days[i]) + SHOWN_DAYS * DAY_S)
        joined = daily.days[i + SHOWN_DAYS - 1] - daily.days[i] == (SHOWN_DAYS - 1) * DAY_S
        calm = joined and not (daily.seen.host.alert | daily.seen.host.label)[rows].any()
        count = int(daily.on[i : i + SHOWN_DAYS].sum())
        if calm and count >= max(best, 3):
            best, chosen = count, i
    return chosen


def newcomer(fleet: list[Seen]) -> Case | None:
    """The first three days of the host with the fewest alerts in them; the metric foreseen best on the third."""
    able = [seen for seen in fleet if seen.host.t[-1] - seen.host.t[0] >= 3 * DAY_S]
    if not able:
        return None
    seen = min(able, key=lambda one: (len(_early(one)), -max(_foreseen(one))))
    host = seen.host
    start, found = float(host.t[0]), _early(seen)
    said = float(host.t[np.flatnonzero(np.isfinite(host.score))[0]])
    warm = float(host.t[np.flatnonzero(seen.trained)[0]])
    figures = (
        f"First row: {clock(start)}. First score: after {length(said - start)}. `model_status` is cold until "
        f"{clock(warm)}, then trained. Alerts in these three days: {len(found)}."
    )
    zones = [(start, said, "no score"), (said, warm, "cold")]
    return Case("newcomer", "The first three days of a host", host, start, start + 3 * DAY_S,
                [int(np.argmax(_foreseen(seen)))],
                f"nothing is said for {length(said - start)}; the band forms while the host is cold", figures,
                [(e.told, f"alert, score {e.score:.0f}") for e in found], zones)  # fmt: skip


def _early(seen: Seen) -> list[Episode]:
    return [e for e in seen.episodes if e.told < seen.host.t[0] + 3 * DAY_S]


def _foreseen(seen: Seen) -> list[float]:
    start = float(seen.host.t[0])
    rows = np.arange(len(seen.host.t))[seen.rows(start + 2 * DAY_S, start + 3 * DAY_S)]
    return [explained(seen, rows, m) for m in range(len(seen.host.metrics))]

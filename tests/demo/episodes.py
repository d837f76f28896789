"""Alert episodes of the adaptive models, as an operator would list them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

import numpy as np

from demo.fleet import Host
from demo.outcome import margins, stretches

SEVERITIES = ("info", "low", "medium", "high", "critical")


@dataclass(frozen=True)
class Episode:
    """One alert of one host. Times in seconds; told: when it opened (start is the first strange row); labelled: whether
    somebody marked an incident there; metric: index of the one that shows it best."""

    host: str
    start: float
    told: float
    end: float
    severity: str
    score: float
    reason: str
    contributors: str
    labelled: bool
    metric: int

    @property
    def duration_s(self) -> float:
        return self.end - self.start


def episodes(host: Host) -> list[Episode]:
    """The host's episodes in time order."""
    ids = np.array(host.texts["anomaly_id"], dtype=object)
    _, gap, tolerance = margins(host.t)
    incidents = stretches(host.t, host.label, gap)
    found = []
    for name in dict.fromkeys(ids[host.alert].tolist()):
        rows = np.flatnonzero((ids == name) & host.alert)
        found.append(_episode(host, rows, incidents, tolerance))
    return found


def _episode(host: Host, rows: np.ndarray, incidents: list[tuple[float, float]], tolerance: float) -> Episode:
    peak = int(rows[np.nanargmax(host.score[rows])])
    told, end = float(host.t[rows[0]]), float(host.t[rows[-1]])
    contributors = host.texts["contributors"][peak]
    leader = contributors.split(" ")[0]
    return Episode(
        host.name,
        float(host.texts["anomaly_start"][rows[0]]),
        told,
        end,
        max((host.texts["severity"][i] for i in rows), key=SEVERITIES.index),
        float(host.score[peak]),
        host.texts["reason"][peak],
        contributors,
        any(a - tolerance <= told <= b + tolerance for a, b in incidents),
        host.metrics.index(leader) if leader in host.metrics else 0,
    )


def moment(t: float) -> str:
    """2020-02-03 14:05, in UTC."""
    return datetime.fromtimestamp(t, timezone.utc).strftime("%Y-%m-%d %H:%M")


def length(seconds: float) -> str:
    """35 min, 2.5 h or 1.5 d."""
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 129600 else f"{seconds / 86400:.1f} d"

"""What is in place today: one threshold template per type of host, the same on every host, as plugins check it.

An upper threshold per metric, the same percentile of what the type's hosts showed in their history together; a metric
alerts after 3 of its last 5 checks were above; the host alerts when any metric does.
"""

from __future__ import annotations

import numpy as np

from demo.fleet import Host

CHECKS, NEEDED = 5, 3


def thresholds(fleet: list[Host], percent: float) -> dict[str, np.ndarray]:
    """type -> (d,) thresholds."""
    found = {}
    for kind in sorted({host.kind for host in fleet}):
        pooled = np.concatenate([host.x[host.history] for host in fleet if host.kind == kind])
        found[kind] = np.nanpercentile(pooled, percent, axis=0)
    return found


def alerts(host: Host, limits: np.ndarray) -> np.ndarray:
    """(n,) bool: the host's alert state in every row. limits: (d,)."""
    return persistent(host.x > limits[None, :]).any(axis=1)


def persistent(above: np.ndarray) -> np.ndarray:
    """(n, d) bool: at least 3 of this and the 4 rows before."""
    total = np.cumsum(np.pad(above.astype(np.int64), ((CHECKS, 0), (0, 0))), axis=0)
    recent: np.ndarray = (total[CHECKS:] - total[:-CHECKS]) >= NEEDED
    return recent

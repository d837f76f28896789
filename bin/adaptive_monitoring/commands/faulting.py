"""Where synthetic faults are put: a sample of entities, the same each time, small enough to be done in seconds."""
from __future__ import annotations

import numpy as np

from adaptive_monitoring.commands.gathering import Gathering, ends_of
from adaptive_monitoring.engine import faults, registry
from adaptive_monitoring.engine.base import Panel, Settings
from adaptive_monitoring.engine.faults import Found, Site
from adaptive_monitoring.engine.static import Limits

ENTITIES = 40  # at most
CELLS = 2_000_000  # numbers that their states learn from, at most


def inject(gathering: Gathering, limits: Limits, detector: str, settings: Settings) -> list[Found]:
    """What each side finds. Entities with a static limit come first; [] when no history is long enough."""
    site = _site(gathering, limits, settings.seed)
    return [] if site is None else faults.inject(site, registry.make(detector, settings), settings)


def _site(gathering: Gathering, limits: Limits, seed: int) -> Site | None:
    random = np.random.default_rng(seed)
    order = random.permutation(gathering.entities)
    order = order[np.argsort(~limits.some[order].any(axis=1), kind="stable")]
    panels, moments, metrics, who, cells = [], [], [], [], 0
    for e in order.tolist():
        panel = gathering.panel(e, e + 1)
        onset = float(faults.onsets(*ends_of(panel), random)[0])
        metric = _metric(panel, limits.some[e], random)
        if onset != onset or metric < 0:
            continue
        low, high = np.searchsorted(panel.t, (onset - faults.LEARNED_S, onset + faults.WINDOW_S)).tolist()
        cells += (high - low) * panel.x.shape[1]
        panels.append(Panel(panel.t[low:high], panel.x[low:high], np.array([0, high - low])))
        moments.append(onset)
        metrics.append(metric)
        who.append(e)
        if len(who) >= ENTITIES or cells >= CELLS:
            break
    if not who:
        return None
    t, x = np.concatenate([p.t for p in panels]), np.concatenate([p.x for p in panels])
    indptr = np.append(0, np.cumsum([len(p.t) for p in panels]))
    return Site(Panel(t, x, indptr), np.array(moments), np.array(metrics), limits.take(np.array(who)))


def _metric(panel: Panel, limited: np.ndarray, random: np.random.Generator) -> int:
    """One of the metrics that move, of those with a limit if there are; −1 = none."""
    x = panel.x
    moves = np.array([len(known) > 1 and known.min() < known.max()
                      for known in (column[~np.isnan(column)] for column in x.T)], dtype=bool)
    some = np.flatnonzero(moves & limited) if (moves & limited).any() else np.flatnonzero(moves)
    return int(random.choice(some)) if len(some) else -1

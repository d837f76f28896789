"""Made-up panels for the contract checks: small, seeded, with gaps, missing values and three units."""
from __future__ import annotations

import numpy as np

from adaptive_monitoring.engine.base import Panel

START = 1_700_006_400.0  # a midnight, UTC
STEP = 600.0
DAYS = 5
LEVELS = np.array([50.0, 1000.0, 0.2])
NOISE = np.array([2.0, 30.0, 0.01])


def panel_of(entities: list[tuple[np.ndarray, np.ndarray]], d: int = 3) -> Panel:
    """A panel of (t, x) pairs, one per entity. t: (n,) seconds. x: (n, d)."""
    t = np.concatenate([np.zeros(0), *[np.asarray(a, dtype=np.float64) for a, _ in entities]])
    x = np.concatenate([np.zeros((0, d)), *[np.asarray(b, dtype=np.float64).reshape(-1, d) for _, b in entities]])
    return Panel(t, x, np.cumsum([0, *[len(a) for a, _ in entities]]).astype(np.int64))


def host(seed: int, days: float = DAYS, d: int = 3, step: float = STEP, start: float = START):
    """One host: level + daily wave + noise, metrics 0 and 1 correlated; 2 % missing, two hours lost. (t, x)"""
    rng = np.random.default_rng(seed)
    t = start + step * np.arange(int(days * 86400 / step))
    e = rng.normal(size=(len(t), d))
    e[:, 1:2] = 0.7 * e[:, :1] + 0.7 * e[:, 1:2]
    wave = np.sin(2 * np.pi * t / 86400)[:, None]
    x = np.resize(LEVELS, d) + np.resize(NOISE, d) * (e + wave)
    x[rng.random(x.shape) < 0.02] = np.nan
    lost = (t >= start + 30 * 3600) & (t < start + 32 * 3600)
    return t[~lost], x[~lost]


def fleet(d: int = 3) -> Panel:
    """Two hosts, DAYS days, the second one starting seven hours later."""
    t, x = host(2, d=d)
    late = t >= START + 7 * 3600
    return panel_of([host(1, d=d), (t[late], x[late])], d)


def first_days(days: float) -> Panel:
    """The beginning of the fleet's history."""
    panel = fleet()
    return where(panel, panel.t < START + days * 86400)


def where(panel: Panel, keep: np.ndarray) -> Panel:
    """The kept rows; every entity stays, possibly without rows."""
    counts = np.bincount(panel.g[keep], minlength=len(panel.indptr) - 1)
    return Panel(panel.t[keep], panel.x[keep], np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))


def copy(panel: Panel) -> Panel:
    return Panel(panel.t.copy(), panel.x.copy(), panel.indptr.copy())


def joined(*parts: Panel) -> Panel:
    """The rows of several panels with the same entities, one after the other inside each entity."""
    pairs = []
    for i in range(len(parts[0].indptr) - 1):
        alone = [part.entity(i) for part in parts]
        pairs.append((np.concatenate([p.t for p in alone]), np.concatenate([p.x for p in alone])))
    return panel_of(pairs, parts[0].x.shape[1])


def following(hours: float, seed: int = 7) -> Panel:
    """What comes after the fleet's history."""
    start = START + DAYS * 86400
    return panel_of([host(seed + i, days=hours / 24, start=start) for i in range(2)])


def spiked(seed: int = 7) -> tuple[Panel, int]:
    """Twelve hours after the fleet's history; from the returned row on, metric 1 of entity 0 is 12 sigma too high."""
    panel = copy(following(12, seed))
    at = 40
    panel.x[at : panel.indptr[1], 1] = np.nan_to_num(panel.x[at : panel.indptr[1], 1], nan=1000.0) + 12 * NOISE[1] * 1.4
    return panel, at


def much_later() -> Panel:
    """A second piece of future, a day after the fleet's history."""
    start = START + (DAYS + 1) * 86400
    return panel_of([host(20 + i, days=0.5, start=start) for i in range(2)])


def odd_panels() -> dict[str, Panel]:
    """Input at the edge; some of it with an ordinary second host beside it."""
    t, x = host(5, days=1.75, step=1200.0)
    n = len(t)
    big = np.where(np.arange(n)[:, None] % 7 == 0, 1e100, np.where(np.arange(n)[:, None] % 11 == 0, -1e100, x))
    one = x.copy()
    one[:, 1] = np.nan
    gap = np.where(np.arange(n) > n // 2, t + 365 * 86400, t)
    step = np.full((n, 3), 5.0)
    step[n // 2 :] = 6.0
    series = {
        "no rows": (t[:0], x[:0]), "one row": (t[:1], x[:1]), "two rows": (t[:2], x[:2]),
        "constant": (t, np.full((n, 3), 5.0)), "constant zero": (t, np.zeros((n, 3))), "a step": (t, step),
        "all missing": (t, np.full((n, 3), np.nan)), "one metric missing": (t, one), "huge": (t, big),
        "all huge": (t, np.full((n, 3), -1e100)), "tiny": (t, x * 1e-100), "same times": (np.repeat(t, 2)[:n], x),
        "one time only": (np.full(n, t[0]), x), "a year's gap": (gap, x), "before 1970": (t - 3e9, x),
        "0.1 s apart": (t[0] + 0.1 * np.arange(n), x),
    }
    beside = ("no rows", "all missing", "huge")
    edge = {name: panel_of([pair, (t, x)] if name in beside else [pair]) for name, pair in series.items()}
    return {**edge, "nobody": panel_of([])}

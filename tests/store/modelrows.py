"""Model rows for tests, as the engine's encoder writes them."""

from __future__ import annotations

import random

from adaptive_monitoring.columns import Columns
from adaptive_monitoring.store.base import FACTORS, SCHEMA, SLOTS

HOSTILE = [
    "plain",
    'quo"te',
    "com,ma",
    "new\nline",
    "car\rriage",
    "crlf\r\nend",
    "nul\0byte",
    " spaces ",
    "",
    "=cmd()",
    "@sum",
    "été",
    "日本",
    "\udcff\udc80 bytes",
    "\x1f\x1e\x85\u2028",
    '"',
    '""',
    "'",
    "$a$;$b$",
    "\ufeffbom",
]


def cells(season: str = "none", seed: int = 0, **other: str) -> dict[str, str]:
    """One trained model; level and scale follow the seed."""
    chance = random.Random(seed)
    count = SLOTS.get(season, 0)
    offsets = " ".join(str(chance.randint(-40, 60)) for _ in range(count))
    factors = " ".join(str(chance.randint(8, 30)) for _ in range(FACTORS.get(season, 0)))
    found = {
        "detector": "adaptive",
        "kind": "level",
        "season": season,
        "span": "300",
        "level": f"{chance.uniform(10, 90):.6g}",
        "scale": f"{chance.uniform(0.5, 5):.6g}",
        "trend_per_day": "0.001",
        "slots": f"{offsets}|{factors}" if count else "",
        "lower_k": "4.2",
        "upper_k": "4.7",
        "state": "jump=1 2 3;mean=4.5",
        "threshold": "1",
        "direction": "both",
        "budget": "0.5",
        "n_points": "8064",
        "gap_ratio": "0.01",
        "trained_from": "1700000000",
        "trained_to": "1702419200",
        "model_status": "trained",
        "author": "admin",
        "config_hash": "0123456789abcdef",
    }
    return {**found, **other}


def models(entities: list, metrics: list[str] = ["cpu"], keys: list[str] = ["host"], **other: str) -> Columns:  # noqa: B006
    """Rows for each entity (text or tuple) and metric. Keyword arguments: cells that all rows share."""
    rows = []
    for n, entity in enumerate(entities):
        for m, metric in enumerate(metrics):
            found = cells(**{"seed": n * 100 + m, "metric": metric, **other})
            key = entity if isinstance(entity, tuple) else (entity,)
            rows.append([*key, *(found.get(name, "") for name in SCHEMA)])
    names = [*keys, *SCHEMA]
    return Columns(names, [list(column) for column in zip(*rows)] if rows else [[] for _ in names])


def rows_of(columns: Columns) -> list[tuple[str, ...]]:
    return list(zip(*columns.data))

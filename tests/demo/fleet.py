"""The fleet as arrays: what the driver's tables of text hold, cut into hosts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from searchhead.table import Table

NOT_METRICS = ("_time", "host", "type", "label", "history")
TEXTS = (
    "anomaly_state",
    "anomaly_id",
    "anomaly_start",
    "severity",
    "reason",
    "contributors",
    "model_status",
)


@dataclass
class Host:
    """One host in time order. t: (n,) seconds. x: (n, d), NaN = missing. label, history: (n,) bool.

    Once scored: score (n,) 0–100, alert (n,) bool, texts: fields of text, bands: (n, d) of the fields per metric.
    """

    name: str
    kind: str
    metrics: list[str]
    t: np.ndarray
    x: np.ndarray
    label: np.ndarray
    history: np.ndarray
    score: np.ndarray = field(default_factory=lambda: np.zeros(0))
    alert: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))
    texts: dict[str, list[str]] = field(default_factory=dict)
    bands: dict[str, np.ndarray] = field(default_factory=dict)


def numbers(cells: list[Any]) -> np.ndarray:
    """Text to float64; what is empty is NaN."""
    return np.array([cell or "nan" for cell in cells], dtype=np.float64)


def hosts(table: Table) -> list[Host]:
    """One Host per value of `host`, by name. The fields of adaptdetect are read when they are there."""
    metrics = metric_names(table)
    order = np.argsort(numbers(table.get("_time")), kind="stable")
    names = np.array(table.get("host"), dtype=object)[order]
    return [_host(table, metrics, order[names == name]) for name in sorted(set(names.tolist()))]


def metric_names(table: Table) -> list[str]:
    """The metric columns: m and a number, nothing that adaptdetect adds."""
    return [name for name in table.fields if name not in NOT_METRICS and name[:1] == "m" and name[1:].isdigit()]


def _host(table: Table, metrics: list[str], rows: np.ndarray) -> Host:
    part = table.select([*NOT_METRICS, *metrics]).take(rows.tolist())
    host = Host(
        part.get("host")[0],
        part.get("type")[0],
        metrics,
        numbers(part.get("_time")),
        np.column_stack([numbers(part.get(name)) for name in metrics]),
        numbers(part.get("label")) > 0,
        numbers(part.get("history")) > 0,
    )
    if "anomaly_score" in table.columns:
        _add_scores(host, table.take(rows.tolist()))
    return host


def _add_scores(host: Host, part: Table) -> None:
    host.score = numbers(part.get("anomaly_score"))
    host.alert = numbers(part.get("is_anomaly")) > 0
    for name in TEXTS:
        host.texts[name] = part.get(name)
    for name in ("expected", "lower_bound", "upper_bound", "score"):
        host.bands[name] = np.column_stack([numbers(part.get(f"{metric}_{name}")) for metric in host.metrics])

"""Made-up hosts as rows of a search, and an app of one's own to search them with."""

from __future__ import annotations

import math
import os
import random
from typing import Any

from searchhead.head import Result, SearchHead
from searchhead.table import Table, read_csv

from adaptive_monitoring.store.lookup import LookupStore

START = 1_700_006_400  # a midnight, UTC
STEP = 600
DAYS = 4
Row = dict[str, Any]


def wide(hosts: str, days: float = DAYS, start: float = START, step: float = STEP, seed: int = 1) -> list[Row]:
    """Rows in time order: cpu has a daily wave, mem is flat; both with noise. hosts: one letter each."""
    rows = []
    for host in hosts:
        chance = random.Random(f"{host}{seed}{start}")
        for i in range(int(days * 86400 / step)):
            t = start + i * step
            wave = math.sin(2 * math.pi * t / 86400)
            cpu, mem = 50 + 10 * wave + chance.gauss(0, 2), chance.gauss(1000, 30)
            rows.append({"_time": str(t), "host": host, "cpu": f"{cpu:.3f}", "mem": f"{mem:.3f}"})
    return sorted(rows, key=lambda row: float(row["_time"]))


def later(hosts: str, hours: float = 12, seed: int = 2) -> list[Row]:
    """What follows the history that wide() gives by default."""
    return wide(hosts, hours / 24, START + DAYS * 86400, seed=seed)


def shifted(rows: list[Row], host: str, metric: str, by: float, after_h: float = 6) -> list[Row]:
    """The same rows with a metric of one host moved, from some hours after the first row on."""
    since = float(rows[0]["_time"]) + after_h * 3600
    return [
        {**row, metric: f"{float(row[metric]) + by:.3f}"}
        if row["host"] == host and float(row["_time"]) >= since
        else row
        for row in rows
    ]


def long(rows: list[Row], metrics: tuple[str, ...] = ("cpu", "mem")) -> list[Row]:
    """The same observations, one row per metric."""
    return [
        {"_time": row["_time"], "host": row["host"], "metric_name": name, "_value": row[name]}
        for row in rows
        for name in metrics
    ]


class App:
    """A copy of the app: scripts find the lookups beside their own folder."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.lookups = os.path.join(folder, "lookups")
        self.store = LookupStore(app=folder)

    def search(self, text: str, rows: list[Row] | None = None, **settings: Any) -> Result:
        """Through the real scripts. text: what follows the rows."""
        given = [] if rows is None else rows
        return SearchHead(self.folder, **settings).search(f"search x | {text}", given)

    def stored(self, name: str) -> Table:
        return read_csv(os.path.join(self.lookups, f"adaptive_{name}.csv"))

    def data(self, name: str) -> bytes:
        with open(self.store.path(name), "rb") as stream:
            return stream.read()

    def put(self, name: str, data: bytes) -> None:
        with open(self.store.path(name), "wb") as stream:
            stream.write(data)


def said(result: Result, *parts: str, level: str = "WARN") -> bool:
    """Whether one message of this level holds all parts."""
    return any(found == level and all(part in text for part in parts) for found, text in result.messages)


def levels(result: Result) -> set[str]:
    return {level for level, _ in result.messages}

"""Labelled data sets: the sample that ships with the app, and development data where it lies beside the repository."""

from __future__ import annotations

import csv
import gzip
import importlib.util
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Optional

import numpy as np

from bench.judge import Truth

KEYS = ("host", "series")
NO_METRIC = ("_time", "type", "label", "history", *KEYS)


class Dataset(NamedTuple):
    """One table in time order. key: name of the entity column. cells: text of _time, entity, metrics; no labels."""

    name: str
    key: str
    metrics: list[str]
    cells: list[tuple[str, ...]]
    truths: dict[str, Truth]

    def part(self, hosts: set[str], history: Optional[bool] = None) -> list[tuple[str, ...]]:
        """Rows of these hosts: all, only their history, or only what follows it."""
        rows = [row for row in self.cells if row[1] in hosts]
        if history is None:
            return rows
        until = {name: np.r_[truth.t, np.inf][truth.history] for name, truth in self.truths.items()}
        return [row for row in rows if bool(float(row[0]) < until[row[1]]) == history]

    def groups(self, cells: int = 2_000_000) -> Iterator[set[str]]:
        """Hosts scored in one search, so that its reply stays small; a host's score depends on no other host."""
        group: set[str] = set()
        size = 0
        for name, truth in self.truths.items():
            weight = len(truth.t) * len(self.metrics)
            if group and size + weight > cells:
                yield group
                group, size = set(), 0
            group.add(name)
            size += weight
        yield group


def load(path: Path, hosts: Optional[int] = None) -> Dataset:
    """Reads one table. hosts: only the first so many."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        names = next(reader)
        rows = list(reader)
    key = next(name for name in KEYS if name in names)
    entity, time, label, history = (names.index(name) for name in (key, "_time", "label", "history"))
    metrics = [name for name in names if name not in NO_METRIC]
    places = [time, entity, *(names.index(name) for name in metrics)]
    wanted = set(list(dict.fromkeys(row[entity] for row in rows))[:hosts])
    rows = sorted((row for row in rows if row[entity] in wanted), key=lambda row: float(row[time]))
    by_host: dict[str, list[list[str]]] = {}
    for row in rows:
        by_host.setdefault(row[entity], []).append(row)
    truths = {name: _truth(name, mine, time, label, history) for name, mine in by_host.items()}
    cells = [tuple(row[place] for place in places) for row in rows]
    return Dataset(path.name.split(".")[0], key, metrics, cells, truths)


def _truth(name: str, rows: list[list[str]], time: int, label: int, history: int) -> Truth:
    t, y = (np.array([float(row[place]) for row in rows]) for place in (time, label))
    return Truth(name, t, y, sum(row[history] == "1" for row in rows))


def development(folder: Path) -> dict[str, Path]:
    """Files of the development data below that folder, {} when it is not there."""
    return {path.name.split(".")[0]: path for path in sorted((folder / "data").glob("*.csv.gz"))}


def evaluator(folder: Path) -> Any:
    """evaluate.py of that folder, None when it is not there. Its tables need pandas; what is called here does not."""
    path = folder / "evaluate" / "evaluate.py"
    if not path.is_file():
        return None
    spec = importlib.util.spec_from_file_location("bench_evaluate", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    absent = importlib.util.find_spec("pandas") is None
    if absent:
        sys.modules["pandas"] = types.ModuleType("pandas")
    try:
        spec.loader.exec_module(module)
    finally:
        if absent:
            del sys.modules["pandas"]
    return module

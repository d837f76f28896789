"""A whole estate in one collection: a scheduled search over every series, and a search over a few of very many.

Models are trained for as many hosts as there are kinds of load (rows.Fleet repeats itself after 600) and then stored
under the names of all hosts, with right hashes: training 100,000 models would take hours and prove nothing here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from bench.rows import CPU, TIME, TRAIN, Fleet, Form
from bench.rows import HOST as HOST_CELL
from bench.stage import Stage

SERIES, MODELS, FEW, STEPS, TIMES = 25_000, 100_000, 100, 8, 3
HOSTS = 10_000  # with METRICS each
KINDS, HISTORY = 600, 2304
HOST = "srv-{:06d}"
APART = KINDS + 1  # between the hosts of the search over a few: it keeps their kinds
PLACE = {"_chunked_idx": "{number:6}", "_time": TIME, "host": '"srv-{host:6}"'}
ROWS = Form({**PLACE, "cpu": CPU})
METRICS = ("cpu", "disk", "mem", "net")  # as the collection sorts them
FOUR = {"cpu": CPU, "disk": '"8.{noise:2}"', "mem": '"4{noise:1}.{noise:2}"', "net": "1{noise:4}"}
MANY = Form({**PLACE, **FOUR})
LEARNED = Form({"_time": TIME, "host": HOST_CELL, **FOUR})


class Scattered(Fleet):
    """The same loads on hosts that lie apart in the collection."""

    def _numbers(self, row: np.ndarray) -> dict[str, np.ndarray]:
        numbers = super()._numbers(row)
        return {**numbers, "host": numbers["host"] * APART}


def measure(
    stage: Stage,
    wanted: list[str],
    series: int = SERIES,
    models: int = MODELS,
    hosts: int = HOSTS,
    times: int = TIMES,
) -> dict[str, Any]:
    """Medians: wall clock and CPU seconds and the peak resident memory in MB of the whole process."""
    values: dict[str, float] = {}
    for name, live, stored, metrics in (
        ("estate.scheduled", Fleet(series, HISTORY), series, METRICS[:1]),
        ("estate.few", Scattered(min(FEW, models // APART + 1), HISTORY), models, METRICS[:1]),
        ("estate.metrics", Fleet(hosts, HISTORY), hosts, METRICS),
    ):
        if any(scenario.startswith(name) for scenario in wanted):
            words = f"{' '.join(metrics)} by host model={stored_models(stage, stored, metrics)}"
            form = ROWS if len(metrics) == 1 else MANY
            costs = [stage.hold("adaptdetect", words, live.after(STEPS).bodies(form)) for _ in range(times)]
            values[f"{name}.wall"] = median(cost.wall_s for cost in costs)
            values[f"{name}.cpu"] = median(cost.cpu_s for cost in costs)
            values[f"{name}.memory"] = median(cost.peak_mb for cost in costs)
    return {name: value for name, value in values.items() if name in wanted}


def stored_models(stage: Stage, hosts: int, metrics: tuple[str, ...] = METRICS[:1]) -> str:
    """The name of a collection with the models of so many hosts, host by host; written once per run."""
    name = f"estate{hosts}" if len(metrics) == 1 else f"estate{hosts}_{len(metrics)}"
    if name not in stage.trained:
        write_models(stage.model_file(name), trained(stage, metrics), hosts, len(metrics))
        stage.trained[name] = "done"
    return name


def trained(stage: Stage, metrics: tuple[str, ...] = METRICS[:1]) -> Path:
    """The collection of one host of each kind."""
    name = f"kinds{len(metrics)}"
    if name not in stage.trained:
        history = Fleet(KINDS, HISTORY).bodies(TRAIN if len(metrics) == 1 else LEARNED)
        words = f"{' '.join(metrics)} by host into {name} season=day"
        stage.hold("adaptfit", words, history, whole=True)
        stage.trained[name] = "done"
    return stage.model_file(name)


def write_models(path: Path, source: Path, hosts: int, metrics: int = 1) -> None:
    """A collection as the store writes it: the rows of `source` again and again under the names of all hosts."""
    header, *rows = source.read_text(encoding="utf-8").splitlines()
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(header + "\n")
        file.writelines(renamed(rows, (HOST.format(host) for host in range(hosts) for _ in range(metrics))))


def renamed(rows: list[str], hosts: Iterable[str]) -> Iterator[str]:
    """Lines for these hosts; the n-th has the model of the n-th row, cyclically."""
    from adaptive_monitoring.store.rows import hash_of_line

    for number, host in enumerate(hosts):
        line = host + rows[number % len(rows)][rows[number % len(rows)].index(",") :]
        yield line[: line.rindex(",") + 1] + hash_of_line(line) + "\n"

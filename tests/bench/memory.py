"""Resident memory of a scoring process: it must not grow with the rows that went through."""

from __future__ import annotations

from statistics import median
from typing import Any

from bench.fleet import WORDS, Fixture
from bench.rows import METRIC, NARROW, Ahead
from bench.stage import Stage
from bench.talk import memory_mb

MILLION = 1_000_000
#: Where the memory of the stream is told, in rows; the last row is always one of them.
MARKS = tuple(MILLION * n for n in (1, 2, 5, 10, 20, 30, 40))
CHUNK = 50_000
#: Resident memory moves with what a chunk needed last: a mark is the median of so many chunks up to it.
CHUNKS = 9


def measure(
    stage: Stage,
    wanted: list[str],
    small: int = 200_000,
    large: int = MILLION,
    rows: int = 50 * MILLION,
    marks: tuple[int, ...] = MARKS,
) -> dict[str, Any]:
    """MB. small, large: rows of memory.detect.*; rows, marks: of memory.stream.*."""
    values: dict[str, Any] = {}
    details: dict[str, Any] = {}
    if any(name.startswith("memory.detect") for name in wanted):
        values.update(detected(stage, small, large))
    if any(name.startswith("memory.stream") for name in wanted):
        details = streamed(stage, rows, marks)
        values.update(details.pop("figures"))
    return {**{name: value for name, value in values.items() if name in wanted}, "details": details}


def detected(stage: Stage, small: int, large: int) -> dict[str, float]:
    """Peaks after few and many full-width rows, 5,000 a chunk as a search on the way sends them."""
    peaks = {}
    for rows in (small, large):
        fixture = Fixture(stage, rows)
        fixture.train()
        peaks[rows] = stage.hold("adaptdetect", WORDS["model"], fixture.bodies(METRIC, 5000)).peak_mb
    return {
        "memory.detect.200k": peaks[small],
        "memory.detect.1m": peaks[large],
        "memory.detect.growth": peaks[large] / peaks[small],
    }


def streamed(stage: Stage, rows: int, marks: tuple[int, ...] = MARKS) -> dict[str, Any]:
    """One search over `rows` rows that are made while it runs; resident memory after every chunk.

    Figures under "figures"; the memory at each mark, in MB, under "stream", with what making the rows cost.
    """
    fixture = Fixture(stage, rows)
    fixture.train()
    samples: list[float] = []
    made = Ahead(fixture.bodies(NARROW, CHUNK))
    cost = stage.hold("adaptdetect", WORDS["model"], made, watch=lambda pid: samples.append(memory_mb(pid)))
    after = samples[1:]  # the first reply is that to getinfo
    if not any(after):
        return {"figures": {}, "skipped": ["memory.stream: this system does not say how much memory a process has"]}
    total = fixture.live.rows
    told = {mark: at(after, mark) for mark in (*(mark for mark in marks if mark < total), total)}
    start = told[min(told)]
    figures = {
        "memory.stream.start": start,
        "memory.stream.rss": told[total],
        "memory.stream.growth": told[total] / start,
        "memory.stream.wall": cost.wall_s,
    }
    stream = {
        "rows": total,
        "resident_mb": {str(mark): round(value, 1) for mark, value in told.items()},
        "peak_mb": round(cost.peak_mb, 1),
        "cpu_s": round(cost.cpu_s, 1),
        "rows_made_cpu_s": round(made.made_s, 1),
        "waited_for_rows_s": round(made.waited_s, 1),
    }
    return {"figures": figures, "stream": stream}


def at(samples: list[float], rows: int) -> float:
    """Resident memory when so many rows had gone through. samples: after each chunk."""
    chunks = min(-(-rows // CHUNK), len(samples))
    return median(samples[max(0, chunks - CHUNKS) : chunks])

"""Resident memory of a scoring process: it must not grow with the rows that went through."""

from __future__ import annotations

from typing import Any

from bench.fleet import WORDS, Fixture
from bench.rows import METRIC
from bench.stage import Stage


def measure(stage: Stage, wanted: list[str], small: int = 200_000, large: int = 1_000_000) -> dict[str, Any]:
    """Peaks in MB after few and many full-width rows, 5,000 a chunk as a search on the way sends them."""
    peaks = {}
    for rows in (small, large):
        fixture = Fixture(stage, rows)
        fixture.train()
        peaks[rows] = stage.hold("adaptdetect", WORDS["model"], fixture.bodies(METRIC, 5000)).peak_mb
    values = {
        "memory.detect.200k": peaks[small],
        "memory.detect.1m": peaks[large],
        "memory.detect.growth": peaks[large] / peaks[small],
    }
    return {name: value for name, value in values.items() if name in wanted}

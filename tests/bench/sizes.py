"""Bytes of stored model rows, per season, as they stand in the lookup file."""

from __future__ import annotations

from statistics import median
from typing import Any

from bench.rows import TRAIN, Fleet
from bench.stage import Stage


def measure(stage: Stage, wanted: list[str], hosts: int = 20, days: int = 28) -> dict[str, Any]:
    """Median and maximum of each season that is wanted."""
    values: dict[str, Any] = {}
    fleet = Fleet(hosts, days * 288, weekly=True)
    for season in ("none", "day", "week"):
        if not any(name.startswith(f"size.{season}.") for name in wanted):
            continue
        stage.hold("adaptfit", f"cpu by host into size_{season} season={season}", fleet.bodies(TRAIN), whole=True)
        lengths = [len(line) + 1 for line in stage.model_file(f"size_{season}").read_bytes().splitlines()[1:]]
        values[f"size.{season}.median"], values[f"size.{season}.max"] = float(median(lengths)), float(max(lengths))
    return {name: value for name, value in values.items() if name in wanted}

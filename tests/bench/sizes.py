"""Bytes of stored model rows and of the bounds lookup, per season, as they stand in the lookup files."""

from __future__ import annotations

from statistics import median
from typing import Any

from bench.fleet import generating
from bench.rows import TRAIN, Fleet
from bench.stage import Stage


def measure(stage: Stage, wanted: list[str], hosts: int = 20, days: int = 28) -> dict[str, Any]:
    """Median and maximum of each season that is wanted; bounds: bytes per host with one metric, header left out."""
    values: dict[str, Any] = {}
    fleet = Fleet(hosts, days * 288, weekly=True)
    for season in ("none", "day", "week"):
        bounds = f"size.bounds.{season}"
        if not any(name == bounds or name.startswith(f"size.{season}.") for name in wanted):
            continue
        collection = f"size_{season}"
        stage.hold("adaptfit", f"cpu by host into {collection} season={season}", fleet.bodies(TRAIN), whole=True)
        lengths = _lengths(stage, collection)
        values[f"size.{season}.median"], values[f"size.{season}.max"] = float(median(lengths)), float(max(lengths))
        if bounds in wanted:
            stage.hold("adaptmodel", f"action=export collection={collection}", generating())
            values[bounds] = sum(_lengths(stage, f"{collection}_bounds")) / hosts
    return {name: value for name, value in values.items() if name in wanted}


def _lengths(stage: Stage, collection: str) -> list[int]:
    return [len(line) + 1 for line in stage.model_file(collection).read_bytes().splitlines()[1:]]

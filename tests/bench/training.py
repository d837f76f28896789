"""Training: adaptfit over long histories, fed while they are made, so that no file of a gigabyte is needed."""

from __future__ import annotations

from typing import Any

from bench.rows import TRAIN, Fleet
from bench.stage import Stage

QUICK = Fleet(100, 28 * 288)
FULL = Fleet(1000, 28 * 288)


def measure(stage: Stage, wanted: list[str], quick: Fleet = QUICK, full: Fleet = FULL) -> dict[str, Any]:
    """Seconds and MB. The exponent under "details": time ~ series ** exponent, when both sizes were measured."""
    values: dict[str, Any] = {}
    details: dict[str, Any] = {}
    for prefix, fleet in (("train.quick", quick), ("train", full)):
        names = [f"{prefix}.{figure}" for figure in ("wall", "cpu", "memory")]
        if not any(name in wanted for name in names):
            continue
        cost = stage.hold("adaptfit", f"cpu by host into {prefix.replace('.', '_')}", fleet.bodies(TRAIN), whole=True)
        figures = dict(zip(names, (cost.wall_s, cost.cpu_s, cost.peak_mb)))
        values.update({name: value for name, value in figures.items() if name in wanted})
        details[prefix] = {
            "series": fleet.hosts,
            "rows": fleet.rows,
            "us_per_row": round(cost.cpu_s / fleet.rows * 1e6, 2),
            "said": cost.messages,
        }
    if "train.cpu" in values and "train.quick.cpu" in values:
        details["exponent"] = _exponent(values["train.quick.cpu"], values["train.cpu"], full.hosts / quick.hosts)
    return {**values, "details": details}


def _exponent(small: float, large: float, factor: float) -> float:
    from math import log

    return round(log(large / small) / log(factor), 2)

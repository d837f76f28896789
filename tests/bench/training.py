"""Training: adaptfit over long histories, fed while they are made, so that no file of a gigabyte is needed."""

from __future__ import annotations

from math import log
from statistics import median
from typing import Any, NamedTuple

from bench.rows import TRAIN, WIDE, Ahead, Fleet
from bench.stage import Stage

DAYS28 = 28 * 288
FLEETS = {
    "train.quick": Fleet(100, DAYS28),
    "train": Fleet(1000, DAYS28),
    "train.large": Fleet(10_000, 60 * 288),
    "train.wide": Fleet(100_000, 7 * 96, step_s=900),
}
#: The exponent is fitted over these.
SIZES = (Fleet(100, DAYS28), Fleet(300, DAYS28), Fleet(1000, DAYS28))
FIGURES = ("wall", "cpu", "memory")


class Run(NamedTuple):
    """Medians of the runs of one fleet. made_s, waited_s: what making the rows cost, how long the script waited."""

    wall: float
    cpu: float
    memory: float
    made_s: float
    waited_s: float
    said: list[str]


def measure(
    stage: Stage,
    wanted: list[str],
    fleets: dict[str, Fleet] = FLEETS,
    sizes: tuple[Fleet, ...] = SIZES,
    rounds: int = 1,
) -> dict[str, Any]:
    """Seconds, MB, and the exponent. Every fleet is trained once (rounds times), whatever is asked of it."""
    values: dict[str, Any] = {}
    details: dict[str, Any] = {}
    runs: dict[Fleet, Run] = {}
    for prefix, fleet in fleets.items():
        names = {f"{prefix}.{figure}": figure for figure in FIGURES}
        if any(name in wanted for name in names):
            runs[fleet] = run = trained(stage, fleet, rounds)
            values.update({name: getattr(run, figure) for name, figure in names.items() if name in wanted})
            details[prefix] = _details(fleet, run, rounds)
    if "train.exponent" in wanted:
        start = stage.hold("adaptfit", "cpu by host into train_empty", whole=True).cpu_s
        for fleet in sizes:
            runs[fleet] = runs.get(fleet) or trained(stage, fleet, rounds)
        cpu = [runs[fleet].cpu - start for fleet in sizes]
        values["train.exponent"] = exponent([fleet.hosts for fleet in sizes], cpu)
        points = {str(fleet.hosts): round(seconds, 2) for fleet, seconds in zip(sizes, cpu)}
        details["train.exponent"] = {"start_s": round(start, 2), "cpu_s": points}
    return {**values, "details": details}


def trained(stage: Stage, fleet: Fleet, rounds: int) -> Run:
    """adaptfit over that fleet, 50,000 rows a chunk, all hosts of a time together."""
    form = TRAIN if fleet.hosts <= 10_000 else WIDE
    found = []
    for number in range(rounds):
        made = Ahead(fleet.bodies(form))
        words = f"cpu by host into train_{fleet.hosts}_{fleet.steps}_{number}"
        found.append((stage.hold("adaptfit", words, made, whole=True), made))
    costs = [cost for cost, _ in found]
    return Run(
        median(cost.wall_s for cost in costs),
        median(cost.cpu_s for cost in costs),
        median(cost.peak_mb for cost in costs),
        median(made.made_s for _, made in found),
        median(made.waited_s for _, made in found),
        costs[-1].messages,
    )


def exponent(sizes: list[int], costs: list[float]) -> float:
    """Least squares in logarithms: costs ~ sizes ** exponent. At least two different sizes."""
    x, y = ([log(max(value, 1e-6)) for value in values] for values in (sizes, costs))
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y)) / sum((a - mean_x) ** 2 for a in x)


def _details(fleet: Fleet, run: Run, rounds: int) -> dict[str, Any]:
    return {
        "series": fleet.hosts,
        "rows": fleet.rows,
        "rounds": rounds,
        "us_per_row": round(run.cpu / fleet.rows * 1e6, 2),
        "bytes_per_row": round(run.memory / fleet.rows * 1e6, 1),
        "rows_made_cpu_s": round(run.made_s, 2),
        "waited_for_rows_s": round(run.waited_s, 2),
        "said": run.said,
    }

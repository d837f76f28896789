"""Rules for sizes and an estate of 100,000 hosts on paper, from measured figures alone; for docs/performance.md.

The page shows each of these sums with its numbers. What is assumed, not measured, are the constants below.
"""

from __future__ import annotations

from math import ceil
from typing import Callable

#: Looks up a figure of the bench by its id, or another entry of SUMS by its name. Raises KeyError.
Ask = Callable[[str], float]

PERIOD_S, SHARE = 300, 0.5  # a search every five minutes; half a core is left to everything else
ESTATE_SERIES, FEW_SERIES = 25_000, 100  # of the scenarios estate.scheduled and estate.few
HOSTS, METRICS, GROUPS, INDEXERS, MEMBERS = 100_000, 4, 10, 8, 3
SERIES = HOSTS * METRICS
POINTS = 28 * 288  # four weeks at five minutes
NIGHTS = 7  # every model is trained once a week
COLLECTION_MB, BOUNDS_MB, TRAINING_MB = 500, 100, 4294
SEASONS = ("none", "day", "week")
EVENT_BYTES, TABLE_BYTES = 256, 34  # text of an event; a row of _time, host and one metric, as splunkd sends it


def _us(ratio: str) -> Callable[[Ask], float]:
    return lambda ask: 1e6 / (ask(ratio) * ask("speed.sdk.six"))


SUMS: dict[str, Callable[[Ask], float]] = {
    "six_us": lambda ask: 1e6 / ask("speed.sdk.six"),
    "row_us": _us("speed.model.narrow"),
    "raw_us": _us("speed.model.raw"),
    "pointwise_us": _us("speed.pointwise.narrow"),
    "map_us": _us("mapreduce.map.speed"),
    "start_s": lambda ask: ask("start.first.detect") / 1000,
    "rows_per_core": lambda ask: SHARE * PERIOD_S * 1e6 / ask("row_us"),
    "series_us": lambda ask: (ask("estate.scheduled.cpu") - ask("start_s")) * 1e6 / ESTATE_SERIES,
    "series_per_core": lambda ask: (SHARE * PERIOD_S - ask("start_s")) * 1e6 / ask("series_us"),
    "series_kb": lambda ask: (
        1000 * (ask("estate.scheduled.memory") - ask("estate.few.memory")) / (ESTATE_SERIES - FEW_SERIES)
    ),
    "train_us": lambda ask: ask("train.cpu") * 1e6 / (1000 * POINTS),
    "train_bytes": lambda ask: ask("train.large.memory") * 1e6 / (10_000 * 60 * 288),
    "train_bytes_wide": lambda ask: ask("train.wide.memory") * 1e6 / (100_000 * 7 * 96),
    "train_bytes_most": lambda ask: max(ask("train_bytes"), ask("train_bytes_wide")),
    "train_points": lambda ask: TRAINING_MB * 1e6 / ask("train_bytes_most"),
    "train_series": lambda ask: ask("train_points") / POINTS,
    **{f"models_mb_{name}": lambda ask, name=name: ask(f"size.{name}.median") * 1000 / 1e6 for name in SEASONS},
    **{f"models_most_{name}": lambda ask, name=name: COLLECTION_MB * 1e6 / ask(f"size.{name}.max") for name in SEASONS},
    **{f"bounds_mb_{name}": lambda ask, name=name: ask(f"size.bounds.{name}") * 1000 / 1e6 for name in SEASONS},
    **{f"bounds_most_{name}": lambda ask, name=name: BOUNDS_MB * 1e6 / ask(f"size.bounds.{name}") for name in SEASONS},
    "paper_cpu_s": lambda ask: GROUPS * ask("estate.metrics.cpu"),
    "paper_cores": lambda ask: ask("paper_cpu_s") / PERIOD_S,
    "hosts_per_core": lambda ask: (SHARE * PERIOD_S - ask("start_s")) * 1e6 / (METRICS * ask("metric_us")),
    "metric_us": lambda ask: (ask("estate.metrics.cpu") - ask("start_s")) * GROUPS * 1e6 / SERIES,
    "paper_models_mb": lambda ask: SERIES * ask("size.day.median") / 1e6,
    "paper_group_mb": lambda ask: ask("paper_models_mb") / GROUPS,
    **{f"paper_bounds_mb_{name}": lambda ask, name=name: SERIES * ask(f"size.bounds.{name}") / 1e6 for name in SEASONS},
    **{
        f"paper_bounds_files_{name}": lambda ask, name=name: ceil(ask(f"paper_bounds_mb_{name}") / BOUNDS_MB)
        for name in SEASONS
    },
    **{f"paper_push_mb_{name}": lambda ask, name=name: INDEXERS * ask(f"paper_bounds_mb_{name}") for name in SEASONS},
    "paper_members_mb": lambda ask: (MEMBERS - 1) * ask("paper_models_mb"),
    "paper_pointwise_s": lambda ask: SERIES * ask("pointwise_us") / 1e6,
    "paper_pointwise_each_s": lambda ask: ask("paper_pointwise_s") / INDEXERS,
    "paper_points_m": lambda ask: SERIES * POINTS / 1e6,
    "paper_train_h": lambda ask: ask("paper_points_m") * ask("train_us") / 3600,
    "paper_night_h": lambda ask: ask("paper_train_h") / NIGHTS,
    "paper_trainings": lambda ask: ceil(SERIES / ask("train_series")),
    "paper_table_gb": lambda ask: ask("paper_points_m") * TABLE_BYTES / 1000,
    "paper_events_gb": lambda ask: ask("paper_points_m") * EVENT_BYTES / 1000,
    "paper_sent_gb": lambda ask: ask("paper_events_gb") * ask("mapreduce.bytes") / 100,
    "paper_map_h": lambda ask: ask("paper_points_m") * ask("map_us") / 3600,
    "paper_map_each_h": lambda ask: ask("paper_map_h") / INDEXERS,
}


def value(name: str, figures: dict[str, float]) -> float:
    """One entry of SUMS. Raises KeyError with the id of a figure that is not there."""

    def ask(wanted: str) -> float:
        return SUMS[wanted](ask) if wanted in SUMS else figures[wanted]

    return ask(name)

"""The back-test through its real script: static thresholds at the fleet's 99.9th percentile against the models.

Thresholds: per data set and metric, the 99.9th percentile of all hosts' histories together, upper side, one row is
enough. Compared: what follows each host's history. Large: an estate for a season, one cpu metric, one threshold.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np

from bench import labelled, quality
from bench.catalogue import BACKTEST_FIGURES
from bench.rows import TRAIN, Ahead, Fleet
from bench.stage import ROOT, Stage
from bench.talk import Cost

PERCENT = 99.9
LARGE = Fleet(1000, 90 * 288)
STATIC, INCIDENTS = "backtest_static", "backtest_incidents"
Row = dict[str, str]


def measure(
    stage: Stage, wanted: list[str], folder: Path = ROOT.parent / "shared", large: Fleet = LARGE
) -> dict[str, Any]:
    """Figures of each data set that is wanted and there, and of the estate; "details" has the totals behind them."""
    (files, skipped), values, details = _files(folder), {}, {}
    for name, path in files.items():
        if any(word.startswith(f"backtest.{name}.") for word in wanted):
            total, said = compared(stage, labelled.load(path))
            values.update({f"backtest.{name}.{key}": value for key, value in figures(total).items()})
            details[name] = {"total": total, "said": said}
    if any(word.startswith("backtest.large.") for word in wanted):
        cost = estate(stage, large)
        values.update({f"backtest.large.{key}": value for key, value in (
            ("wall", cost.wall_s), ("cpu", cost.cpu_s), ("memory", cost.peak_mb))})
        details["large"] = {"rows": large.rows, "hosts": large.hosts, "said": cost.messages}
    known = {name: value for name, value in values.items() if name in wanted and value == value}
    return {**known, "details": {**details, "skipped": skipped}}


def _files(folder: Path) -> tuple[dict[str, Path], list[str]]:
    found = {"sample": quality.SAMPLE, **labelled.development(folder)}
    some = {name: path for name, path in found.items() if path.is_file()}
    return some, [] if len(some) > 1 else [f"skipped: no data in {folder.name}/ beside the repository"]


def compared(stage: Stage, data: labelled.Dataset, options: str = "") -> tuple[Row, list[str]]:
    """(the total row, messages) of one data set."""
    lookups(stage.app / "lookups", data)
    seen = {name: int(truth.history) for name, truth in data.truths.items()}
    cells = []
    for row in data.cells:  # in time order
        seen[row[1]] -= 1
        cells.append((*row, "1" if seen[row[1]] >= 0 else "0"))
    replies: list[bytes] = []
    words = f"{quality.words_of(data)} static={STATIC} incidents={INCIDENTS} history=history {options}"
    bodies = quality.bodies(data._replace(metrics=[*data.metrics, "history"]), cells)
    cost = stage.hold("adaptbacktest", words, bodies, whole=True, take=replies.append)
    return total_of(b"".join(replies)), cost.messages


def lookups(folder: Path, data: labelled.Dataset) -> None:
    """The thresholds and the labelled incidents of a data set, as lookups."""
    limits = np.nanpercentile(np.concatenate(list(histories(data))), PERCENT, axis=0)
    rows = [[metric, "", f"{limit:.9g}"] for metric, limit in zip(data.metrics, limits) if limit == limit]
    _write(folder / f"{STATIC}.csv", [["metric", "warning", "critical"], *rows])
    found = [[name, f"{truth.t[a]:.0f}", f"{truth.t[b]:.0f}"] for name, truth in data.truths.items()
             for a, b in _runs(truth.label > 0)]
    _write(folder / f"{INCIDENTS}.csv", [[data.key, "start", "end"], *found])


def histories(data: labelled.Dataset) -> list[np.ndarray]:
    """The values of each host's history, (rows, metrics)."""
    mine: dict[str, list[list[float]]] = {name: [] for name in data.truths}
    for row in data.cells:
        if len(mine[row[1]]) < data.truths[row[1]].history:
            mine[row[1]].append([float(cell or "nan") for cell in row[2:]])
    return [np.array(rows).reshape(-1, len(data.metrics)) for rows in mine.values()]


def figures(total: Row) -> dict[str, float]:
    """What the catalogue names, of a total row; NaN where nothing can be said."""
    names = ("static_caught", "static_alerts", "same_volume_incidents", "same_recall_alerts", "budget_kept")
    number = {name: float(total.get(name, "nan")) for name in names}
    caught, alerts = number["static_caught"], number["static_alerts"]
    found = {
        "same_volume": number["same_volume_incidents"] / caught if caught else float("nan"),
        "same_recall": number["same_recall_alerts"] / alerts if alerts else float("nan"),
        "budget_kept": number["budget_kept"],
    }
    return {name: found[name] for name in BACKTEST_FIGURES}


def total_of(reply: bytes) -> Row:
    """The row of sums, read with another CSV reader than the app's."""
    rows = csv.DictReader(io.StringIO(reply.decode(), newline=""))
    row = next(row for row in rows if row["row"] == "total")
    return {name: cell for name, cell in row.items() if cell and not name.startswith("__mv_")}


def estate(stage: Stage, fleet: Fleet, static: str = "cpu>600") -> Cost:
    """adaptbacktest over that fleet, 50,000 rows a chunk, made while they are read; nothing is known of incidents."""
    return stage.hold("adaptbacktest", f"cpu by host static={static}", Ahead(fleet.bodies(TRAIN)), whole=True)


def _runs(on: np.ndarray) -> list[tuple[int, int]]:
    edges = np.diff(np.r_[0, on.astype(np.int8), 0])
    return list(zip(np.flatnonzero(edges == 1).tolist(), (np.flatnonzero(edges == -1) - 1).tolist()))


def _write(path: Path, rows: list[list[str]]) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)

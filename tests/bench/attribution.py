"""Whether an alert names the right metric first: did what it names visibly move when it opened?

moved: a metric's largest distance from its median of the 6 hours before, over the opening (from 30 minutes before
anomaly_start to the row at which the episode opens), in robust standard deviations (1.4826 MAD) of the day before;
where that deviation is 0, any change counts as infinite.

Limits: the eye of this measure is a level against its own last hours; a change of spread, or a slow drift that an
alert rightly names, is not seen and counts against. Openings in the history are not judged.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bench import labelled, quality
from bench.stage import ROOT, Stage

EARLY_S, RECENT_S, DAY_S = 1800.0, 6 * 3600.0, 86400.0
FIRST, OTHERS = 4.0, 3.0  # deviations from which the first metric, and the first three, count as moved
ROBUST = 1.4826  # MAD to standard deviation of a normal distribution


class Opening(NamedTuple):
    """The row at which an episode opened. start, t: seconds, anomaly_start and the row. named: metrics, most first."""

    host: str
    start: float
    t: float
    named: list[str]


class Verdict(NamedTuple):
    """Of one opening.

    far: the first metric moved by FIRST. in_front: it is among the quarter of the metrics that moved most, at least the
    first of them. moved: both. first3: two of the first three moved by OTHERS, or the only one that is named.
    reachable: some metric moved by FIRST, so that naming it first would have counted as moved.
    """

    moved: bool
    first3: bool
    far: bool
    in_front: bool
    reachable: bool


def measure(stage: Stage, wanted: list[str], folder: Path = ROOT.parent / "shared") -> dict[str, Any]:
    """Figures of each data set that is wanted and there; "details": openings judged, and why."""
    files = {"sample": quality.SAMPLE, **labelled.development(folder)}
    values: dict[str, Any] = {}
    details: dict[str, Any] = {}
    for name, path in files.items():
        ids = {figure: f"attribution.learn.{name}.{figure}" for figure in ("moved", "first3")}
        if not path.is_file() or not any(each in wanted for each in ids.values()):
            continue
        data = labelled.load(path)
        found = verdicts(data, openings(stage, data))
        shares = dict(zip(Verdict._fields, np.mean(found, axis=0).tolist())) if found else {}
        values.update({each: shares[figure] for figure, each in ids.items() if shares and each in wanted})
        details[name] = {"openings": len(found), "metrics": len(data.metrics), **shares}
    missing = sorted({each.split(".")[2] for each in wanted} - set(files))
    details["skipped"] = [f"skipped: no data of {', '.join(missing)} beside the repository"] if missing else []
    return {**values, "details": details}


def openings(stage: Stage, data: labelled.Dataset) -> list[Opening]:
    """Every opening, by the script without options."""
    found: dict[tuple[str, str], Opening] = {}

    def take(body: bytes) -> None:
        for name, opening in opened(body, data.key):
            found.setdefault((opening.host, name), opening)

    for hosts in data.groups():
        quality.learned(stage, data, hosts, take)
    return list(found.values())


def opened(body: bytes, key: str) -> Iterator[tuple[str, Opening]]:
    """Rows in state open with the id of their episode, in the order of the reply: the first of an id is its opening."""
    reader = csv.reader(io.StringIO(body.decode("utf-8", "surrogateescape"), newline=""))
    names = next(reader, [])
    fields = ("anomaly_state", "anomaly_id", key, "anomaly_start", "_time", "contributors")
    places = [names.index(name) for name in fields] if names else []
    for row in reader:
        state, episode, host, start, time, contributors = (row[place] for place in places)
        if state == "open":
            yield episode, Opening(host, float(start or time), float(time), named(contributors))


def named(contributors: str) -> list[str]:
    """Metrics of a text such as `cpu 60%; mem 40%`, in its order."""
    return [part.rsplit(" ", 1)[0] for part in contributors.split("; ") if part]


def verdicts(data: labelled.Dataset, found: list[Opening]) -> list[Verdict]:
    """Of every opening after the history."""
    values = by_host(data)
    out = []
    for opening in found:
        truth = data.truths[opening.host]
        if opening.t >= np.r_[truth.t, np.inf][truth.history]:
            out.append(verdict(data.metrics, opening.named, moves(truth.t, values[opening.host], opening)))
    return out


def by_host(data: labelled.Dataset) -> dict[str, np.ndarray]:
    """Values (n, metrics) of each host, NaN = missing."""
    rows: dict[str, list[tuple[str, ...]]] = {name: [] for name in data.truths}
    for row in data.cells:
        rows[row[1]].append(row[2:])
    return {name: np.array([[float(cell or "nan") for cell in row] for row in mine]) for name, mine in rows.items()}


def moves(t: np.ndarray, x: np.ndarray, opening: Opening) -> np.ndarray:
    """How far each metric moved, (metrics,), in robust deviations; 0 where nothing came before."""
    begin = opening.start - EARLY_S
    at, recent, day = (
        x[(t >= first) & (t < last)]
        for first, last in ((begin, np.nextafter(opening.t, np.inf)), (begin - RECENT_S, begin), (begin - DAY_S, begin))
    )
    if not len(at) or not len(recent):
        return np.zeros(x.shape[1])
    distance = _largest(np.abs(at - _median(recent)))
    spread = ROBUST * _median(np.abs(day - _median(day)))
    with np.errstate(divide="ignore", invalid="ignore"):
        out = distance / spread
    return np.where(distance > 0, np.nan_to_num(out, nan=0.0, posinf=np.inf), 0.0)


def _median(x: np.ndarray) -> np.ndarray:
    """Of each column without NaN; NaN where there is nothing."""
    known = ~np.isnan(x)
    out = np.full(x.shape[1], np.nan)
    for column in np.flatnonzero(known.any(axis=0)):
        out[column] = np.median(x[known[:, column], column])
    return out


def _largest(x: np.ndarray) -> np.ndarray:
    return np.nan_to_num(x, nan=0.0).max(axis=0)


def verdict(metrics: list[str], names: list[str], moved: np.ndarray) -> Verdict:
    """names: as the alert names them, most first. moved: (metrics,) by moves()."""
    reachable = bool(moved.max() >= FIRST)
    if not names:
        return Verdict(False, False, False, False, reachable)
    by_name = dict(zip(metrics, moved.tolist()))
    first = by_name[names[0]]
    far, in_front = first >= FIRST, int((moved > first).sum()) < max(1, len(metrics) // 4)
    others = sum(by_name[name] >= OTHERS for name in names[:3])
    return Verdict(far and in_front, others >= min(2, len(names)), far, in_front, reachable)

"""Detection quality of the real script, default settings, without the labels: what an operator would have seen."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import numpy as np

from bench import judge, labelled, ranking
from bench.catalogue import WAYS, figures_of
from bench.ranking import Scored
from bench.stage import ROOT, Stage

SAMPLE = ROOT / "lookups" / "sample_hosts.csv.gz"
CHUNK_ROWS = 50000
Marks = dict[tuple[str, str], tuple[float, float]]  # (time, host) -> score, flag


def measure(stage: Stage, wanted: list[str], folder: Path = ROOT.parent / "shared") -> dict[str, Any]:
    """Figures of each data set that is wanted and there; "details" says what was skipped."""
    files = {**({"sample": SAMPLE} if SAMPLE.is_file() else {}), **labelled.development(folder)}
    evaluate = labelled.evaluator(folder)
    complete = evaluate and len(files) > 1
    skipped = [] if complete else [f"skipped: no data and evaluate in {folder.name}/ beside the repository"]
    values: dict[str, float] = {}
    outcomes: dict[str, dict[str, list[judge.Outcome]]] = {way: {} for way in WAYS}
    ranks: dict[str, dict[str, dict[str, float]]] = {way: {} for way in WAYS}
    for name, path in files.items():
        ways = [way for way in WAYS if _is_wanted(way, name, wanted)]
        if not ways:
            continue
        data = labelled.load(path)
        for way in ways:
            found = scored(stage, data, way)
            outcomes[way][name] = of_hosts(found, evaluate)
            ranks[way][name] = ranking.figures(evaluate, name, found)
            values.update(_named(way, name, {**judge.summary(outcomes[way][name]), **ranks[way][name]}))
    for way in WAYS:
        rest = {name: some for name, some in outcomes[way].items() if name != "sample"}
        if rest and any(word.startswith(f"quality.{way}.mean.") for word in wanted):
            ranked = ranking.mean([ranks[way][name] for name in rest])
            values.update(_named(way, "mean", {**judge.overall(rest), **ranked}))
    return {**{name: value for name, value in values.items() if name in wanted}, "details": {"skipped": skipped}}


def _is_wanted(way: str, dataset: str, wanted: list[str]) -> bool:
    """The sample is no part of the mean."""
    prefixes = [f"quality.{way}.{dataset}."] + ([f"quality.{way}.mean."] if dataset != "sample" else [])
    return any(word.startswith(tuple(prefixes)) for word in wanted)


def _named(way: str, dataset: str, figures: dict[str, float]) -> dict[str, float]:
    """Under their ids; what could not be measured is left out."""
    names = [name for name in figures_of(dataset) if figures.get(name, np.nan) == figures.get(name)]
    return {f"quality.{way}.{dataset}.{name}": figures[name] for name in names}


def judged(stage: Stage, data: labelled.Dataset, way: str, evaluate: Any = None) -> list[judge.Outcome]:
    """One outcome per host."""
    return of_hosts(scored(stage, data, way), evaluate)


def of_hosts(found: list[Scored], evaluate: Any = None) -> list[judge.Outcome]:
    """One outcome per host that was scored."""
    return [
        judge.judged(one.truth, one.flag)._replace(vuspr=judge.ranking(evaluate, one.truth, one.score)) for one in found
    ]


def scored(stage: Stage, data: labelled.Dataset, way: str) -> list[Scored]:
    """Scores and flags of every host, as the script gave them."""
    out = []
    for hosts in data.groups():
        marks: Marks = {}
        search = learned if way == "learn" else modelled
        search(stage, data, hosts, lambda body, marks=marks: marks.update(read(body, data.key)))
        out += [Scored(truth, *_of_host(marks, truth)) for name, truth in data.truths.items() if name in hosts]
    return out


def learned(stage: Stage, data: labelled.Dataset, hosts: set[str], take: Callable[[bytes], None]) -> None:
    """adaptdetect without options over all rows of these hosts. take: gets every reply body."""
    stage.hold("adaptdetect", words_of(data), bodies(data, data.part(hosts)), whole=True, take=take)


def modelled(stage: Stage, data: labelled.Dataset, hosts: set[str], take: Callable[[bytes], None]) -> None:
    """adaptfit on their history, then adaptdetect model= on the rest."""
    words, name = words_of(data), f"quality_{data.name}"
    stage.hold("adaptfit", f"{words} into {name} mode=replace", bodies(data, data.part(hosts, True)), whole=True)
    stage.hold("adaptdetect", f"{words} model={name}", bodies(data, data.part(hosts, False)), take=take)


def words_of(data: labelled.Dataset) -> str:
    """Metrics and entity column, as typed behind a command."""
    return f"{' '.join(data.metrics)} by {data.key}"


def bodies(data: labelled.Dataset, rows: list[tuple[str, ...]]) -> Iterator[bytes]:
    """Chunks as splunkd writes them: quotes around what is not plain, an empty __mv_ column for each field."""
    names = ["_time", data.key, *data.metrics]
    header = ",".join([*map(_cell, names), *(_cell(f"__mv_{name}") for name in names)])
    tail = "," * len(names)
    for start in range(0, len(rows), CHUNK_ROWS):
        lines = [",".join(map(_cell, row)) + tail for row in rows[start : start + CHUNK_ROWS]]
        yield "\n".join([header, *lines, ""]).encode()


def _cell(text: str) -> str:
    return text if not text or (text.isascii() and text.isalnum()) else '"' + text.replace('"', '""') + '"'


def read(body: bytes, key: str) -> Marks:
    """Scores and flags of a reply. Read with another CSV reader than the app's."""
    if not body:
        return {}
    reader = csv.reader(io.StringIO(body.decode("utf-8", "surrogateescape"), newline=""))
    names = next(reader)
    time, host, score, flag = (names.index(name) for name in ("_time", key, "anomaly_score", "is_anomaly"))
    return {(row[time], row[host]): (float(row[score] or "nan"), float(row[flag] or 0)) for row in reader}


def _of_host(marks: Marks, truth: judge.Truth) -> tuple[np.ndarray, np.ndarray]:
    """Score and flag of every row; rows that were not scored are no alerts. Times are whole seconds."""
    none = (float("nan"), 0.0)
    pairs = np.array([marks.get((f"{t:.0f}", truth.name), none) for t in truth.t])
    return pairs[:, 0], pairs[:, 1]

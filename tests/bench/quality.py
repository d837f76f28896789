"""Detection quality of the real script, default settings, without the labels: what an operator would have seen."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bench import judge, labelled
from bench.catalogue import FIGURES
from bench.stage import ROOT, Stage

SAMPLE = ROOT / "lookups" / "sample_hosts.csv.gz"
CHUNK_ROWS = 50000
Marks = dict[tuple[str, str], tuple[float, float]]  # (time, host) -> score, flag


def measure(stage: Stage, wanted: list[str], folder: Path = ROOT.parent / "shared") -> dict[str, Any]:
    """Figures of each data set that is wanted and there; "details" says what was skipped and how long it took."""
    files = {**({"sample": SAMPLE} if SAMPLE.is_file() else {}), **labelled.development(folder)}
    evaluate = labelled.evaluator(folder)
    values: dict[str, Any] = {}
    details = {
        "skipped": []
        if evaluate and len(files) > 1
        else [f"skipped: no data and evaluate in {folder.name}/ beside the repository"]
    }
    outcomes: dict[str, dict[str, list[judge.Outcome]]] = {"learn": {}, "model": {}}
    for name, path in files.items():
        ways = [
            way
            for way in outcomes
            if any(word.startswith((f"quality.{way}.{name}.", f"quality.{way}.mean.")) for word in wanted)
        ]
        if not ways or (name == "sample" and not any(f".{name}." in word for word in wanted)):
            continue
        data = labelled.load(path)
        for way in ways:
            outcomes[way][name] = judged(stage, data, way, evaluate)
            values.update(_named(way, name, judge.summary(outcomes[way][name])))
    for way, found in outcomes.items():
        rest = {name: some for name, some in found.items() if name != "sample"}
        if rest and any(word.startswith(f"quality.{way}.mean.") for word in wanted):
            values.update(_named(way, "mean", judge.overall(rest)))
    return {**{name: value for name, value in values.items() if name in wanted}, "details": details}


def _named(way: str, dataset: str, figures: dict[str, float]) -> dict[str, float]:
    return {
        f"quality.{way}.{dataset}.{figure}": figures[figure] for figure in FIGURES if figures[figure] == figures[figure]
    }


def judged(stage: Stage, data: labelled.Dataset, way: str, evaluate: Any = None) -> list[judge.Outcome]:
    """One outcome per host."""
    out = []
    for hosts in data.groups():
        marks = _learned(stage, data, hosts) if way == "learn" else _modelled(stage, data, hosts)
        for name in (name for name in data.truths if name in hosts):
            truth = data.truths[name]
            score, flag = _of_host(marks, truth)
            out.append(judge.judged(truth, flag)._replace(vuspr=judge.ranking(evaluate, truth, score)))
    return out


def _learned(stage: Stage, data: labelled.Dataset, hosts: set[str]) -> Marks:
    marks: Marks = {}
    words = f"{' '.join(data.metrics)} by {data.key}"
    stage.hold(
        "adaptdetect",
        words,
        bodies(data, data.part(hosts)),
        whole=True,
        take=lambda body: marks.update(read(body, data.key)),
    )
    return marks


def _modelled(stage: Stage, data: labelled.Dataset, hosts: set[str]) -> Marks:
    marks: Marks = {}
    words, name = f"{' '.join(data.metrics)} by {data.key}", f"quality_{data.name}"
    stage.hold("adaptfit", f"{words} into {name} mode=replace", bodies(data, data.part(hosts, True)), whole=True)
    stage.hold(
        "adaptdetect",
        f"{words} model={name}",
        bodies(data, data.part(hosts, False)),
        take=lambda body: marks.update(read(body, data.key)),
    )
    return marks


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

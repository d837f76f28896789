"""Operators' verdicts as texts: their records, and what they do to the rows of stored models.

A record is one verdict on one alert of one entity: a later one on the same alert replaces it. What a model is eased by
follows from all records of its entity (engine/feedback.py) and stands in the state cell of its rows, `eased=` and one
number for each cause, in decades of evidence.

Limits: only detector adaptive can be eased. A metric that the collection does not have any more counts for nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import NamedTuple

import numpy as np

from adaptive_monitoring.commands.fields import from_hundred
from adaptive_monitoring.engine import feedback
from adaptive_monitoring.engine.base import CAUSES
from adaptive_monitoring.errors import Unreachable
from adaptive_monitoring.store.documents import Documents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from adaptive_monitoring.columns import Columns
    from adaptive_monitoring.store.base import Key, Session

    Record = dict[str, str]
    Eased = tuple[float, ...]  # decades, one number for each of CAUSES

COLLECTION = "adaptive_verdicts"
FIELDS = ("collection", "entity", "anomaly_id", "verdict", "author", "time", "start", "end", "score", "threshold",
          "cause", "contributors", "comment")
WORDS = ("true_alert", "false_alert", "expected", "unsure")
EASING, LEFT_OUT = ("false_alert", "expected"), ("true_alert", "expected")
DETECTOR = "adaptive"
EASED = re.compile(r"(?:^|(?<=;))eased=([^;]*)")
NOTHING = ";eased=" + " ".join(["0"] * len(CAUSES))
PART = re.compile(r" (\d{1,3})%(?:; |$)")


class Model(NamedTuple):
    """What a verdict changes of one stored row. row: number in its table; eased: a number for each of CAUSES."""

    row: int
    metric: str
    threshold: float
    eased: Eased


class Shelved:
    """The records of one collection. session: None = the file. warnings: for the person who typed the search."""

    def __init__(self, name: str, session: Session | None, app: str | None = None) -> None:
        self.name, self.session = name, session
        self.documents = Documents(COLLECTION, FIELDS, session, app)
        self.warnings = self.documents.warnings

    @property
    def route(self) -> str:
        """Where the last call went: kvstore or file."""
        return self.documents.route

    @property
    def lost(self) -> bool:
        """Whether the last call used the file because splunkd, which has the records, cannot be reached."""
        return bool(self.session is not None and self.session.session_key) and self.documents.route == "file"

    def by_entity(self) -> dict[str, dict[str, Record]]:
        """entity -> key -> record. Raises SplunkdError, Unreachable when only the file could be read, NotWritable."""
        out: dict[str, dict[str, Record]] = {}
        for record in self.documents.all(collection=self.name):
            out.setdefault(record["entity"], {})[record["_key"]] = record
        if self.lost:
            raise Unreachable(self.warnings[-1])
        return out

    def add(self, records: Sequence[Record]) -> None:
        """Stores records. Raises SplunkdError, NotWritable."""
        self.documents.add(records)


def entity_of(names: Sequence[str], key: Sequence[str]) -> str:
    """How records name an entity: its by-fields as JSON, in alphabetical order, ASCII."""
    return json.dumps(dict(zip(names, key)), sort_keys=True)


def key_in(entity: str, names: Sequence[str]) -> Key | None:
    """The values of these by-fields in what entity_of() wrote; None when it is about other fields."""
    try:
        found = json.loads(entity)
    except ValueError:
        return None
    if not isinstance(found, dict) or sorted(found) != sorted(names):
        return None
    return tuple(str(found[name]) for name in names)


def key_of(name: str, entity: str, anomaly_id: str) -> str:
    """The `_key` of a record: one for each alert, so that the newest verdict replaces the one before."""
    text = "\x1f".join((name, entity, anomaly_id))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def joined(old: Record | None, new: Record) -> Record:
    """The record of an alert after one more verdict: of what both have seen, the strongest row counts."""
    if old is None:
        return new
    strong = stronger(old, new)
    seen = {name: strong[name] for name in ("score", "threshold", "cause", "contributors")}
    end = max(new["end"], old["end"], key=lambda text: number(text, 0.0))
    return {**new, **seen, "end": end, "comment": new["comment"] or old["comment"]}


def stronger(old: Record, new: Record) -> Record:
    """The one whose row had the higher score; of equal ones the newer."""
    return old if number(old["score"], -1.0) > number(new["score"], -1.0) else new


def recalibrated(models: Sequence[Model], records: Iterable[Record]) -> list[Eased]:
    """What each row of one entity is eased by, rounded as it is stored. A pure function of its arguments."""
    threshold = models[0].threshold
    metrics = [model.metric for model in models]
    verdicts = [_verdict(record, metrics, threshold) for record in records if record["verdict"] in WORDS[:3]]
    return [tuple(map(float, map("%.6g".__mod__, row)))
            for row in feedback.eased_of(verdicts, threshold, len(models)).tolist()]


def _verdict(record: Record, metrics: Sequence[str], threshold: float) -> feedback.Verdict:
    """A record in numbers. Without contributors, every metric has an equal part."""
    found = shares_of(record["contributors"], metrics)
    share = np.zeros(len(metrics))
    total = sum(part for _, part in found)
    for place, part in found:
        if place >= 0:
            share[place] = part / total
    if not found:
        share[:] = 1.0 / len(metrics)
    causes = np.array([record["cause"] in (cause, "") for cause in CAUSES])
    score = number(record["score"], 0.0)
    evidence = from_hundred(score) * number(record["threshold"], threshold) if score else 0.0
    return feedback.Verdict(record["verdict"] in EASING, number(record["time"], 0.0), number(record["start"], 0.0),
                            evidence, share, causes)


def shares_of(contributors: str, metrics: Sequence[str]) -> list[tuple[int, float]]:
    """(place in metrics, share) of each part of `cpu 80%; mem 20%`, most first. Place −1: no such metric."""
    out: list[tuple[int, float]] = []
    at = 0
    longest = sorted(range(len(metrics)), key=lambda i: -len(metrics[i]))
    while at < len(contributors):
        places = (i for i in longest if contributors.startswith(metrics[i] + " ", at)
                  and PART.match(contributors, at + len(metrics[i])))
        place = next(places, -1)
        part = PART.match(contributors, at + len(metrics[place])) if place >= 0 else PART.search(contributors, at)
        if part is None:
            break
        if float(part.group(1)) > 0:
            out.append((place, float(part.group(1))))
        at = part.end()
    return out


def entities_in(columns: Columns, keys: Sequence[str]) -> dict[Key, list[Model]]:
    """The rows of each entity that verdicts can ease."""
    out: dict[Key, list[Model]] = {}
    rows = zip(zip(*columns.select(keys).data), *columns.select(["metric", "threshold", "state", "detector"]).data)
    for i, (key, metric, threshold, state, detector) in enumerate(rows):
        if state and detector == DETECTOR:
            out.setdefault(key, []).append(Model(i, metric, number(threshold, 0.0), eased_in(state)))
    return out


def eased_in(state: str) -> Eased:
    """What a state cell says; zeros where it says nothing."""
    found = EASED.search(state)
    numbers = tuple(number(text, 0.0) for text in found.group(1).split()) if found else ()
    return numbers if len(numbers) == len(CAUSES) else (0.0,) * len(CAUSES)


def with_eased(state: str, eased: Sequence[float]) -> str:
    """The state cell with these numbers; the same text where they are there already."""
    if eased_in(state) == tuple(eased):
        return state
    text = "eased=" + " ".join(map("%.6g".__mod__, eased))
    return EASED.sub(text, state, 1) if EASED.search(state) else f"{state};{text}"


def any_eased(columns: Columns) -> bool:
    """Whether any of these rows is eased."""
    return any(state and NOTHING not in state and any(eased_in(state)) for state in columns.get("state"))


def ease(columns: Columns, keys: Sequence[str], by_entity: Mapping[str, Mapping[str, Record]]) -> int:
    """Puts what verdicts ask for into the state cells of these rows. Returns how many models are eased then."""
    state = columns.get("state")
    count = 0
    for key, models in entities_in(columns, keys).items():
        for model, eased in zip(models, recalibrated(models, by_entity.get(entity_of(keys, key), {}).values())):
            state[model.row] = with_eased(state[model.row], eased)
            count += any(eased)
    return count


def keep_eased(columns: Columns, stored: Columns, keys: Sequence[str]) -> int:
    """Gives these rows what the stored ones are eased by. Returns how many models are eased then."""
    names = [*keys, "metric"]
    before = {row[:-1]: eased_in(row[-1]) for row in zip(*stored.select([*names, "state"]).data)}
    state = columns.get("state")
    eased = 0
    for i, key in enumerate(zip(*columns.select(names).data)):
        if state[i] and any(before.get(key, ())):
            state[i] = with_eased(state[i], before[key])
            eased += 1
    return eased


def number(text: str, otherwise: float) -> float:
    """The number a cell holds; otherwise what is given, also for NaN and infinities."""
    try:
        value = float(text)
    except ValueError:
        return otherwise
    return value if abs(value) < 1e100 else otherwise


def level(threshold: float, eased: Sequence[float], cause: str) -> float:
    """The alert level of one kind of deviation in decades; of an unknown cause, that of the most eased one."""
    return threshold + (eased[CAUSES.index(cause)] if cause in CAUSES else max(eased))

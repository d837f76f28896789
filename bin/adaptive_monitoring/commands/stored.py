"""Stored models as adaptdetect needs them: read, checked against the search, turned into a detector's state.

Limits: rows whose hash is right but whose numbers no detector wrote are found while decoding; their entity is then
treated as one without a model, with a warning.
"""
from __future__ import annotations

import numpy as np

from adaptive_monitoring.commands import fields
from adaptive_monitoring.engine.base import State
from adaptive_monitoring.engine.numbers import LARGEST, Floats, Ints
from adaptive_monitoring.engine.rowformat import decode
from adaptive_monitoring.errors import BadValue, MissingField, Tampered
from adaptive_monitoring.store.base import DEFAULT_KEY
from adaptive_monitoring.store.lookup import LookupStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from adaptive_monitoring.commands.rows import Reader
    from adaptive_monitoring.engine.base import Detector
    from adaptive_monitoring.protocol.session import Messages, SearchInfo
    from adaptive_monitoring.store.base import StoredModels

    Key = tuple[str, ...]

FEW_ENTITIES = 5_000  # up to so many are looked up in the collection instead of reading all of it
SHOWN = 5  # rows that cannot be used are named one by one up to here
RANK = (fields.UNTRAINABLE, fields.COLD, fields.STALE, fields.TRAINED)  # an entity is what its best metric is


class Facts:
    """What the collection says about entities, by place: status, first and last time of the history, time step."""

    def __init__(self, entities: int) -> None:
        self.status: Ints = np.full(entities, fields.COLD)
        self.trained_to: Floats = np.full(entities, np.inf)
        self.began: Floats = np.full(entities, np.nan)
        self.span: Floats = np.full(entities, np.nan)

    def joined(self, other: Facts) -> Facts:
        """These with the other's entities behind."""
        out = Facts(0)
        for name, values in vars(self).items():
            setattr(out, name, np.concatenate([values, getattr(other, name)]))
        return out


class Collection:
    """One collection during one search. Raises CollectionNotFound, ModelError, BadValue."""

    def __init__(self, info: SearchInfo, messages: Messages, name: str, reader: Reader) -> None:
        self.messages, self.name, self.reader = messages, name, reader
        self.store = LookupStore(info)
        self.order = self._order(self.store.keys(name))
        self.models: StoredModels | None = None
        self.all_read = False
        self.refused: dict[str, str] = {}

    def _order(self, stored: Sequence[str]) -> list[int]:
        """Where each stored key column stands among the by-fields."""
        by = self.reader.by or [DEFAULT_KEY]
        if sorted(by) != sorted(stored):
            got = "by " + ", ".join(self.reader.by) if self.reader.by else "no by"
            raise BadValue(f'adaptdetect: collection "{self.name}" was trained by {", ".join(stored)}; got {got}. '
                           f"Write by {', '.join(stored)}")
        return [by.index(name) for name in stored]

    def load(self, keys: Sequence[Key], enough: bool) -> StoredModels:
        """The models of these entities. enough: these entities alone will do if there are any models of them."""
        if self.all_read and self.models is not None:
            return self.models
        models = None
        if enough and len(keys) <= FEW_ENTITIES:
            models = self.store.read(self.name, [tuple(key[i] for i in self.order) for key in keys])
        if models is None or not len(models):
            models, self.all_read = self.store.read(self.name), True
        for problem in models.problems:
            self._refuse(problem.row, problem.detail)
        self.models = models
        return models

    def metrics(self) -> list[str]:
        """All metrics of the collection that were asked for. Raises MissingField when there is none."""
        found = sorted(set(self.load([], False).columns.get("metric")))
        wanted = list(filter(self.reader.wanted, found))
        if not wanted:
            raise MissingField(f'adaptdetect: collection "{self.name}" has no usable model of what was asked for; '
                               f"it has {', '.join(found[:20]) or 'none'}")
        return wanted

    def head(self) -> dict[str, str]:
        """Any trusted row: the options that all rows share. {} when there is none."""
        rows = self.models.columns if self.models is not None else None
        return {name: rows.get(name)[0] for name in rows.names} if rows is not None and len(rows) else {}

    def fill(self, detector: Detector, fresh: State, have: int) -> tuple[Facts, int]:
        """Puts stored models into fresh, the state of the reader's entities from `have` on.

        Returns what is known about these entities, and how many of them have a model with numbers.
        """
        facts = Facts(len(self.reader.keys) - have)
        assert self.models is not None
        columns = self.models.columns
        rows = [row for row in self._places(have) if self._fits(row[0], detector.name)]
        self._remember(facts, rows)
        rows = [row for row in rows if columns.get("state")[row[0]]]
        known = sorted({e for _, e, _ in rows})
        thawed = self._thaw(detector, rows, known)
        if thawed is None:
            rows, known = self._without_forged(detector, rows, facts)
            thawed = self._thaw(detector, rows, known)
        if thawed is not None and known:
            _put(detector, fresh, thawed, known, rows)
        return facts, len(known)

    def _places(self, have: int) -> list[tuple[int, int, int]]:
        """(row, entity, metric) of the rows that this search needs."""
        assert self.models is not None
        columns, stored = self.models.columns, self.models.keys
        back = [self.order.index(i) for i in range(len(self.order))]
        keys = zip(*[columns.get(stored[i]) for i in back])
        place = {key: i for i, key in enumerate(self.reader.keys[have:])}
        metric = {name: i for i, name in enumerate(self.reader.metrics)}
        pairs = [(place.get(key, -1), metric.get(name, -1)) for key, name in zip(keys, columns.get("metric"))]
        return [(i, e, m) for i, (e, m) in enumerate(pairs) if e >= 0 and m >= 0]

    def _remember(self, facts: Facts, rows: Sequence[tuple[int, int, int]]) -> None:
        assert self.models is not None
        words, until, since, span = map(self.models.columns.get, ("model_status", "trained_to", "trained_from", "span"))
        seen: set[int] = set()
        for i, e, _ in rows:
            status = fields.STATUSES.index(words[i]) if words[i] in fields.STATUSES else fields.TRAINED
            if e not in seen or RANK.index(status) > RANK.index(int(facts.status[e])):
                facts.status[e] = status
                seen.add(e)
            facts.trained_to[e] = float(until[i] or "inf")
            facts.began[e] = float(since[i] or "nan")
            facts.span[e] = float(span[i] or "nan")

    def _fits(self, row: int, detector: str) -> bool:
        assert self.models is not None
        found = self.models.columns.get("detector")[row]
        if found == detector:
            return True
        self._refuse(self._label(row), f"it is of detector {found or 'nothing'}, other rows are of {detector}")
        return False

    def _thaw(self, detector: Detector, rows: Sequence[tuple[int, int, int]], known: Sequence[int]) -> State | None:
        """A working state of these entities; None when a row holds what no detector wrote."""
        assert self.models is not None
        columns, number = self.models.columns, {e: i for i, e in enumerate(known)}
        cells = {name: [columns.get(name)[i] for i, _, _ in rows] for name in columns.names}
        entity = np.array([number[e] for _, e, _ in rows], dtype=np.int64)
        metric = np.array([m for _, _, m in rows], dtype=np.int64)
        try:
            frozen = decode(cells, entity, metric, len(known), len(self.reader.metrics), detector.name, detector.layout)
            return detector.thaw(frozen) if _plausible(frozen) else None
        except (ValueError, IndexError, OverflowError, KeyError):
            return None

    def _without_forged(
        self, detector: Detector, rows: list[tuple[int, int, int]], facts: Facts
    ) -> tuple[list[tuple[int, int, int]], list[int]]:
        """The rows of the entities that can be decoded by themselves."""
        groups: dict[int, list[tuple[int, int, int]]] = {}
        for row in rows:
            groups.setdefault(row[1], []).append(row)
        good = []
        for e, group in groups.items():
            if self._thaw(detector, group, [e]) is not None:
                good.append(e)
                continue
            facts.status[e] = fields.COLD
            self._refuse(self._label(group[0][0]), "its numbers are none that a detector writes")
        return [row for e in good for row in groups[e]], sorted(good)

    def _label(self, row: int) -> str:
        assert self.models is not None
        return " ".join(self.models.columns.get(name)[row] for name in [*self.models.keys, "metric"])

    def _refuse(self, row: str, why: str) -> None:
        if row in self.refused:
            return
        self.refused[row] = why
        if len(self.refused) <= SHOWN:
            self.messages.warn(str(Tampered(
                f'adaptdetect: model row {row} of "{self.name}" is not used: {why}. '
                f"Train it again, or see | adaptmodel action=verify collection={self.name}")))

    def remarks(self) -> None:
        """How many rows were not used, where they were too many to name."""
        if len(self.refused) > SHOWN:
            self.messages.warn(str(Tampered(
                f'adaptdetect: {len(self.refused)} model rows of "{self.name}" are not used; '
                f"see | adaptmodel action=verify collection={self.name}")))


def _put(
    detector: Detector, fresh: State, thawed: State, known: list[int], rows: Sequence[tuple[int, int, int]]
) -> None:
    """Copies the thawed entities to their places; metrics without a stored row stay as new as they are."""
    number = {e: i for i, e in enumerate(known)}
    _, entity, metric = map(list, zip(*rows))
    source = [number[e] for e in entity]
    one, more = (detector.empty(1, d).table for d in (1, 2))
    for name, values in thawed.table.items():
        if one[name].shape[1:2] == (1,) and more[name].shape[1:2] == (2,):
            fresh.table[name][entity, metric] = values[source, metric]
        else:
            fresh.table[name][known] = values


def _plausible(frozen: State) -> bool:
    """All numbers in range; only bounds of the band may be infinite."""
    for name, values in frozen.table.items():
        allowed = np.isposinf(values) if name in ("lower_k", "upper_k") else False
        if not (allowed | (np.abs(values) <= LARGEST)).all():
            return False
    return True

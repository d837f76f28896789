"""Stored models as adaptdetect needs them: read, checked against the search, turned into a detector's state.

Models are read, decoded and put into the state some hundred at a time: their text, cells and arrays never exist all at
once.

Limits: rows whose hash is right but whose numbers no detector wrote are found while decoding; their entity is then
treated as one without a model, with a warning. Rows of entities that the search does not have are not verified.
"""
from __future__ import annotations

from itertools import chain

import numpy as np

from adaptive_monitoring.columns import Columns
from adaptive_monitoring.commands import fields
from adaptive_monitoring.engine.base import State
from adaptive_monitoring.engine.numbers import LARGEST, Floats, Ints
from adaptive_monitoring.engine.rowformat import decode
from adaptive_monitoring.errors import BadValue, MissingField, Tampered
from adaptive_monitoring.store.base import DEFAULT_KEY
from adaptive_monitoring.store.lookup import LookupStore
from adaptive_monitoring.store.rows import Checker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from adaptive_monitoring.commands.rows import Reader
    from adaptive_monitoring.engine.base import Detector
    from adaptive_monitoring.protocol.session import Messages, SearchInfo
    from adaptive_monitoring.store.base import Problem

    Key = tuple[str, ...]
    Place = tuple[int, int, int]  # row of the table, entity, metric

COLD_S = 2 * 86400.0  # an entity is watched for so long before its own model is trusted
BATCH_ROWS = 250  # decoded at once: arrays of so many fit into the processor's cache
SHOWN = 5  # rows that cannot be used are named one by one up to here
#: an entity is what its best metric is, but one metric that drifts is told
RANK = (fields.UNTRAINABLE, fields.NO_MODEL, fields.COLD, fields.PEER, fields.STALE, fields.TRAINED, fields.DRIFTING)


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

    def __init__(self, info: SearchInfo, messages: Messages, name: str, reader: Reader, command: str = "adaptdetect",
                 path: str | None = None) -> None:
        """command: for messages. path: another file than that of the collection, such as an earlier version."""
        self.messages, self.name, self.reader, self.command = messages, name, reader, command
        self.index = LookupStore(info).index(name, path)
        self.order = self._order(self.index.keys)
        self.parts: Iterator[Columns] = iter(())
        self.columns = Columns()
        self.refused: dict[str, str] = {}
        self.known: set[int] = set()  # of the entities that fill() was asked for, those with numbers
        self._tell(self.index.problems)

    def _order(self, stored: Sequence[str]) -> list[int]:
        """Where each stored key column stands among the by-fields."""
        by = self.reader.by or [DEFAULT_KEY]
        if sorted(by) != sorted(stored):
            got = "by " + ", ".join(self.reader.by) if self.reader.by else "no by"
            raise BadValue(f'{self.command}: collection "{self.name}" was trained by {", ".join(stored)}; got {got}. '
                           f"Write by {', '.join(stored)}")
        return [by.index(name) for name in stored]

    def load(self, keys: Sequence[Key], first: bool) -> None:
        """Makes the models of these entities the ones that fill() takes.

        first: there must be a head(); when no entity has a model, that of another one will do.
        """
        wanted = frozenset(tuple(key[i] for i in self.order) for key in keys)
        self.parts = self.read(wanted)
        if not first:
            return
        self.columns = next(self.parts, self.columns)
        if not len(self.columns):
            self.columns = next(self.read(None), self.columns)

    def read(self, wanted: frozenset[Key] | None) -> Iterator[Columns]:
        """Tables with rows, each when it is asked for."""
        checker = Checker(self.index.form, wanted)
        for columns in self.index.batches(wanted, checker, BATCH_ROWS):
            self._tell([*self.index.problems, *checker.problems])
            checker.problems.clear()
            if len(columns):
                yield columns

    def metrics(self) -> list[str]:
        """All metrics of the collection that were asked for. Raises MissingField when there is none."""
        checker = Checker(self.index.form)
        found = self.index.metrics(checker)
        self._tell(checker.problems)
        wanted = list(filter(self.reader.wanted, found))
        if not wanted:
            raise MissingField(f'{self.command}: collection "{self.name}" has no usable model of what was asked for; '
                               f"it has {', '.join(found[:20]) or 'none'}")
        return wanted

    def head(self) -> dict[str, str]:
        """Any trusted row: the options that all rows share. {} when there is none."""
        return {name: values[0] for name, values in zip(self.columns.names, self.columns.data) if values}

    def fill(self, detector: Detector, fresh: State, have: int) -> tuple[Facts, int]:
        """Puts stored models into fresh, the state of the reader's entities from `have` on.

        Returns what is known about these entities, and how many of them have a model with numbers.
        """
        facts = Facts(len(self.reader.keys) - have)
        place = {key: i for i, key in enumerate(self.reader.keys[have:])}
        shared = shared_columns(detector)
        known: set[int] = set()
        for columns in chain([self.columns], self.parts):
            self.columns = columns
            known.update(self._fill(detector, fresh, facts, self._places(place), shared))
        self.columns, self.known = Columns(), known
        return facts, len(known)

    def _fill(
        self, detector: Detector, fresh: State, facts: Facts, rows: list[Place], shared: frozenset[str]
    ) -> list[int]:
        """Puts one table of models into fresh. Returns the entities that have one with numbers."""
        rows = [row for row in rows if self._fits(row[0], detector.name)]
        self._remember(facts, rows)
        state = self.columns.get("state") if rows else []
        rows = [row for row in rows if state[row[0]]]
        known = sorted({e for _, e, _ in rows})
        thawed = self._thaw(detector, rows, known)
        if thawed is None:
            rows, known = self._without_forged(detector, rows, facts)
            thawed = self._thaw(detector, rows, known)
        if thawed is not None and known:
            _put(shared, fresh, thawed, known, rows)
        return known

    def _places(self, place: Mapping[Key, int]) -> list[Place]:
        """(row, entity, metric) of the rows that this search needs."""
        columns, stored = self.columns, self.index.keys
        if not len(columns):
            return []
        back = [self.order.index(i) for i in range(len(self.order))]
        keys = zip(*[columns.get(stored[i]) for i in back])
        metric = {name: i for i, name in enumerate(self.reader.metrics)}
        pairs = [(place.get(key, -1), metric.get(name, -1)) for key, name in zip(keys, columns.get("metric"))]
        return [(i, e, m) for i, (e, m) in enumerate(pairs) if e >= 0 and m >= 0]

    def _remember(self, facts: Facts, rows: Sequence[Place]) -> None:
        if not rows:
            return
        words, until, since, span = map(self.columns.get, ("model_status", "trained_to", "trained_from", "span"))
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
        found = self.columns.get("detector")[row]
        if found == detector:
            return True
        self.refuse(self._label(row), f"it is of detector {found or 'nothing'}, other rows are of {detector}")
        return False

    def _thaw(self, detector: Detector, rows: Sequence[Place], known: Sequence[int]) -> State | None:
        """A working state of these entities; None when a row holds what no detector wrote, or there is none."""
        if not rows:
            return None
        number = {e: i for i, e in enumerate(known)}
        places = [i for i, _, _ in rows]
        cells = {name: [values[i] for i in places] for name, values in zip(self.columns.names, self.columns.data)}
        entity = np.array([number[e] for _, e, _ in rows], dtype=np.int64)
        metric = np.array([m for _, _, m in rows], dtype=np.int64)
        try:
            frozen = decode(cells, entity, metric, len(known), len(self.reader.metrics), detector.name, detector.layout)
            return detector.thaw(frozen) if plausible(frozen) else None
        except (ValueError, IndexError, OverflowError, KeyError):
            return None

    def _without_forged(
        self, detector: Detector, rows: list[Place], facts: Facts
    ) -> tuple[list[Place], list[int]]:
        """The rows of the entities that can be decoded by themselves."""
        groups: dict[int, list[Place]] = {}
        for row in rows:
            groups.setdefault(row[1], []).append(row)
        good = []
        for e, group in groups.items():
            if self._thaw(detector, group, [e]) is not None:
                good.append(e)
                continue
            facts.status[e] = fields.COLD
            self.refuse(self._label(group[0][0]), "its numbers are none that a detector writes")
        return [row for e in good for row in groups[e]], sorted(good)

    def _label(self, row: int) -> str:
        return " ".join(self.columns.get(name)[row] for name in [*self.index.keys, "metric"])

    def _tell(self, problems: Sequence[Problem]) -> None:
        for problem in problems:
            self.refuse(problem.row, problem.detail)

    def refuse(self, row: str, why: str) -> None:
        """Tells, once, that a model row is not used."""
        if row in self.refused:
            return
        self.refused[row] = why
        if len(self.refused) <= SHOWN:
            self.messages.warn(str(Tampered(
                f'{self.command}: model row {row} of "{self.name}" is not used: {why}. '
                f"Train it again, or see | adaptmodel action=verify collection={self.name}")))

    def remarks(self) -> None:
        """How many rows were not used, where they were too many to name."""
        if len(self.refused) > SHOWN:
            self.messages.warn(str(Tampered(
                f'{self.command}: {len(self.refused)} model rows of "{self.name}" are not used; '
                f"see | adaptmodel action=verify collection={self.name}")))


def shared_columns(detector: Detector) -> frozenset[str]:
    """The columns of a working state that belong to the entity, not to one of its metrics."""
    one, more = (detector.empty(1, d).table for d in (1, 2))
    return frozenset(name for name in one if (one[name].shape[1:2], more[name].shape[1:2]) != ((1,), (2,)))


def _put(shared: frozenset[str], fresh: State, thawed: State, known: list[int], rows: Sequence[Place]) -> None:
    """Copies the thawed entities to their places; metrics without a stored row stay as new as they are."""
    number = {e: i for i, e in enumerate(known)}
    _, entity, metric = map(list, zip(*rows))
    source = [number[e] for e in entity]
    for name, values in thawed.table.items():
        if name in shared:
            fresh.table[name][known] = values
        else:
            fresh.table[name][entity, metric] = values[source, metric]


def plausible(frozen: State) -> bool:
    """All numbers in range; only bounds of the band may be infinite."""
    for name, values in frozen.table.items():
        allowed = np.isposinf(values) if name in ("lower_k", "upper_k") else False
        if not (allowed | (np.abs(values) <= LARGEST)).all():
            return False
    return True

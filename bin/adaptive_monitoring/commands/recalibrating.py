"""Stored models of some entities, and what verdicts ease them by.

Limits: a write that meets another one is tried again with the rows as they are then, three times. The bounds lookup
stays as it is until it is exported again.
"""
from __future__ import annotations

from adaptive_monitoring.columns import Columns
from adaptive_monitoring.commands import verdicts
from adaptive_monitoring.errors import BadValue, Changed
from adaptive_monitoring.store.lookup import LookupStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adaptive_monitoring.commands.verdicts import Eased, Model, Record
    from adaptive_monitoring.store.base import Key, Problem, Session, Written

TRIES = 3


class Models:
    """The models of one collection that verdicts of one search are about.

    names: the by-fields in alphabetical order; keys here are in that order. found: models by entity; known: entities
    that have any row. locked: rows that were to change but are locked, as (entity, metric). written: None = nothing.
    """

    def __init__(self, session: Session, name: str, names: Sequence[str]) -> None:
        self.store, self.name, self.names = LookupStore(session), name, list(names)
        self.keys: list[str] = []
        self.columns = Columns()
        self.found: dict[Key, list[Model]] = {}
        self.known: set[Key] = set()
        self.locked: set[tuple[Key, str]] = set()
        self.problems: list[Problem] = []
        self.written: Written | None = None

    def read(self, wanted: set[Key]) -> None:
        """Reads the models of these entities. Raises ModelError, BadValue; nothing is found then."""
        self.found, self.known, self.columns = {}, set(), Columns()
        self.keys = self.store.index(self.name).keys
        if sorted(self.keys) != self.names:
            raise BadValue(f'adaptfeedback: collection "{self.name}" was trained by {", ".join(self.keys)}; '
                           f"got by {', '.join(self.names)}")
        places = [self.names.index(name) for name in self.keys]
        stored = self.store.read(self.name, [tuple(key[i] for i in places) for key in wanted])
        self.columns, self.problems = stored.columns, stored.problems
        self.found = verdicts.entities_in(self.columns, self.names)
        self.known = set(zip(*self.columns.select(self.names).data))

    def ease(self, by_entity: Mapping[str, Mapping[str, Record]]) -> dict[Key, list[Eased]]:
        """Stores what all verdicts of these entities ask for. Returns what their models are eased by now.

        Raises ModelError, NotWritable, SplunkdError; what was stored before is then unchanged.
        """
        for attempt in range(1, TRIES + 1):
            try:
                return self._ease(by_entity)
            except Changed:
                if attempt == TRIES:
                    raise
                self.read(set(self.found))
        return {}

    def _ease(self, by_entity: Mapping[str, Mapping[str, Record]]) -> dict[Key, list[Eased]]:
        lock = self.columns.get("lock") if self.found else []
        out: dict[Key, list[Eased]] = {}
        edited: dict[int, str] = {}
        for key, models in self.found.items():
            records = by_entity.get(verdicts.entity_of(self.names, key), {})
            asked = verdicts.recalibrated(models, records.values())
            out[key] = [model.eased if lock[model.row] == "1" else eased for model, eased in zip(models, asked)]
            self.locked |= {(key, model.metric) for model, eased in zip(models, asked)
                            if lock[model.row] == "1" and eased != model.eased}
            edited.update(self._edited(models, out[key]))
        if edited:
            self._write(edited)
        return out

    def _edited(self, models: Sequence[Model], eased: Sequence[Eased]) -> dict[int, str]:
        """New state cells by row, of the models that change."""
        state = self.columns.get("state")
        texts = {model.row: verdicts.with_eased(state[model.row], numbers) for model, numbers in zip(models, eased)}
        return {row: text for row, text in texts.items() if text != state[row]}

    def _write(self, edited: Mapping[int, str]) -> None:
        rows = sorted(edited)
        part = Columns(self.columns.names, [[values[row] for row in rows] for values in self.columns.data])
        part.add("state", [edited[row] for row in rows])
        names = [*self.keys, "metric"]
        before = dict(zip(zip(*part.select(names).data), part.get("row_hash")))
        self.written = self.store.write(self.name, self.keys, part, "update", lambda: self._check(before))

    def _check(self, before: Mapping[Key, str]) -> None:
        """Raises Changed when rows are not what they were when they were read. Called when nobody else writes."""
        stored = self.store.read(self.name, {key[:-1] for key in before}, only=("metric", "row_hash")).columns
        now = dict(zip(zip(*stored.select([*self.keys, "metric"]).data), stored.get("row_hash")))
        if any(now.get(key) != found for key, found in before.items()):
            raise Changed(f'adaptfeedback: "{self.name}" was changed by another search meanwhile. Run the search again')

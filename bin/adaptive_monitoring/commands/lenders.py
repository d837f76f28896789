"""adaptdetect model= peer=<field>: entities without a model of their own start with that of their group.

Each group's rows are read and decoded once, when its first new entity comes; a new entity then costs a copy of numbers.

Limits: the group is the one in an entity's first row. A row of a group that cannot be trusted lends nothing.
"""
from __future__ import annotations

from contextlib import suppress

import numpy as np

from adaptive_monitoring.bounds.peers import PREFIX, peer_key
from adaptive_monitoring.commands import fields
from adaptive_monitoring.commands.modelling import check_peer
from adaptive_monitoring.commands.peering import adaptive, listed
from adaptive_monitoring.commands.stored import COLD_S, plausible
from adaptive_monitoring.engine import peers
from adaptive_monitoring.engine.base import State
from adaptive_monitoring.engine.numbers import Floats, Ints
from adaptive_monitoring.engine.rowformat import decode
from adaptive_monitoring.errors import BadValue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from adaptive_monitoring.columns import Columns
    from adaptive_monitoring.commands.options import Arguments
    from adaptive_monitoring.commands.rows import Batch
    from adaptive_monitoring.commands.stored import Collection, Facts
    from adaptive_monitoring.engine.base import Detector
    from adaptive_monitoring.protocol.body import Body
    from adaptive_monitoring.protocol.session import Messages


class Lenders:
    """The groups of one collection during one search. Raises BadValue for a collection that has none.

    groups: entity → group, of those that got its model.
    """

    def __init__(self, arguments: Arguments, collection: Collection, messages: Messages) -> None:
        self.arguments, self.collection, self.messages = arguments, collection, messages
        self.field: str = arguments.peer
        if not collection.index.holds(PREFIX.encode()):
            raise BadValue(f'adaptdetect: collection "{collection.name}" has no models of groups, so peer={self.field} '
                           f"has no effect. Train it with adaptfit … peer={self.field}, or leave peer= out")
        self.place: dict[str, int] = {}
        self.state: State | None = None
        self.span: Floats = np.zeros(0)
        self.groups: dict[int, str] = {}
        self.unknown: dict[str, int] = {}

    def lend(self, detector: Detector, fresh: State, facts: Facts, have: int, body: Body, batch: Batch) -> int:
        """Puts models of groups into fresh, the state of the entities from `have` on, where they have none.

        facts: of these entities, as Collection.fill() found them. Returns how many got one.
        """
        check_peer(self.arguments, "adaptdetect", detector.name)
        new = self._without(facts)
        if not new:
            return 0
        named = self._named(body, batch, have, new)
        self._load(detector, list(dict.fromkeys(named)))
        found = [(e, group) for e, group in zip(new, named) if group in self.place]
        for group in named:
            if group not in self.place:
                self.unknown[group] = self.unknown.get(group, 0) + 1
        if found and self.state is not None:
            who = np.array([e for e, _ in found], dtype=np.int64)
            place = np.array([self.place[group] for _, group in found], dtype=np.int64)
            for name, values in self.state.table.items():
                fresh.table[name][who] = values[place]
            facts.status[who], facts.span[who] = fields.PEER, self.span[place]
            facts.trained_to[who], facts.began[who] = np.inf, np.nan
            self.groups.update((have + e, group) for e, group in found)
        return len(found)

    def remarks(self) -> None:
        """What became of entities without a model of their own."""
        if self.groups:
            self.messages.info(f"adaptdetect: {len(self.groups)} entities have no model of their own yet and start "
                               "with that of their group (model_status=peer for two days)")
        if self.unknown:
            named = listed(sorted(group or "(none)" for group in self.unknown))
            self.messages.warn(f"adaptdetect: {sum(self.unknown.values())} entities start cold: "
                               f'"{self.collection.name}" has no model of their {self.field}: {named}')

    def _without(self, facts: Facts) -> list[int]:
        """Entities without a model, but not those whose metrics stood still for days."""
        known = self.collection.known
        watched = facts.trained_to - facts.began >= COLD_S
        return [e for e in range(len(facts.status)) if e not in known and not watched[e]]

    def _named(self, body: Body, batch: Batch, have: int, new: Sequence[int]) -> list[str]:
        """The group in the first row of these entities; the chunk holds it."""
        texts = body.columns([self.field]).data[0]
        entity, first = np.unique(batch.entity, return_index=True)
        rows = first[np.searchsorted(entity, have + np.array(new, dtype=np.int64))]
        return [texts[row] for row in rows.tolist()]

    def _load(self, detector: Detector, groups: Sequence[str]) -> None:
        """Decodes the models of groups that are not known yet."""
        names = [group for group in groups if group and group not in self.place and group not in self.unknown]
        if not names:
            return
        width, collection = len(self.collection.index.keys), self.collection
        keys = {peer_key(group, width): group for group in names}
        for columns in collection.read(frozenset(keys)):
            held: dict[str, list[int]] = {}
            for i, key in enumerate(zip(*[columns.get(name) for name in collection.index.keys])):
                held.setdefault(keys[key], []).append(i)
            for group, rows in held.items():
                self._take(detector, columns, group, rows)

    def _take(self, detector: Detector, columns: Columns, group: str, rows: Sequence[int]) -> None:
        """Thaws one group's rows; they are refused when no training wrote them."""
        metrics = {name: i for i, name in enumerate(self.collection.reader.metrics)}
        rows = [i for i in rows if columns.get("metric")[i] in metrics and columns.get("peer")[i] == group]
        if not rows:
            return
        cells = {name: [values[i] for i in rows] for name, values in zip(columns.names, columns.data)}
        metric: Ints = np.array([metrics[name] for name in cells["metric"]], dtype=np.int64)
        entity = np.zeros(len(rows), dtype=np.int64)
        state = None
        with suppress(ValueError, IndexError, OverflowError, KeyError):
            frozen = decode(cells, entity, metric, 1, len(metrics), detector.name, peers.LAYOUT)
            state = peers.lent(adaptive(detector), frozen) if plausible(frozen) else None
        if state is None:
            self.collection.refuse(PREFIX + group, "its numbers are none that adaptfit writes")
            return
        self.place[group] = len(self.place)
        self.span = np.append(self.span, state.table["span"])
        self.state = state if self.state is None else self.state.joined(state)

"""adaptfit peer=<field>: groups of entities, a model for each, and young entities that start from theirs.

After all entities are trained, each group gets the model of its trained members (engine/peers.py). Entities with a
short history of their own are then trained again, from their group's model on instead of from nothing.

Limits: the group of an entity is the one in its latest row. Groups with fewer than three trained members lend nothing.
"""
from __future__ import annotations

import numpy as np

from adaptive_monitoring.bounds.peers import peer_key
from adaptive_monitoring.commands.rows import Batch
from adaptive_monitoring.engine import peers, rowformat
from adaptive_monitoring.engine.base import Panel, State
from adaptive_monitoring.engine.groups import row_median
from adaptive_monitoring.engine.numbers import Floats, Ints

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Optional

    from adaptive_monitoring.commands.starting import Start
    from adaptive_monitoring.engine.base import Detector
    from adaptive_monitoring.engine.detectors.adaptive import Adaptive
    from adaptive_monitoring.protocol.body import Body
    from adaptive_monitoring.protocol.session import Messages

    Texts = dict[str, list[str]]
    Blocks = Sequence[tuple[int, int]]
    Take = Callable[[int, int], Panel]
    Rows = Callable[[Panel, int, State, Texts, Optional[Start]], Texts]

YOUNG_DAYS = 7.0
MOST_MEMBERS = 1000  # of a larger group so many are looked at, evenly chosen
SHOWN = 3
FACTS = ("model_status", "trained_from", "trained_to", "n_points", "state")


class Peering:
    """The groups of one training. field: that names the group. by: the fields that name an entity."""

    def __init__(self, field: str, by: Sequence[str], messages: Messages) -> None:
        self.field, self.by, self.messages = field, list(by), messages
        self.codes: dict[str, int] = {"": 0}
        self.names = [""]
        self.latest: Floats = np.zeros(0)
        self.code: Ints = np.zeros(0, dtype=np.int64)
        self.several: np.ndarray = np.zeros(0, dtype=bool)
        self.started = 0
        self.continued: set[int] = set()
        self.lent: set[int] = set()

    def note(self, body: Body, batch: Batch) -> None:
        """Remembers the group in each entity's latest row; rows without one say nothing."""
        texts = body.columns([self.field]).data[0]
        for text in dict.fromkeys(texts):
            if text not in self.codes:
                self.codes[text] = len(self.names)
                self.names.append(text)
        code = np.fromiter(map(self.codes.__getitem__, texts), np.int64, len(texts))
        rows = np.flatnonzero((batch.entity >= 0) & np.isfinite(batch.t) & (code > 0))
        if len(rows):
            self._grow(int(batch.entity[rows].max()) + 1)
            self._take(batch.entity[rows], batch.t[rows], code[rows])

    def learned_on(self, a: int, start: Start | None) -> None:
        """Remembers which entities from a on learn on from a stored model: they do not start again."""
        if start is not None:
            self.continued.update((a + np.flatnonzero(start.known)).tolist())
            self.lent.update(a + i for (i, _), cells in start.stored.items() if cells["model_status"] == "peer")

    def _grow(self, entities: int) -> None:
        more = entities - len(self.code)
        if more > 0:
            self.latest = np.concatenate([self.latest, np.full(more, -np.inf)])
            self.code = np.concatenate([self.code, np.zeros(more, dtype=np.int64)])
            self.several = np.concatenate([self.several, np.zeros(more, dtype=bool)])

    def _take(self, e: Ints, t: Floats, code: Ints) -> None:
        """Of rows at one time the group with the last name counts, so that the order of rows decides nothing."""
        rank = np.empty(len(self.names), dtype=np.int64)
        rank[sorted(range(len(self.names)), key=self.names.__getitem__)] = np.arange(len(self.names))
        order = np.lexsort((rank[code], t, e))
        last = order[np.append(np.flatnonzero(np.diff(e[order])), len(order) - 1)]
        who, when, group, old = e[last], t[last], code[last], self.code[e[last]]
        newer = (when > self.latest[who]) | ((when == self.latest[who]) & (rank[group] > rank[old]))
        self.several[who[(old > 0) & (old != group)]] = True
        self.code[who[newer]], self.latest[who[newer]] = group[newer], when[newer]
        self.several[e[self.code[e] != code]] = True

    def finish(
        self, parts: Texts, keys: Sequence[tuple[str, ...]], d: int, detector: Detector, blocks: Blocks,
        take: Take, rows: Rows,
    ) -> None:
        """Puts groups into the model rows, adds those of the groups, and trains young entities from their group on.

        parts: columns of all model rows, entity by entity, d each. blocks: entities trained together; take, rows: the
        panel of a block, and model rows of a panel. Changes parts.
        """
        n = len(parts.get("metric", [])) // max(d, 1)
        self._grow(n)
        parts["peer"] = [self.names[code] for code in self.code[:n].tolist() for _ in range(d)]
        if not n:
            return
        young, trained = self._young(parts, n, d)
        groups, frozen = self._pooled(parts, keys, d, detector, trained & ~young[:, None])
        if frozen is not None:
            place = np.full(len(self.names), -1, dtype=np.int64)
            place[groups] = np.arange(len(groups))
            start = np.where(young, place[self.code[:n]], -1)
            start[[i for i in self.continued if i < n]] = -1
            self._again(parts, d, detector, frozen, start, [block for block in blocks if block[1] <= n], take, rows)
            self._add(parts, groups, frozen, d, trained & ~young[:, None])
        for i in self.lent:
            _as_peer(parts, slice(i * d, (i + 1) * d))
        self._tell(keys, n, groups)

    def _young(self, parts: Texts, n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
        """Entities with less than a week, and less than half of what their group's members have. (n,), (n, d) bool

        Second: which metrics of which entity are trained.
        """
        trained = np.array([word == "trained" for word in parts["model_status"]]).reshape(n, d)
        until, since = (_floats(parts[name][::d]) for name in ("trained_to", "trained_from"))
        days, code = (until - since) / 86400.0, self.code[:n]
        usual = np.full(len(self.names), np.nan)
        for group in np.unique(code[trained.any(axis=1)]).tolist():
            usual[group] = row_median(days[(code == group) & trained.any(axis=1)][None])[0]
        with np.errstate(invalid="ignore"):
            young: np.ndarray = (code > 0) & (days < np.fmin(usual[code] / 2, YOUNG_DAYS))
        return young, trained

    def _pooled(
        self, parts: Texts, keys: Sequence[tuple[str, ...]], d: int, detector: Detector, use: np.ndarray
    ) -> tuple[list[int], State | None]:
        """Numbers of the groups that have a model, and their models side by side."""
        groups, found = [], []
        for group in sorted(range(1, len(self.names)), key=self.names.__getitem__):
            members = np.flatnonzero((self.code[: len(use)] == group) & use.any(axis=1)).tolist()
            if len(members) < peers.FEWEST:
                continue
            members = _some(sorted(members, key=keys.__getitem__))
            one = peers.pooled(_decoded(parts, members, d, detector), use[members])
            if (one.table["scale"] > 0).any():
                groups.append(group)
                found.append(one)
        if not found:
            return [], None
        table = {name: np.concatenate([one.table[name] for one in found]) for name in peers.LAYOUT}
        return groups, State(found[0].detector, table)

    def _again(
        self, parts: Texts, d: int, detector: Detector, frozen: State, start: Ints, blocks: Blocks, take: Take,
        rows: Rows,
    ) -> None:
        """Trains again who starts from a group. start: (n,) place of the group in frozen, −1 = not again."""
        for a, b in blocks:
            mine = start[a:b]
            again = mine >= 0
            if not again.any():
                continue
            panel = _only(take(a, b), again)
            state = detector.fit(panel, peers.lent(adaptive(detector), frozen).take(np.maximum(mine, 0)))
            out = detector.freeze(state)
            out.table["scale"][state.table["lent"] > 0] = 0.0  # not even one block was learned
            texts = rows(panel, a, out, rowformat.encode(out, detector.layout), None)
            for i in (a + np.flatnonzero(again)).tolist():
                self._replace(parts, texts, slice(i * d, (i + 1) * d), slice((i - a) * d, (i - a + 1) * d))
            self.started += int(again.sum())

    def _replace(self, parts: Texts, texts: Texts, there: slice, here: slice) -> None:
        """One entity's new rows; until it has two days of its own its status is peer."""
        for name, values in texts.items():
            parts[name][there] = values[here]
        _as_peer(parts, there)

    def _add(self, parts: Texts, groups: Sequence[int], frozen: State, d: int, use: np.ndarray) -> None:
        """The rows of the groups."""
        texts = rowformat.encode(frozen, peers.LAYOUT)
        n = len(use)
        code, points = self.code[:n], _floats(parts["n_points"]).reshape(n, d)
        since, until = (_floats(parts[name]).reshape(n, d) for name in ("trained_from", "trained_to"))
        metrics = parts["metric"][:d]
        for g, group in enumerate(groups):
            key = dict(zip(self.by, peer_key(self.names[group], len(self.by))))
            for m in np.flatnonzero(frozen.table["scale"][g] > 0).tolist():
                mine = (code == group) & use[:, m]
                row = {name: values[g * d + m] for name, values in texts.items()}
                row.update(key, metric=metrics[m], peer=self.names[group], model_status="peer",
                           reason=f"the model of a group of {mine.sum()} members",
                           n_points="%d" % row_median(points[mine, m][None])[0],
                           trained_from="%.15g" % since[mine, m].min(), trained_to="%.15g" % until[mine, m].max())
                for name, values in parts.items():
                    values.append(row.get(name, ""))

    def _tell(self, keys: Sequence[tuple[str, ...]], n: int, groups: Sequence[int]) -> None:
        """What became of the groups."""
        say, field = self.messages, self.field
        missing = [self.names[i] for i in np.unique(self.code[:n]).tolist() if i and i not in groups]
        say.info(f"adaptfit: {len(groups)} groups by {field} have a model that new entities start with; "
                 f"{self.started} young entities were trained from theirs on")
        if missing:
            say.warn(f"adaptfit: {len(missing)} groups by {field} have fewer than {peers.FEWEST} trained members and "
                     f"no model: {listed(sorted(missing))}. Their new entities start cold")
        for what, who in (("have no", self.code[:n] == 0), ("have several", self.several[:n])):
            named = sorted("/".join(keys[i]) for i in np.flatnonzero(who).tolist())
            if named:
                end = "; the one of the latest row counts" if what == "have several" else "; they lend and get no model"
                say.warn(f"adaptfit: {len(named)} entities {what} {field}: {listed(named)}{end}")


def _as_peer(parts: Texts, rows: slice) -> None:
    """The status of rows that began with a group's model and have less than two days of their own."""
    more = "; until then its group's model counts"
    cold = [word == "cold" for word in parts["model_status"][rows]]
    parts["model_status"][rows] = ["peer" if c else word for c, word in zip(cold, parts["model_status"][rows])]
    parts["reason"][rows] = [why + more if c else why for c, why in zip(cold, parts["reason"][rows])]


def adaptive(detector: Detector) -> Adaptive:
    """The same; check() has seen that it is one."""
    from adaptive_monitoring.engine.detectors.adaptive import Adaptive

    assert isinstance(detector, Adaptive)
    return detector


def _only(panel: Panel, entities: np.ndarray) -> Panel:
    """The same entities, but only these have rows. entities: (g,) bool."""
    keep = entities[panel.g]
    lengths = np.where(entities, np.diff(panel.indptr), 0)
    return Panel(panel.t[keep], panel.x[keep], np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))


def _decoded(parts: Texts, members: Sequence[int], d: int, detector: Detector) -> State:
    """The frozen models of these entities; metrics without numbers keep a scale of 0."""
    rows = [(i * d + m, e, m) for e, i in enumerate(members) for m in range(d) if parts["state"][i * d + m]]
    names = [*rowformat.COLUMNS, "season", "slots", "state"]
    cells = {name: [parts[name][row] for row, _, _ in rows] for name in names}
    entity, metric = (np.array([row[k] for row in rows], dtype=np.int64) for k in (1, 2))
    return rowformat.decode(cells, entity, metric, len(members), d, detector.name, detector.layout)


def _some(members: list[int]) -> list[int]:
    """At most MOST_MEMBERS of them, evenly chosen."""
    if len(members) <= MOST_MEMBERS:
        return members
    return [members[i] for i in np.linspace(0, len(members) - 1, MOST_MEMBERS).astype(np.int64).tolist()]


def _floats(texts: Sequence[str]) -> Floats:
    return np.array([float(text) if text else np.nan for text in texts])


def listed(names: Sequence[str]) -> str:
    """The first of these names."""
    return ", ".join(names[:SHOWN]) + (" …" if len(names) > SHOWN else "")

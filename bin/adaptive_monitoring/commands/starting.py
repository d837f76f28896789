"""Where a training starts: from nothing, or from the stored model of the entity, which then learns what is new.

mode=update learns on when the rows are a continuation: the first of them lies clearly inside or behind what the stored
model has seen, and the options are the same. Rows that the model has learned already are looked back at, no more, so
that a nightly update costs one day. Rows that reach back to the model's beginning replace it: it is learned anew.

Limits: a block of six hours that is cut by the end of a search is learned by the next update only if that brings its
rows again: let updates reach back eight hours more than a day.
"""
from __future__ import annotations

import numpy as np

from adaptive_monitoring.commands.stored import Collection
from adaptive_monitoring.engine.base import Panel, State
from adaptive_monitoring.engine.numbers import Floats, Ints
from adaptive_monitoring.engine.timegrid import BLOCK_S
from adaptive_monitoring.errors import CollectionNotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adaptive_monitoring.commands.rows import Reader
    from adaptive_monitoring.engine.base import Detector
    from adaptive_monitoring.protocol.session import Messages, SearchInfo

LOOK_BACK_S = BLOCK_S + 3 * 3600.0  # an unfinished block, and what its first rows look back at
BEGINS = 0.2  # rows that begin after so much of the stored history continue it; those that begin before replace it
LOST_S = 2 * 86400.0  # a larger hole between the model and the rows is told


class Start:
    """Entities of one group of a training. state: to learn on from; known: (n,) those that have a stored model.

    since, points, rows: what their models have seen before these rows; seen_to: (n,) their end. −inf, 0 elsewhere.
    """

    def __init__(self, state: State, d: int) -> None:
        n = state.entities
        self.state = state
        self.known = np.zeros(n, dtype=bool)
        self.since, self.seen_to = np.full(n, np.nan), np.full(n, -np.inf)
        self.points, self.rows = np.zeros((n, d)), np.zeros(n)
        self.stored: dict[tuple[int, int], Mapping[str, str]] = {}  # (entity, metric) → cells


class Some:
    """The part of a reader that a collection looks at, for some of its entities."""

    def __init__(self, reader: Reader, a: int, b: int) -> None:
        self.by, self.metrics, self.wanted = reader.by, reader.metrics, reader.wanted
        self.keys = reader.keys[a:b]


class Starts:
    """The stored models of one collection as starts of a training.

    path: the file to read, None = the collection as it is. config_hash: options of this training; models of others are
    not learned on. learned_on: entities so far. Raises as Collection.
    """

    def __init__(self, info: SearchInfo, messages: Messages, name: str, reader: Reader, config_hash: str,
                 path: str | None = None) -> None:
        self.messages, self.reader, self.name, self.config_hash = messages, reader, name, config_hash
        self.learned_on = 0
        self.holes: list[str] = []
        self.collection: _Continued | None = None
        try:
            self.collection = _Continued(info, messages, name, reader, "adaptfit", path)
            self.collection.config_hash = config_hash
        except CollectionNotFound:
            return

    def of(self, detector: Detector, a: int, panel: Panel) -> tuple[Panel, Start | None]:
        """The rows that entities a … need, and where they start; None when all of them start from nothing."""
        if self.collection is None or not detector.resumes:
            return panel, None
        n, d = len(panel.indptr) - 1, panel.x.shape[1]
        some = Some(self.reader, a, a + n)
        first = np.full(n, np.inf)
        has = np.diff(panel.indptr) > 0
        first[has] = panel.t[panel.indptr[:-1][has]]
        self.collection.open(some, first)
        start = Start(detector.empty(n, d), d)
        self.collection.fill(detector, start.state, 0)
        self.collection.tell(start)
        _forget(start, _barren(panel, start), detector.empty(n, d))
        self.learned_on += int(start.known.sum())
        if not start.known.any():
            return panel, None
        late = start.known & has & (first - start.seen_to > LOST_S)
        self.holes += ["/".join(some.keys[i]) for i in np.flatnonzero(late)]
        return _fresh(panel, start), start

    def remarks(self) -> list[str]:
        """What the person who trains should know."""
        out = []
        if self.learned_on:
            out.append(f"{self.learned_on} entities were learned on from their stored models; rows that these had seen "
                       "were not learned twice")
        if self.holes:
            out.append(f"{len(self.holes)} entities have no rows for more than two days behind their stored models: "
                       f"{', '.join(sorted(self.holes)[:3])} … Give the missing days, or learn anew with mode=replace")
        return out


class _Continued(Collection):
    """A collection, of which only models are taken that these rows continue."""

    config_hash = ""

    def open(self, some: Some, first: Floats) -> None:
        """Makes fill() take the models of these entities. first: (n,) time of their first row, inf = none."""
        self.reader = some  # type: ignore[assignment]
        self.first = dict(zip(some.keys, first.tolist()))
        self.seen: dict[tuple[str, ...], list[Mapping[str, str]]] = {}
        self.load(some.keys, False)

    def _fits(self, row: int, detector: str) -> bool:
        cells = {name: values[row] for name, values in zip(self.columns.names, self.columns.data)}
        key = self._key(row)
        if cells["config_hash"] != self.config_hash or cells["detector"] != detector:
            return False
        since, until = float(cells["trained_from"] or 0), float(cells["trained_to"] or 0)
        if self.first.get(key, np.inf) <= since + BEGINS * (until - since):
            return False
        self.seen.setdefault(key, []).append(cells)
        return True

    def _key(self, row: int) -> tuple[str, ...]:
        values = [self.columns.get(name)[row] for name in self.index.keys]
        back = [self.order.index(i) for i in range(len(self.order))]
        return tuple(values[i] for i in back)

    def tell(self, start: Start) -> None:
        """What the models that were taken have seen."""
        metric = {name: i for i, name in enumerate(self.reader.metrics)}
        for i, key in enumerate(self.reader.keys):
            for cells in self.seen.get(key, ()):
                if not cells["state"]:
                    continue
                start.known[i] = True
                start.stored[i, metric[cells["metric"]]] = cells
                start.since[i] = float(cells["trained_from"] or "nan")
                start.seen_to[i] = float(cells["trained_to"] or "-inf")
                points = float(cells["n_points"] or 0)
                start.points[i, metric[cells["metric"]]] = points
                start.rows[i] = max(start.rows[i], points)


def _fresh(panel: Panel, start: Start) -> Panel:
    """Without the rows that are too old to matter for entities that learn on."""
    keep = panel.t >= (start.seen_to - LOOK_BACK_S)[panel.g]
    counts: Ints = np.bincount(panel.g[keep], minlength=len(panel.indptr) - 1)
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Panel(panel.t[keep], panel.x[keep], indptr)


def _barren(panel: Panel, start: Start) -> np.ndarray:
    """Entities whose new rows hold no number: nothing can be learned from them. (n,) bool"""
    new = panel.t > start.seen_to[panel.g]
    n = len(start.known)
    rows = np.bincount(panel.g[new], minlength=n)
    filled = np.bincount(panel.g[new & np.isfinite(panel.x).any(axis=1)], minlength=n)
    out: np.ndarray = start.known & (rows > 0) & (filled == 0)
    return out


def _forget(start: Start, who: np.ndarray, blank: State) -> None:
    """Lets these entities start from nothing."""
    start.known[who] = False
    start.seen_to[who] = -np.inf
    for name, values in start.state.table.items():
        values[who] = blank.table[name][who]


def keep_idle(out: dict[str, list[str]], panel: Panel, start: Start, names: Sequence[str]) -> None:
    """Entities without newer rows keep their stored cells: rounding them again would move them. Changes out."""
    d = panel.x.shape[1]
    new = np.bincount(panel.g[panel.t > start.seen_to[panel.g]], minlength=len(start.known))
    for (i, m), cells in start.stored.items():
        if start.known[i] and not new[i]:
            for name in names:
                out[name][i * d + m] = cells[name]


def continued(facts: dict[str, Floats], panel: Panel, start: Start) -> dict[str, Floats]:
    """Facts about rows, with those about what the stored models had seen before."""
    known, new = start.known, panel.t > start.seen_to[panel.g]
    lengths = np.bincount(panel.g[new], minlength=len(known)).astype(np.float64)
    points = start.points.copy()
    np.add.at(points, panel.g[new], (~np.isnan(panel.x[new])).astype(np.float64))
    since, until = np.fmin(start.since, facts["from"]), np.fmax(start.seen_to, facts["to"])
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = np.clip(1 - (start.rows + lengths) / ((until - since) / facts["span"] + 1), 0.0, 1.0)
    out = {**facts, "points": np.where(known[:, None], points, facts["points"])}
    for name, values in (("from", since), ("to", until), ("gap_ratio", gap)):
        out[name] = np.where(known & np.isfinite(values), values, facts[name])
    return out

"""The detector contract: what goes in, what comes out, what every detector promises.

A detector works on a panel: many entities at once, as flat arrays cut by offsets (the layout of
statsforecast's GroupedArray). Its fitted state is a table of numbers, one row per entity and metric.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Protocol

import numpy as np

from adaptive_monitoring.engine.numbers import Floats, Ints

TYPE_CHECKING = False
if TYPE_CHECKING:
    from adaptive_monitoring.engine.history import History

CAUSES = ("level", "jump", "shift", "spread", "flat")  # which view of a metric said most; flat: spread on its low side
SEASONS = ("none", "day", "week")


@dataclass(frozen=True)
class Settings:
    """What shapes a model. Times in seconds; budget in false alert episodes per entity and week.

    open_k of open_n rows at the alert level open an episode; close_k of close_n quiet rows close it.
    floor_abs (unit of the metric) and floor_rel (share of the expected value): smallest gap worth an alert.
    """

    season: str = "auto"
    kind: str = "auto"
    budget: float = 0.5
    open_k: int = 2
    open_n: int = 3
    close_k: int = 4
    close_n: int = 5
    floor_abs: float = 0.0
    floor_rel: float = 0.0
    direction: str = "both"
    tz: str = ""
    seed: int = 0


@dataclass(frozen=True)
class Panel:
    """Rows of many entities, entity by entity.

    t: (n,) seconds UTC, not decreasing inside an entity. x: (n, d) values, NaN = missing.
    indptr: (g + 1,) offsets; the rows of entity i are indptr[i]:indptr[i + 1].
    """

    t: Floats
    x: Floats
    indptr: Ints

    @cached_property
    def g(self) -> Ints:
        """(n,) the entity of each row."""
        return np.arange(len(self.indptr) - 1).repeat(np.diff(self.indptr))

    def entity(self, i: int) -> Panel:
        """The panel of one entity alone."""
        a, b = int(self.indptr[i]), int(self.indptr[i + 1])
        return Panel(self.t[a:b], self.x[a:b], np.array([0, b - a], dtype=np.int64))


@dataclass(frozen=True)
class Scores:
    """One answer per row; NaN = cannot say (never written as 0).

    score: (n,) 0 is usual, 1.0 the alert level, never infinite. cause: (n,) index into CAUSES, of rows with evidence.
    metric_score, expected, lower, upper, share: (n, d). metric_score >= 1 exactly where x lies outside [lower, upper];
    lower <= expected <= upper; share: each metric's part of the evidence, sums to 1 where there is any.
    """

    score: Floats
    metric_score: Floats
    expected: Floats
    lower: Floats
    upper: Floats
    share: Floats
    cause: Ints

    def take(self, rows: Ints) -> Scores:
        """These rows, in this order."""
        return Scores(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


@dataclass
class State:
    """Fitted state of one detector: arrays of numbers with a leading entity axis.

    table: name -> (g,), (g, d) or (g, d, k) array. Which is which is the detector's `layout`.
    """

    detector: str
    table: dict[str, np.ndarray] = field(default_factory=dict)
    tail: History | None = None  # last rows of each entity; never stored
    origin: State | None = (
        None  # the frozen state it was thawed from; what has not learned since freezes to the same again
    )

    @property
    def entities(self) -> int:
        return len(next(iter(self.table.values()))) if self.table else 0

    def copy(self) -> State:
        """An independent one."""
        return State(
            self.detector,
            {name: values.copy() for name, values in self.table.items()},
            self.tail.copy() if self.tail is not None else None,
            self.origin,
        )

    def joined(self, other: State) -> State:
        """This state with the other's entities behind its own. Both are given away: their tables are empty then."""
        table = {name: np.concatenate([self.table.pop(name), other.table.pop(name)]) for name in list(self.table)}
        tail = self.tail.beside(other.tail) if self.tail is not None and other.tail is not None else None
        return State(self.detector, table, tail)

    def take(self, entities: Ints) -> State:
        """The state of these entities, in this order (a copy)."""
        tail = self.tail.take(entities) if self.tail is not None else None
        return State(self.detector, {name: values[entities] for name, values in self.table.items()}, tail)


class Detector(Protocol):
    """What a detector must offer; tests/engine/checks.py holds the promises."""

    name: str
    layout: dict[str, tuple[str, int]]  # stored columns: name -> ("entity" | "metric", numbers per cell)
    resumes: bool  # a thawed state learns on as if it had never been stored

    def __init__(self, settings: Settings) -> None: ...

    def empty(self, entities: int, d: int) -> State:
        """State before any row was seen."""

    def fit(self, panel: Panel, start: State | None = None) -> State:
        """Learn from history; no entity fails the others. start: learn on from here (it is given away), None = anew."""

    def score(self, state: State, panel: Panel) -> Scores:
        """Score every row. Changes nothing; a row's score depends on its own entity and on no later row."""

    def learn(self, state: State, panel: Panel) -> State:
        """Adapt; rows not newer than the entity's clock are ignored."""

    def stream(self, state: State, panel: Panel, own: bool = False) -> tuple[Scores, State]:
        """Score and learn in one causal pass: the same as score, then learn. own: the state may be changed in place."""

    def freeze(self, state: State) -> State:
        """What the stored row keeps of the state: the same after a round trip through text, bit by bit."""

    def thaw(self, state: State) -> State:
        """A working state from a frozen one."""

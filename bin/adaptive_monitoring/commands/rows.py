"""From the rows of a search to the panel of the engine: wide rows (a field per metric) and long ones
(metric_name, _value), any number of by-fields, any order.

Limits: a row needs a time and all its by-fields; others are passed on unscored and counted. In long rows the metrics
of one entity and time form one observation; when the same metric comes twice, the last value counts.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adaptive_monitoring.commands.modelling import NAME, TIME, VALUE
from adaptive_monitoring.commands.options import expand
from adaptive_monitoring.engine.base import Panel
from adaptive_monitoring.engine.groups import panel_of
from adaptive_monitoring.engine.numbers import Floats, Ints, to_floats
from adaptive_monitoring.errors import MissingField, NoTime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from adaptive_monitoring.commands.options import Arguments
    from adaptive_monitoring.protocol.body import Body



@dataclass(frozen=True)
class Batch:
    """Rows of one chunk as numbers. t (n,), entity (n,) −1 = none, x (n, d) values of the metrics known so far.

    metric: (n,) of long rows, −1 = a metric that was not asked for; None for wide rows.
    """

    t: Floats
    entity: Ints
    x: Floats
    metric: Ints | None

    def rows(self, start: int, end: int) -> Batch:
        """Rows start … end - 1."""
        metric = None if self.metric is None else self.metric[start:end]
        return Batch(self.t[start:end], self.entity[start:end], self.x[start:end], metric)

    def panel(self, entities: int, d: int) -> tuple[Panel, Ints, Ints]:
        """The panel, the batch row behind each panel row (the first one of long rows), and the panel row of each batch row, −1 = not scored."""
        usable = np.isfinite(self.t) & (self.entity >= 0)
        if self.metric is not None:
            usable &= self.metric >= 0
        rows = np.flatnonzero(usable)
        place = np.full(len(self.t), -1, dtype=np.int64)
        if self.metric is None:
            panel, order = panel_of(self.entity[rows], self.t[rows], widened(self.x[rows], d), entities)
            place[rows[order]] = np.arange(len(rows))
            return panel, rows[order], place
        return self._pivot(rows, place, entities, d)

    def _pivot(self, rows: Ints, place: Ints, entities: int, d: int) -> tuple[Panel, Ints, Ints]:
        assert self.metric is not None
        order = rows[np.lexsort((self.t[rows], self.entity[rows]))]
        t, entity = self.t[order], self.entity[order]
        begins = np.ones(len(order), dtype=bool)
        begins[1:] = (np.diff(t) > 0) | (np.diff(entity) > 0)
        group = np.cumsum(begins) - 1
        x = np.full((int(begins.sum()), d), np.nan)
        x[group, self.metric[order]] = self.x[order, 0]
        indptr = np.zeros(entities + 1, dtype=np.int64)
        np.cumsum(np.bincount(entity[begins], minlength=entities), out=indptr[1:])
        place[order] = group
        return Panel(t[begins], x, indptr), order[begins], place


def widened(x: Floats, d: int) -> Floats:
    """The same columns and missing ones behind them, d in all."""
    return x if x.shape[1] == d else np.hstack([x, np.full((len(x), d - x.shape[1]), np.nan)])


class Reader:
    """Reads the chunks of one search; remembers entities and metrics.

    command: for messages. keys: entity → by-values, in order of appearance. metrics: names as they are shown.
    """

    def __init__(self, command: str, arguments: Arguments) -> None:
        self.command, self.arguments = command, arguments
        self.by: list[str] = arguments.by
        self.index: dict[object, int] = {}
        self.metrics: list[str] = []
        self.columns: list[str] = []
        self.long: bool | None = None
        self.limit: int = arguments.max_series
        self.without_time = self.without_entity = self.beyond_limit = 0
        self.first_beyond: list[str] = []

    @property
    def keys(self) -> list[tuple[str, ...]]:
        """By-values of each entity."""
        if not self.by:
            return [("all",)] * max(len(self.index), 1)
        return [key if isinstance(key, tuple) else (str(key),) for key in self.index]

    @property
    def entities(self) -> int:
        return max(len(self.index), 1) if not self.by else len(self.index)

    def read(self, body: Body) -> Batch:
        """One chunk. Raises NoTime, MissingField."""
        if self.long is None:
            self._look(body.names)
        names = [NAME, VALUE] if self.long else self.columns
        cells = body.columns([TIME, *self.by, *names]).data
        t = to_floats(cells[0])
        entity = self._entities(cells[1:1 + len(self.by)], len(t))
        self.without_time += int(np.isnan(t).sum())
        values = cells[1 + len(self.by):]
        if self.long:
            return Batch(t, entity, to_floats(values[1])[:, None], self._metric_numbers(values[0]))
        x = np.empty((len(t), len(values)))
        for i, column in enumerate(values):
            x[:, i] = to_floats(column)
        return Batch(t, entity, x, None)

    def _look(self, names: Sequence[str]) -> None:
        """What the first rows say about their form."""
        if TIME not in names:
            raise NoTime(f"{self.command}: rows need a _time; they have {_some(names)}. "
                         "After stats, add _time to BY: | bin _time span=5m | stats avg(x) AS x BY _time host")
        lost = [name for name in self.by if name not in names]
        if lost:
            raise MissingField(f"{self.command}: no field {', '.join(lost)} to group by; the rows have {_some(names)}")
        typed = [field for field, _ in self.arguments.fields]
        present = [name for name in expand(typed, names, self.by) if name in names and name != VALUE]
        self.long = NAME in names and VALUE in names and NAME not in self.by and (not typed or VALUE in typed or not present)
        if not self.long:
            self._look_wide(names, typed)

    def _look_wide(self, names: Sequence[str], typed: Sequence[str]) -> None:
        alias = {field: name for field, name in self.arguments.fields if name}
        found = [name for name in expand(typed or ["*"], names, self.by) if name in names]
        missing = [field for field in typed if "*" not in field and field not in names]
        if not found or missing:
            what = f"no field {', '.join(missing)}" if missing else f"no field matches {', '.join(typed)}"
            raise MissingField(f"{self.command}: {what} in the rows; they have {_some(names)}")
        self.columns = found
        self.metrics = [alias.get(name, name) for name in found]

    def _entities(self, columns: list[list[str]], n: int) -> Ints:
        if not self.by:
            self.index.setdefault("all", 0)
            return np.zeros(n, dtype=np.int64)
        keys: Sequence[object] = columns[0] if len(columns) == 1 else list(zip(*columns))
        got = list(map(self.index.get, keys))
        if None in got:
            self._add(key for key, number in zip(keys, got) if number is None)
            got = [self.index.get(key, -1) for key in keys]
        entity = np.array(got, dtype=np.int64)
        lost = int((entity < 0).sum())
        self.without_entity += lost
        return entity

    def _add(self, keys: object) -> None:
        for key in keys:  # type: ignore[attr-defined]
            if key in self.index or not (all(key) if isinstance(key, tuple) else key):
                continue
            if len(self.index) >= self.limit:
                self.beyond_limit += 1
                if len(self.first_beyond) < 3:
                    self.first_beyond.append("/".join(key) if isinstance(key, tuple) else str(key))
                continue
            self.index[key] = len(self.index)

    def _metric_numbers(self, names: list[str]) -> Ints:
        wanted = [field for field, _ in self.arguments.fields if field != VALUE]
        alias = {field: name for field, name in self.arguments.fields if name}
        numbers: dict[str, int] = {}
        for name in dict.fromkeys(names):
            shown = alias.get(name, name)
            if not name or (wanted and not expand(wanted, [name]).count(name)):
                numbers[name] = -1
                continue
            if shown not in self.metrics:
                self.metrics.append(shown)
            numbers[name] = self.metrics.index(shown)
        return np.array([numbers[name] for name in names], dtype=np.int64)

    def remarks(self) -> list[str]:
        """What the user should know about rows that could not be used."""
        out = []
        if self.without_time:
            out.append(f"{self.command}: {self.without_time} rows without a usable _time were not used")
        if self.without_entity:
            out.append(f"{self.command}: {self.without_entity} rows without {', '.join(self.by)} were not used")
        if self.beyond_limit:
            out.append(f"{self.command}: more than max_series={self.limit} entities; left out: {', '.join(self.first_beyond)} … "
                       "Raise max_series, or split the search (ADM023)")
        return out


def _some(names: Sequence[str]) -> str:
    shown = [name for name in names if not name.startswith("__mv_")]
    return ", ".join(shown[:20]) or "none"

"""From the rows of a search to the panel of the engine: wide rows (a field per metric) and long ones
(metric_name, _value), any number of by-fields, any order.

Limits: a row needs a time and all its by-fields; others are passed on unscored and counted. In long rows the metrics
of one entity and time form one observation; when the same metric comes twice, the last value counts, in training the
largest (in_value_order).
"""
from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import numpy as np

from adaptive_monitoring.commands.cells import Cells, Known
from adaptive_monitoring.commands.modelling import NAME, TIME, VALUE, apart, is_long
from adaptive_monitoring.commands.options import expand
from adaptive_monitoring.commands.packed import LATEST
from adaptive_monitoring.engine.base import Panel
from adaptive_monitoring.engine.groups import panel_of
from adaptive_monitoring.engine.numbers import Floats, Ints, Times, to_floats
from adaptive_monitoring.errors import BadValue, MissingField, NoTime, TooManySeries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Callable

    from adaptive_monitoring.commands.options import Arguments
    from adaptive_monitoring.commands.windows import Windows
    from adaptive_monitoring.protocol.body import Body

STRANGE = -2  # in place of the number of a metric that is not in the collection
NEW_AT_ONCE = 1000  # first rows with new keys whose texts are looked at; most of the others have the same keys
MOST_UNUSED = 10_000  # keys without a number that are remembered


@dataclass(frozen=True)
class Batch:
    """Rows of one chunk as numbers. t (n,), entity (n,) −1 = none, x (n, d) values of the metrics known so far.

    metric: (n,) of long rows, −1 = a metric that was not asked for; None for wide rows.
    window: (n,) the window of suppress= or exclude= a row lies in, −1 = none; its values are NaN. None without windows.
    """

    t: Floats
    entity: Ints
    x: Floats
    metric: Ints | None
    window: Ints | None = None

    def rows(self, start: int, end: int) -> Batch:
        """Rows start … end - 1."""
        metric = None if self.metric is None else self.metric[start:end]
        window = None if self.window is None else self.window[start:end]
        return Batch(self.t[start:end], self.entity[start:end], self.x[start:end], metric, window)

    def panel(self, entities: int, d: int) -> tuple[Panel, Ints, Ints]:
        """The panel, the (first) batch row behind each panel row, and each batch row's panel row, −1 = not scored."""
        usable = np.isfinite(self.t) & (self.entity >= 0)
        if self.metric is not None:
            usable &= self.metric >= 0
        rows = np.flatnonzero(usable)
        place = np.full(len(self.t), -1, dtype=np.int64)
        if self.metric is None:
            x = widened(self.x.take(rows, axis=0), d)
            panel, order = panel_of(self.entity.take(rows), self.t.take(rows), x, entities)
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


def joined(batches: Sequence[Batch]) -> Batch:
    """The rows of several slices or chunks as one batch."""
    if len(batches) == 1:
        return batches[0]
    metric = None if batches[0].metric is None else np.concatenate([b.metric for b in batches if b.metric is not None])
    window = None
    if batches[0].window is not None:
        window = np.concatenate([b.window for b in batches if b.window is not None])
    return Batch(np.concatenate([b.t for b in batches]), np.concatenate([b.entity for b in batches]),
                 np.concatenate([b.x for b in batches]), metric, window)


def widened(x: Floats, d: int) -> Floats:
    """The same columns and missing ones behind them, d in all."""
    return x if x.shape[1] == d else np.hstack([x, np.full((len(x), d - x.shape[1]), np.nan)])


def in_value_order(batch: Batch) -> Batch:
    """The same rows, those of one entity and time by their values, missing ones first.

    So the order in which rows came in decides nothing; in long rows the largest value of a metric and time counts.
    """
    metric = np.zeros(len(batch.t), dtype=np.int64) if batch.metric is None else batch.metric
    order = np.lexsort((metric, batch.t, batch.entity))
    same = (np.diff(batch.entity[order]) == 0) & (np.diff(batch.t[order]) == 0) & (np.diff(metric[order]) == 0)
    twins = np.flatnonzero(np.r_[same, False] | np.r_[False, same])
    if not len(twins):
        return batch
    rows = order[twins]
    x = np.where(np.isnan(batch.x[rows]), -np.inf, batch.x[rows])
    order[twins] = rows[np.lexsort((*x.T[::-1], metric[rows], batch.t[rows], batch.entity[rows]))]
    return Batch(batch.t[order], batch.entity[order], batch.x[order], None if batch.metric is None else metric[order])


class Reader:
    """Reads the chunks of one search; remembers entities and metrics.

    command: for messages. keys: entity → by-values, in order of appearance. metrics: names as they are shown.
    forgiving: a field that was asked for and is not there counts as missing values, as long as another one is there.
    closed: the metrics of long rows are settled; rows of others are not used.
    """

    def __init__(self, command: str, arguments: Arguments, forgiving: bool = False) -> None:
        self.command, self.arguments, self.forgiving = command, arguments, forgiving
        self.by: list[str] = arguments.by
        self.no_metric = [*arguments.by, *apart(arguments)]
        self.index: dict[object, int] = {}
        self.times = Times()
        self.known, self.known_metrics = Known(), Known()
        self.keys: list[tuple[str, ...]] = [] if self.by else [("all",)]
        self.metrics: list[str] = []
        self.closed = False
        self.columns: list[str] = []
        self.missing: list[str] = []
        self.names_seen: list[str] = []
        self.long: bool | None = None
        self.limit: int = arguments.max_series
        self.without_time = self.without_entity = self.without_model = 0
        self.beyond: dict[object, None] = {}
        self.later: dict[str, None] = {}
        self.windows: Windows | None = None

    @property
    def entities(self) -> int:
        return len(self.keys)

    def read(self, body: Body) -> Batch:
        """One chunk; values inside a window are taken out. Raises NoTime, MissingField, BadValue."""
        return self.read_cut(body, Cells.of(body))

    def read_cut(self, body: Body, cells: Cells | None) -> Batch:
        """As read(), with the cells that Cells.of(body) found."""
        self.look(body.names)
        batch = self._numbers(body) if cells is None else self._read_cells(body.names, cells)
        batch.t[~(np.abs(batch.t) <= LATEST)] = np.nan
        self.without_time += int(np.isnan(batch.t).sum())
        if self.windows is None:
            return batch
        window = self.windows.find(batch.t, batch.entity, self.keys)
        batch.x[window >= 0] = np.nan
        return Batch(batch.t, batch.entity, batch.x, batch.metric, window)

    def _numbers(self, body: Body) -> Batch:
        """From texts."""
        names = [NAME, VALUE] if self.long else self.columns
        cells = body.columns([TIME, *self.by, *names]).data
        t = self.times.read(cells[0])
        entity = self.entities_of(cells[1:1 + len(self.by)], len(t))
        self.count_incomplete(cells[1:1 + len(self.by)])
        values = cells[1 + len(self.by):]
        if self.long:
            metric = self.metrics_of(values[0])
            self.without_model += int((metric == STRANGE).sum())
            return Batch(t, entity, to_floats(values[1])[:, None], np.maximum(metric, -1))
        x = np.empty((len(t), len(values)))
        for i, column in enumerate(values):
            x[:, i] = to_floats(column)
        return Batch(t, entity, x, None)

    def _read_cells(self, names: Sequence[str], cells: Cells) -> Batch:
        """Without texts."""
        place = {name: i for i, name in reversed(list(enumerate(names)))}  # of equal names the first, as in Body
        n = len(cells)
        t = cells.numbers(place[TIME]) if TIME in place else np.full(n, np.nan)
        by = [place.get(name, -1) for name in self.by]
        entity = self._known_numbers(cells, by, self.known, self.entities_of)
        empty = np.zeros(n, dtype=bool)
        for i in by:
            empty |= cells.empty(i)
        self.without_entity += int(empty.sum())
        if not self.long:
            x = np.empty((n, len(self.columns)))
            for i, name in enumerate(self.columns):
                x[:, i] = cells.numbers(place[name]) if name in place else np.nan
            return Batch(t, entity, x, None)
        metric = self._known_numbers(cells, [place.get(NAME, -1)], self.known_metrics,
                                     lambda columns, _: self.metrics_of(columns[0]))
        self.without_model += int((metric == STRANGE).sum())
        values = cells.numbers(place[VALUE]) if VALUE in place else np.full(n, np.nan)
        return Batch(t, entity, values[:, None], np.maximum(metric, -1))

    def _known_numbers(
        self, cells: Cells, places: list[int], known: Known, numbers_of: Callable[[list[list[str]], int], Ints]
    ) -> Ints:
        """Numbers of the rows' keys; only keys that are new are looked at as texts."""
        if not places:
            return np.zeros(len(cells), dtype=np.int64)
        keys = None if -1 in places else cells.keys(places)
        if keys is None:
            texts = [cells.texts(i) if i >= 0 else [""] * len(cells) for i in places]
            return numbers_of(texts, len(cells))
        number, unknown = known.find(keys)
        rows, most = np.flatnonzero(unknown), NEW_AT_ONCE
        while len(rows):
            some, rows, most = rows[:most], rows[most:], 2 * most
            texts = [cells.texts(i, some) for i in places]
            number[some] = numbers_of(texts, len(some))
            if len(known.number) < self.limit + MOST_UNUSED:
                first = {key: i for i, key in reversed(list(enumerate(zip(*texts))))}
                new = some[np.array(sorted(first.values()))]
                known.add(keys, new, number[new])
            number[rows], unknown = known.find({i: word[rows] for i, word in keys.items()})
            rows = rows[unknown]
        return number

    def look(self, names: Sequence[str]) -> None:
        """What the names of the first rows say about their form. Raises NoTime, MissingField, BadValue."""
        if self.long is None:
            self._form(names)
        elif names != self.names_seen and not self.long:
            self.missing = [name for name in self.missing if name not in names]
            found = expand([field for field, _ in self.arguments.fields] or ["*"], names, self.no_metric)
            self.later.update(dict.fromkeys(name for name in found if name in names and name not in self.columns))
        self.names_seen = list(names)

    def _form(self, names: Sequence[str]) -> None:
        if TIME not in names:
            raise NoTime(f"{self.command}: rows need a _time; they have {_some(names)}. "
                         "After stats, add _time to BY: | bin _time span=5m | stats avg(x) AS x BY _time host")
        lost = [name for name in self.no_metric if name not in names]
        if lost:
            raise MissingField(f"{self.command}: no field {', '.join(lost)} to group by; the rows have {_some(names)}")
        self.long = is_long(self.arguments, names)
        if not self.long:
            self._look_wide(names, [field for field, _ in self.arguments.fields])

    def _look_wide(self, names: Sequence[str], typed: Sequence[str]) -> None:
        alias = {field: name for field, name in self.arguments.fields if name}
        found = [name for name in expand(typed or ["*"], names, self.no_metric) if name in names]
        missing = [field for field in typed if "*" not in field and field not in names]
        if not found or (missing and not self.forgiving):
            what = f"no field {', '.join(missing)}" if missing else f"no field matches {', '.join(typed)}"
            raise MissingField(f"{self.command}: {what} in the rows; they have {_some(names)}")
        self.columns, self.missing = [*found, *missing], missing
        self.metrics = [alias.get(name, name) for name in self.columns]
        twice = sorted({name for name in self.metrics if self.metrics.count(name) > 1})
        if twice:
            raise BadValue(f"{self.command}: each metric needs a name of its own; AS gives {', '.join(twice)} twice")

    def entities_of(self, columns: list[list[str]], n: int) -> Ints:
        """The entity of each of n keys, −1 = none; new ones are added. columns: one per by-field."""
        if not self.by:
            return np.zeros(n, dtype=np.int64)
        keys: Sequence[object] = columns[0] if len(columns) == 1 else list(zip(*columns))
        got = list(map(self.index.get, keys))
        if None in got:
            self._add(dict.fromkeys(key for key, number in zip(keys, got) if number is None))
            got = [self.index.get(key, -1) for key in keys]
        return np.array(got, dtype=np.int64)

    def count_incomplete(self, columns: list[list[str]], stands_for: Sequence[int] | None = None) -> None:
        """Counts the keys that lack a part. stands_for: rows that each key stands for, default 1."""
        missing = [i for i, key in enumerate(zip(*columns)) if "" in key] if any("" in c for c in columns) else []
        self.without_entity += len(missing) if stands_for is None else sum(stands_for[i] for i in missing)

    def _add(self, keys: Iterable[object]) -> None:
        for key in filter(_complete, keys):
            if len(self.index) >= self.limit:
                self.beyond[key] = None
            else:
                self.index[key] = len(self.index)
                self.keys.append(_parts(key))

    def metrics_of(self, names: list[str]) -> Ints:
        """The metric of each name in long rows, −1 = not asked for; new ones are added."""
        wanted = [field for field, _ in self.arguments.fields if field != VALUE]
        alias = {field: name for field, name in self.arguments.fields if name}
        numbers: dict[str, int] = {}
        for name in dict.fromkeys(names):
            shown = alias.get(name, name)
            if not name or (wanted and not expand(wanted, [name]).count(name)):
                numbers[name] = -1
                continue
            if shown not in self.metrics and not self.closed:
                self.metrics.append(shown)
            numbers[name] = self.metrics.index(shown) if shown in self.metrics else STRANGE
        return np.array([numbers[name] for name in names], dtype=np.int64)

    def wanted(self, metric: str) -> bool:
        """Whether long rows of this metric, as it is shown, are asked for."""
        typed = [field for field, _ in self.arguments.fields if field != VALUE]
        return not typed or metric in [name for _, name in self.arguments.fields] or metric in expand(typed, [metric])

    def remarks(self) -> list[str]:
        """What the user should know about rows that could not be used."""
        out = []
        if self.missing:
            out.append(f"no field {', '.join(self.missing)} in the rows, so nothing is said about it")
        if self.later:
            out.append(f"fields {', '.join(self.later)} were not in the first rows and were not used; name them")
        if self.without_time:
            out.append(f"{self.without_time} rows without a usable _time (seconds since 1970) were not used")
        if self.without_entity:
            out.append(f"{self.without_entity} rows without {', '.join(self.by)} were not used")
        if self.without_model:
            out.append(f"{self.without_model} rows of metrics that the collection does not have were not used")
        if self.beyond:
            first = ", ".join("/".join(_parts(key)) for key in islice(self.beyond, 3))
            out.append(str(TooManySeries(
                f"{len(self.beyond)} entities are beyond max_series={self.limit} and were left out: {first} … "
                "Raise max_series, or split the search")))
        return [f"{self.command}: {text}" for text in out]


def _parts(key: object) -> tuple[str, ...]:
    return key if isinstance(key, tuple) else (str(key),)


def _complete(key: object) -> bool:
    return all(_parts(key))


def _some(names: Sequence[str]) -> str:
    shown = [name for name in names if not name.startswith("__mv_")]
    return ", ".join(shown[:20]) or "none"

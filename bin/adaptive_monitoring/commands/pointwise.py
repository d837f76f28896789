"""`adaptdetect <f>... by <e>... model=<collection> pointwise=true`: scores each row by itself, on the indexers.

Limits: reads nothing but lookups/adaptive_<collection>_bounds.csv beside the app; no numpy, no REST, no state. Fields:
anomaly_score, is_anomaly, severity, reason, model_status (trained; cold for an entity without bounds) and per metric
expected, lower_bound, upper_bound, score, with `<metric>_` in front when there are several.
Long rows (metric_name, _value) hold one metric each, so theirs have no prefix.
"""

from __future__ import annotations

from adaptive_monitoring.bounds.pointwise import HOST_FIELDS, METRIC_FIELDS, UNKNOWN, Slots, answer, judge, strongest
from adaptive_monitoring.bounds.table import Table
from adaptive_monitoring.commands.base import Command
from adaptive_monitoring.commands.options import expand
from adaptive_monitoring.errors import BadValue, MissingField
from adaptive_monitoring.store.base import DEFAULT_KEY
from adaptive_monitoring.store.paths import Places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from adaptive_monitoring.bounds.table import Entity, Series
    from adaptive_monitoring.commands.options import Arguments
    from adaptive_monitoring.protocol.body import Body
    from adaptive_monitoring.protocol.session import Messages, SearchInfo

NAME, VALUE = "metric_name", "_value"


class Pointwise(Command):
    """Execution of one such search. arguments: as parsed for adaptdetect; `model` names the collection.

    app: folder of the app, for tests. Raises CollectionNotFound, BadValue at getinfo already.
    """

    def __init__(self, info: SearchInfo, messages: Messages, arguments: Arguments, app: str | None = None) -> None:
        super().__init__(info, messages)
        self.fields: list[tuple[str, str | None]] = arguments.fields
        self.only = arguments.options.get("only") or "all"
        self.collection: str = arguments.model
        self.places = Places(app)
        self.path = self.places.bounds_path(self.collection)
        if self.only == "changes":
            raise BadValue(
                'adaptdetect: only must be all or anomalies with pointwise=true; got "changes". '
                "A row by itself has no state that could change: leave pointwise=true out"
            )
        self.by = self._keys(arguments.by)
        self.tally = Tally()
        self.slots = Slots()
        self.table: Table | None = None
        self.free_names: list[str] = []

    def describe(self) -> dict[str, Any]:
        """All fields only when the names of the metrics are not known before the table is read."""
        plain = bool(self.fields) and not any("*" in field for field, _ in self.fields)
        names = ["_time", *self.by, *(field for field, _ in self.fields), NAME, VALUE]
        return {"type": "streaming", "required_fields": list(dict.fromkeys(names)) if plain else ["*"]}

    def execute(self, body: Body, finished: bool) -> bytes | None:
        reply = None
        if body.names:
            self._check_fields(body)
            reply = b"".join([self._score(piece) for piece in self._free(body).slices()])
        if finished:
            self._report()
        return reply

    def _keys(self, by: list[str]) -> list[str]:
        """The by-fields in the order of the bounds lookup, [] for a collection without. Reads one line."""
        try:
            with open(self.path, "rb") as stream:
                header = stream.readline(1_000_000)
        except OSError:
            raise self.places.bounds_not_found(self.collection) from None
        keys = Table(header, self.path).keys
        if keys == [DEFAULT_KEY] and not by:
            return []
        if by and sorted(by) != sorted(keys):
            raise BadValue(
                f'adaptdetect: collection "{self.collection}" was trained by {", ".join(keys)}; got {", ".join(by)}. '
                f"Write by {', '.join(keys)}, or train another collection"
            )
        return keys

    def _loaded(self) -> Table:
        """The bounds, read at the first rows. Raises CollectionNotFound, ModelError, MissingField."""
        if self.table is None:
            try:
                with open(self.path, "rb") as stream:
                    self.table = Table(stream.read(), self.path)
            except OSError:
                raise self.places.bounds_not_found(self.collection) from None
            self._choose(self.table)
        return self.table

    def _choose(self, table: Table) -> None:
        """Which metrics are scored. Patterns mean metrics that have bounds: on every indexer the same ones."""
        known = sorted(table.metrics)
        aliases = {field: alias or field for field, alias in self.fields}
        chosen = expand(list(aliases) or ["*"], known)
        self.metrics = {field: aliases.get(field, field) for field in chosen}
        if not self.metrics:
            raise MissingField(
                f'adaptdetect: no metric of collection "{self.collection}" matches {", ".join(aliases) or "*"}; '
                f"it has {_some(known)}"
            )
        missing = [name for field, name in self.metrics.items() if name not in table.metrics and field != VALUE]
        if missing:
            self.messages.warn(
                f'adaptdetect: collection "{self.collection}" has no {", ".join(missing)}; it has {_some(known)}'
            )

    def _check_fields(self, body: Body) -> None:
        lost = [key for key in self.by if key not in body.names]
        if lost and len(body):
            self.messages.warn(f"adaptdetect: rows without {', '.join(lost)} belong to no entity; not scored")

    def _free(self, body: Body) -> Body:
        """The rows without fields that have the names of the answer."""
        self._loaded()
        if body.names is self.free_names:  # chunks with one header share its list
            return body
        taken = [name for name in self._names(False) if name in body.names]
        if not taken:
            self.free_names = body.names
            return body
        self.messages.warn(f"adaptdetect: fields {', '.join(taken)} of the input were replaced. Rename them before")
        return body.drop(taken)

    def _names(self, long: bool) -> list[str]:
        """The new fields."""
        if long or len(self.metrics) == 1:
            return [*HOST_FIELDS, *METRIC_FIELDS]
        return [*HOST_FIELDS, *(f"{name}_{field}" for name in self.metrics.values() for field in METRIC_FIELDS)]

    def _score(self, body: Body) -> bytes:
        """The reply for one slice."""
        table = self._loaded()
        columns = body.columns(["_time", *self.by, *self.metrics, NAME, VALUE]).data
        times, keys, values = columns[0], columns[1 : 1 + len(self.by)], columns[1 + len(self.by) : -2]
        entities = _entities(keys, len(times))
        long = self._is_long(columns[-2], values)
        if long:
            known: Any = Long(table, self.metrics)
            verdicts = [judge(known, self.slots, times, list(zip(columns[-2], entities)), columns[-1])]
            values = [columns[-1]]
        else:
            verdicts = [
                judge(table.metric(name), self.slots, times, entities, cells)
                for name, cells in zip(self.metrics.values(), values)
            ]
        names = list(self.metrics.values())
        cells = answer(verdicts, values, (lambda _, i: columns[-2][i]) if long else (lambda m, _: names[m]))
        strange = strongest(verdicts)
        self.tally.add(entities, strange)
        keep = None if self.only == "all" else [strange.get(i, 0) >= 1 for i in range(len(times))]
        return body.append_cells(self._names(long), cells, keep)

    def _is_long(self, names: list[str], values: list[list[str]]) -> bool:
        """Rows name their metric, and no field that was asked for holds anything but the long rows' own value."""
        wide = [cells for field, cells in zip(self.metrics, values) if field != VALUE]
        return any(names) and not any(map(any, wide))

    def _report(self) -> None:
        self.tally.report(self.messages, self.collection)
        if self.table is not None and self.table.unreadable:
            self.messages.warn(
                f"adaptdetect: {self.table.unreadable} rows of {self.path} are no bounds and were left out. "
                f"Write it again: | adaptmodel action=export collection={self.collection}"
            )


class Long(dict):  # type: ignore[type-arg]
    """(metric_name, entity) -> Series, for rows that name their metric. metrics: typed -> metric; `_value`: all."""

    def __init__(self, table: Table, metrics: dict[str, str]) -> None:
        self.table, self.metrics = table, metrics

    def __missing__(self, key: tuple[str, Entity]) -> Series | None:
        name = self.metrics.get(key[0], key[0] if VALUE in self.metrics else "")
        series: Series | None = self.table.metric(name)[key[1]]
        self[key] = series
        return series


class Tally:
    """What was scored, for the message at the end."""

    def __init__(self) -> None:
        self.rows = self.anomalies = self.scored = 0
        self.entities: set[Any] = set()
        self.unknown: set[Any] = set()

    def add(self, entities: list[Any], strange: dict[int, float]) -> None:
        """Counts the rows of one slice. strange: s of the rows that are not plainly normal."""
        self.rows += len(entities)
        self.anomalies += sum(s >= 1 for s in strange.values())
        self.scored += len(entities) - sum(s < 0 for s in strange.values())
        self.entities.update(entities)
        self.unknown.update(entities[row] for row, s in strange.items() if s == UNKNOWN)

    def report(self, messages: Messages, collection: str) -> None:
        """Says it, unless there was no row."""
        if not self.rows:
            return
        messages.info(
            f"adaptdetect: {self.scored} of {self.rows} rows scored, {self.anomalies} anomalous, {len(self.entities)} "
            f'entities, {len(self.unknown)} without bounds in collection "{collection}" (model_status=cold)'
        )
        messages.metric("rows", self.rows)
        messages.metric("anomalies", self.anomalies)


def _entities(keys: list[list[str]], rows: int) -> list[Any]:
    """Keys of the table: text, or a tuple where there are several; `all` where there is none."""
    if not keys:
        return ["all"] * rows
    return keys[0] if len(keys) == 1 else list(zip(*keys))


def _some(names: list[str]) -> str:
    return ", ".join(names[:20]) or "none"

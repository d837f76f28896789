"""The work of adaptfit with numpy: all rows → panel → states → model rows."""
from __future__ import annotations

import hashlib
import os
import time
from datetime import datetime, timezone

import numpy as np

from adaptive_monitoring.bounds.peers import of_entities
from adaptive_monitoring.columns import Columns
from adaptive_monitoring.commands.hashing import DataHash
from adaptive_monitoring.commands.intake import Intake
from adaptive_monitoring.commands.judged import Judged
from adaptive_monitoring.commands.modelling import floor_text, settings_of
from adaptive_monitoring.commands.peering import Peering
from adaptive_monitoring.commands.rows import Reader, in_value_order
from adaptive_monitoring.commands.shelf import Shelf
from adaptive_monitoring.commands.starting import Start, Starts, continued, keep_idle
from adaptive_monitoring.commands.storing import Storing, hashed
from adaptive_monitoring.commands.windows import windows_of
from adaptive_monitoring.engine import drift, registry, rowformat
from adaptive_monitoring.engine.base import Panel, State
from adaptive_monitoring.engine.groups import entity_groups, segment_median
from adaptive_monitoring.engine.numbers import Floats, Ints
from adaptive_monitoring.errors import MissingField, OutOfTime, SpanMismatch
from adaptive_monitoring.protocol.body import render
from adaptive_monitoring.store.base import DEFAULT_KEY, SCHEMA
from adaptive_monitoring.store.versions import SHADOW, Versions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from adaptive_monitoring.commands.options import Arguments
    from adaptive_monitoring.protocol.body import Body
    from adaptive_monitoring.protocol.session import Messages, SearchInfo

    Texts = dict[str, list[str]]

CELLS = 2_000_000  # numbers learned at once
FIRST_TOLD = 1_000_000  # rows after which the search says how far it is
COLD_BLOCKS_S = 2 * 86400.0
NUMBERS = ("season", "level", "scale", "trend_per_day", "slots", "lower_k", "upper_k", "state", "threshold",
           "budget_observed", "span")
CONSTANT = "the metric was constant"
NOT_OF_CONSTANT = ("scale",)  # all else is kept, so that its first move is told; the alert level is that of the host
MIXED = 0.1  # from this share of clearly shorter steps on, rows have two spans


class Fitting:
    """Collects, learns, stores, answers."""

    def __init__(self, info: SearchInfo, messages: Messages, arguments: Arguments) -> None:
        self.info, self.messages, self.arguments = info, messages, arguments
        self.settings = settings_of(arguments)
        self.reader = Reader("adaptfit", arguments)
        tz = self.settings.tz
        self.windows = [windows_of("adaptfit", name, arguments, tz, messages) for name in ("suppress", "exclude")]
        self.judged = Judged(info, messages, arguments.into, arguments.by)
        self.windows.append(self.judged.windows())
        self.peering = Peering(arguments.peer, arguments.by, messages) if arguments.peer else None
        note = self.peering.note if self.peering is not None else None
        if arguments.peer and "map" in arguments.given and arguments.map:
            messages.info("adaptfit: with peer= rows are not reduced on indexers; packed rows do not hold its field")
        self.intake = Intake(self.reader, self.windows, arguments.span or 0, note)
        self.shelf = Shelf(info.dispatch_dir if os.path.isdir(info.dispatch_dir) else None)
        self.told = FIRST_TOLD
        self.stopped = False
        self.starts: Starts | None = None
        self.mixed: set[str] = set()
        self.hash = DataHash()
        self.started = self.phase = time.monotonic()

    def execute(self, body: Body, finished: bool) -> bytes | None:
        """Keeps the chunk's numbers; with the last one trains and answers with all model rows."""
        if body.names:
            for batch in self.intake.read(body):
                self.shelf.add(batch)
            self._progress()
        if not finished:
            return None
        for batch in self.intake.finish(self.messages):
            self.shelf.add(batch)
        if not self.intake.rows:
            self.messages.warn("adaptfit: no rows came in, so nothing was learned or stored")
            return None
        self._phase("reading")
        columns = self._train()
        self.shelf.close()
        self._phase("training")
        self._store(columns)
        self._phase("storing")
        self._remarks(columns)
        return render(columns)

    def _progress(self) -> None:
        """How far reading is: a figure with every chunk, a message each time the number of rows has doubled."""
        self.messages.metric("rows_read", self.intake.rows)
        if self.intake.rows >= self.told:
            self.messages.info(f"adaptfit: {self.intake.rows} rows of {self.reader.entities} entities read in "
                               f"{time.monotonic() - self.started:.0f} s")
            self.told = 2 * self.intake.rows

    def _phase(self, name: str) -> None:
        """The seconds of a phase that is over."""
        now = time.monotonic()
        self.messages.metric(f"seconds_{name}", round(now - self.phase, 3))
        self.phase = now

    def _train(self) -> Columns:
        d = len(self.reader.metrics)
        if not d:
            raise MissingField(f"adaptfit: no metric_name in the rows matches "
                               f"{', '.join(field for field, _ in self.arguments.fields) or '*'}")
        metric = self._in_order() if self.reader.long else None
        detector = registry.make(self.arguments.detector, self.settings)
        self.starts = self._starts()
        parts: Texts = {}
        entities, done = self.reader.entities, 0
        rows = np.zeros(entities + 1, dtype=np.int64)
        rows[1:len(self.shelf.rows) + 1] = self.shelf.rows
        blocks = entity_groups(np.cumsum(rows), max(1, CELLS // (1 if self.reader.long else max(d, 1))))
        for a, b in blocks:
            if self._late(done, entities):
                break
            part, start = self._panel(a, b, d, metric), None
            if self.starts is not None:
                part, start = self.starts.of(detector, a, part)
            if self.arguments.into is not None:
                self.hash.add(self.reader.keys[a:b], self.reader.metrics, part)
            frozen = detector.freeze(detector.fit(part, None if start is None else start.state))
            texts = rowformat.encode(frozen, detector.layout)
            for name, values in self._model_rows(part, a, frozen, texts, start).items():
                parts.setdefault(name, []).extend(values)
            if self.peering is not None:
                self.peering.learned_on(a, start)
            done = b
            self.messages.metric("entities_trained", done)
        if self.peering is not None:
            def take(a: int, b: int) -> Panel:
                return self._panel(a, b, d, metric)

            self.peering.finish(parts, self.reader.keys, d, detector, blocks, take, self._model_rows)
        return self._finished(parts)

    def _starts(self) -> Starts | None:
        """Stored models to learn on from; None when everything is learned anew."""
        name = self.target()
        if name is None or self.arguments.mode == "replace":
            return None
        path = None
        if self.arguments.replay is not None:
            path = Versions(self.info).base_path(name, self.arguments.replay)
            if path is None:
                return None
        return Starts(self.info, self.messages, name, self.reader, self._config_hash(), path)

    def target(self) -> str | None:
        """The collection that is written."""
        name: str | None = self.arguments.into
        return f"{name}{SHADOW}" if name is not None and self.arguments.mode == "shadow" else name

    def _panel(self, a: int, b: int, d: int, metric: Ints | None) -> Panel:
        """All rows of entities a … b − 1."""
        if not self.shelf.rows[a:b].any():
            return Panel(np.zeros(0), np.zeros((0, d)), np.zeros(b - a + 1, dtype=np.int64))
        return in_value_order(self.shelf.take(a, b, d, metric)).panel(b - a, d)[0]

    def _in_order(self) -> Ints:
        """Metrics of long rows sorted by name, whichever came first. Returns the new place of each, −1 behind them."""
        order = sorted(range(len(self.reader.metrics)), key=self.reader.metrics.__getitem__)
        self.reader.metrics = [self.reader.metrics[i] for i in order]
        place = np.full(len(order) + 1, -1, dtype=np.int64)
        place[order] = np.arange(len(order))
        return place

    def _late(self, done: int, entities: int) -> bool:
        limit = self.arguments.max_runtime
        if not limit or time.monotonic() - self.started <= limit:
            return False
        self.stopped = True
        self.messages.warn(str(OutOfTime(
            f"adaptfit: max_runtime={limit} s has passed; {done} of {entities} entities were trained. "
            "Raise it, or split the search; stored models of the others stay")))
        return True

    def _model_rows(self, panel: Panel, offset: int, frozen: State, texts: Texts, start: Start | None) -> Texts:
        """Columns of a group's model rows: keys, facts about the history, the detector's numbers, options."""
        g, d = len(panel.indptr) - 1, len(self.reader.metrics)
        keys = self.reader.keys[offset:offset + g]
        names = self.reader.by or [DEFAULT_KEY]
        out = {name: [key[i] for key in keys for _ in range(d)] for i, name in enumerate(names)}
        out["metric"] = self.reader.metrics * g
        facts = _facts(panel)
        if start is not None:
            facts = continued(facts, panel, start)
        self.mixed.update("/".join(keys[i]) for i in np.flatnonzero(facts["mixed"] >= MIXED))
        status, reason = _status(facts, frozen, d)
        constant = [why == CONSTANT for why in reason]
        usable = [word != "untrainable" for word in status]
        for name in NUMBERS:
            values = texts.get(name, [""] * (g * d))
            kept = usable if name in NOT_OF_CONSTANT else [a or b for a, b in zip(usable, constant)]
            out[name] = [value if good else "" for value, good in zip(values, kept)]
        out["span"] = _repeat(facts["span"], d, "%.6g")
        out["n_points"] = ["%d" % v for v in facts["points"].ravel()]
        out["gap_ratio"] = _repeat(facts["gap_ratio"], d, "%.4g")
        out["trained_from"] = _repeat(facts["from"], d, "%.15g")
        out["trained_to"] = _repeat(facts["to"], d, "%.15g")
        out["model_status"], out["reason"] = status, reason
        if start is not None:
            keep_idle(out, panel, start, [*NUMBERS, "gap_ratio", "model_status", "reason"])
        return out

    def _finished(self, parts: Texts) -> Columns:
        """All columns of a stored row, those without content empty, in the order of the stored file."""
        n = len(parts.get("metric", []))
        settings = self.settings
        same = {
            "detector": self.arguments.detector, "kind": "level", "floor": floor_text(self.arguments.floor),
            "direction": settings.direction, "tz": settings.tz, "budget": f"{settings.budget:.6g}", "lock": "0",
            "author": self.info.owner, "config_hash": self._config_hash(), "model_version": "1",
        }
        names = [*(self.reader.by or [DEFAULT_KEY]), *SCHEMA]
        table = sorted(zip(*[parts[name] if name in parts else [same.get(name, "")] * n for name in names]))
        return hashed(Columns(names, list(map(list, zip(*table))) if table else [[] for _ in names]))

    def _config_hash(self) -> str:
        """What shaped the models besides the data."""
        shaping: tuple[object, ...] = (self.arguments.detector, sorted(vars(self.settings).items()))
        more = filter(None, [self.arguments.span, self.arguments.peer])
        text = repr((*shaping, self.reader.by, self.reader.metrics, *more))
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]

    def _store(self, columns: Columns) -> None:
        """Writes the collection and puts its version and hashes into the rows that come out."""
        name = self.target()
        if name is None or not len(columns):
            return
        self.judged.ease(columns, name)
        if self.arguments.replay is not None:
            columns.add("data_hash", [self.hash.text()] * len(columns))
            return
        mode = "replace" if self.arguments.mode == "replace" and not self.stopped else "update"
        Storing(self.info, self.messages, name, self.reader.by or [DEFAULT_KEY]).store(columns, mode, self.hash.text())

    def _remarks(self, columns: Columns) -> None:
        for text in self.reader.remarks():
            self.messages.warn(text)
        for text in [] if self.starts is None else self.starts.remarks():
            self.messages.info(f"adaptfit: {text}")
        if self.mixed:
            self.messages.warn(str(SpanMismatch(
                f"adaptfit: rows of {len(self.mixed)} entities come at two steps: {', '.join(sorted(self.mixed)[:3])} "
                "… The models take the usual one. Bring them to one step first: span=5m, or | bin _time and | stats")))
        entities = of_entities(columns, self.reader.by)
        status = entities.get("model_status")
        words = ("trained", "peer", "cold", "untrainable")
        counts = ", ".join(f"{status.count(word)} {word}" for word in words if word in status) or "none"
        seconds, known = time.monotonic() - self.started, self.reader.entities
        self.messages.info(f"adaptfit: {len(entities)} models of {known} entities from {self.intake.rows} rows "
                           f"in {seconds:.1f} s: {counts}")
        for name, number in (("rows", self.intake.rows), ("models", len(entities)), ("entities", known)):
            self.messages.metric(name, number)


def _facts(panel: Panel) -> dict[str, Floats]:
    """What the history was, per entity: span, first and last time, share of missing rows; points per metric."""
    lengths = np.diff(panel.indptr)
    has = lengths > 0
    first, last = panel.indptr[:-1][has], panel.indptr[1:][has] - 1
    out = {name: np.full(len(lengths), np.nan) for name in ("span", "from", "to", "gap_ratio", "mixed")}
    points = np.zeros((len(lengths), panel.x.shape[1]))
    if len(panel.t):
        steps = np.diff(panel.t, prepend=np.nan)
        steps[first] = np.nan
        steps[steps <= 0] = np.nan
        out["from"][has], out["to"][has] = panel.t[first], panel.t[last]
        out["span"][has] = segment_median(steps[:, None], first)[:, 0]
        short = steps < np.repeat(out["span"][has], lengths[has]) / 1.5
        out["mixed"][has] = np.add.reduceat(short.astype(np.float64), first) / lengths[has]
        points[has] = np.add.reduceat(~np.isnan(panel.x), first, axis=0)
        with np.errstate(invalid="ignore"):
            expected = (out["to"] - out["from"]) / out["span"] + 1
        out["gap_ratio"] = np.clip(1 - lengths / np.where(expected > 0, expected, np.nan), 0.0, 1.0)
    return {**out, "points": points}


def _status(facts: dict[str, Floats], frozen: State, d: int) -> tuple[list[str], list[str]]:
    """model_status and reason of each entity and metric."""
    status, reason = [], []
    moved = _moved(facts, frozen)
    scale = frozen.table["scale"].reshape(-1, d)
    for g in range(len(scale)):
        days = (facts["to"][g] - facts["from"][g]) / 86400.0
        for m in range(d):
            word, why = "trained", ""
            if facts["points"][g, m] == 0:
                word, why = "untrainable", "no numbers in this metric"
            elif not scale[g, m] > 0:
                word, why = "untrainable", CONSTANT if days >= 0.5 else "less than 12 hours of history"
            elif days < COLD_BLOCKS_S / 86400.0:
                word, why = "cold", f"{days:.1f} days of history; 2 are needed"
            elif moved is not None and moved[g, m]:
                word, why = "drifting", _drift(frozen, g, m)
            status.append(word)
            reason.append(why)
    return status, reason


def _moved(facts: dict[str, Floats], frozen: State) -> np.ndarray | None:
    """Which metrics drift at the end of their history. (g, d) bool; None where a detector knows of no drift."""
    if "moved" not in frozen.table:
        return None
    return drift.told(frozen.table, np.arange(frozen.entities), facts["to"])


def _drift(frozen: State, g: int, m: int) -> str:
    table = frozen.table
    level, by = float(table["level"][g, m]), float(table["follow"][g, m, int(table["season"][g, m])])
    since = datetime.fromtimestamp(abs(float(table["moved"][g, m])), timezone.utc).strftime("%Y-%m-%d %H:%M")
    way = "up" if table["moved"][g, m] > 0 else "down"
    return (f"the level has moved {way} since {since} UTC and is {level:.6g} now, {level - by:.6g} before; "
            "it becomes the model's own after six days, not while an alert is open")


def _repeat(values: Floats, d: int, form: str) -> list[str]:
    return [text for v in values.tolist() for text in [form % v if v == v else ""] * d]

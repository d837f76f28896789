"""The work of adaptdetect with numpy: chunks of rows → panel → scores → texts."""
from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import fields as dataclass_fields

import numpy as np

from adaptive_monitoring.bounds.pointwise import severity
from adaptive_monitoring.commands import fields, reasons
from adaptive_monitoring.commands.modelling import settings_of
from adaptive_monitoring.commands.rows import Batch, Reader
from adaptive_monitoring.engine import registry
from adaptive_monitoring.engine.base import Panel, Scores, Settings, State
from adaptive_monitoring.engine.episodes import MISSING, NORMAL, Tracker, Verdicts
from adaptive_monitoring.engine.groups import entity_groups
from adaptive_monitoring.engine.numbers import Floats, Ints
from adaptive_monitoring.engine.rowformat import decode
from adaptive_monitoring.errors import BadValue, Tampered
from adaptive_monitoring.protocol.body import aligned, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from adaptive_monitoring.commands.options import Arguments
    from adaptive_monitoring.engine.base import Detector
    from adaptive_monitoring.protocol.body import Body
    from adaptive_monitoring.protocol.session import Messages, SearchInfo
    from adaptive_monitoring.store.base import StoredModels

COLD_S = 2 * 86400.0
STALE_S = 14 * 86400.0
CELLS = 2_000_000  # numbers scored at once when learning: bounds the memory of the pass
FEW_ENTITIES = 5_000  # up to so many are looked up in the collection instead of reading all of it


class Run:
    """What both ways of scoring share: reading rows, episodes, texts, the closing message."""

    def __init__(self, info: SearchInfo, messages: Messages, arguments: Arguments) -> None:
        self.info, self.messages, self.arguments = info, messages, arguments
        self.reader = Reader("adaptdetect", arguments)
        self.settings: Settings = settings_of(arguments)
        self.started = time.monotonic()
        self.rows = self.anomalous = self.episodes = 0
        self.stopped = False
        self.zone = None

    def execute(self, body: Body, finished: bool) -> bytes | None:
        """The reply to one chunk."""
        raise NotImplementedError

    def late(self) -> bool:
        """Whether max_runtime has passed; says so once."""
        limit = self.arguments.max_runtime
        if limit and not self.stopped and time.monotonic() - self.started > limit:
            self.stopped = True
            self.messages.warn(f"adaptdetect: max_runtime={limit} s has passed; the remaining rows come out without scores (ADM024)")
        return self.stopped

    def free(self, body: Body) -> Body:
        """The chunk without fields that have the names of the answer."""
        taken = [name for name in self.names() if name in body.names]
        if not taken:
            return body
        self.messages.warn(f"adaptdetect: fields {', '.join(taken)} of the input were replaced. Rename them before to keep them")
        return body.drop(taken)

    def names(self) -> list[str]:
        return fields.names_of(self.reader.metrics, self.reader.long is True or len(self.reader.metrics) == 1)

    def in_slices(self, body: Body, batch: Batch, place: Ints, result: Result) -> bytes:
        """The reply to a chunk, a few thousand rows at a time."""
        pieces, at = [], 0
        for piece in body.slices():
            n = len(piece)
            pieces.append(self.reply(piece, batch.rows(at, at + n), place[at:at + n], result))
            at += n
        return b"".join(pieces)

    def reply(self, body: Body, batch: Batch, place: Ints, result: Result) -> bytes:
        """Every row of a slice with its answer, in the order of the input. place: panel row of each row, −1 = none."""
        shown = result.take(np.maximum(place, 0), place < 0)
        texts = self._reasons(batch, shown)
        suffixes = fields.suffixes(shown.scores, shown.verdicts.state, shown.status, texts, None if batch.metric is None else np.maximum(batch.metric, 0))
        self._count(shown.verdicts)
        keep = {"all": None, "anomalies": shown.verdicts.open, "changes": shown.verdicts.changed}[self.arguments.only]
        return body.append(self.names(), suffixes, None if keep is None else keep.tolist())

    def _count(self, verdicts: Verdicts) -> None:
        self.rows += len(verdicts.state)
        self.anomalous += int(verdicts.open.sum())

    def _reasons(self, batch: Batch, shown: Result) -> dict[int, str]:
        """Texts from is_anomaly to suppressed_by of the rows that are not plainly normal."""
        state = shown.verdicts.state
        special = np.flatnonzero((state != NORMAL) & (state != MISSING))
        keys = self.reader.keys if len(special) else []
        return {int(row): self._reason(int(row), shown, keys[batch.entity[row]]) for row in special}

    def _reason(self, row: int, shown: Result, key: Sequence[str]) -> str:
        scores, verdicts = shown.scores, shown.verdicts
        share = scores.share[row]
        top = int(np.argmax(share))
        metrics = self.reader.metrics
        start, is_open = float(verdicts.start[row]), bool(verdicts.open[row])
        others = [metrics[i] for i in np.argsort(-share, kind="stable")[1:4] if share[i] >= 0.1]
        text = reasons.sentence(
            self.arguments.lang, int(scores.cause[row]), metrics[top], float(shown.x[row, top]), float(scores.expected[row, top]),
            float(scores.lower[row, top]), float(scores.upper[row, top]), start, self.zone, others)
        strength = max(float(scores.score[row]), 1.0)
        cells = [str(int(is_open)), fields.STATES[verdicts.state[row]], fields.anomaly_id(key, start) if is_open else "",
                 f"{start:.0f}" if is_open else "", severity(strength) if is_open else "info",
                 quote(text), quote(fields.contributors_of(metrics, share)), fields.STATUSES[shown.status[row]], ""]
        return ",".join(cells)

    def close(self, what: str) -> None:
        for text in self.reader.remarks():
            self.messages.warn(text)
        seconds = time.monotonic() - self.started
        self.messages.info(f"adaptdetect: {self.rows} rows of {self.reader.entities} entities scored in {seconds:.1f} s, "
                           f"{self.anomalous} rows in {self.episodes} alert episodes, {what}")
        for name, number in (("rows", self.rows), ("entities", self.reader.entities), ("anomalies", self.anomalous), ("episodes", self.episodes)):
            self.messages.metric(name, number)


class Result:
    """Scores, verdicts, status and values of panel rows."""

    def __init__(self, scores: Scores, verdicts: Verdicts, status: Ints, x: Floats) -> None:
        self.scores, self.verdicts, self.status, self.x = scores, verdicts, status, x

    def take(self, rows: Ints, blank: np.ndarray) -> Result:
        """These rows; where blank there is nothing to say."""
        if not len(self.status):
            return _nothing(len(rows), self.x.shape[1])
        picked = Result(
            self.scores.take(rows), Verdicts(*(getattr(self.verdicts, f.name)[rows] for f in dataclass_fields(Verdicts))),
            self.status[rows], self.x[rows])
        if blank.any():
            for name in ("score", "metric_score", "expected", "lower", "upper"):
                getattr(picked.scores, name)[blank] = np.nan
            picked.verdicts.state[blank], picked.status[blank] = MISSING, fields.NO_MODEL
            picked.verdicts.open[blank] = picked.verdicts.changed[blank] = False
        return picked


def _nothing(n: int, d: int) -> Result:
    nan = np.full((n, d), np.nan)
    scores = Scores(np.full(n, np.nan), nan, nan, nan, nan, np.zeros((n, d)), np.zeros(n, dtype=np.int64))
    verdicts = Verdicts(np.full(n, MISSING), np.zeros(n, dtype=bool), np.full(n, np.nan), np.zeros(n, dtype=bool))
    return Result(scores, verdicts, np.full(n, fields.NO_MODEL), nan)


class Learning(Run):
    """Without a model: collect, order, one causal pass per group of entities, answer."""

    def __init__(self, info: SearchInfo, messages: Messages, arguments: Arguments) -> None:
        super().__init__(info, messages, arguments)
        self.zone = _zone(self.settings.tz)
        self.bodies: list[Body] = []
        self.batches: list[Batch] = []

    def execute(self, body: Body, finished: bool) -> bytes | None:
        if body.names and len(body):
            self.batches.append(self.reader.read(body))
            self.bodies.append(body)
        if not finished or not self.bodies:
            return None
        return self._answer()

    def _answer(self) -> bytes:
        d = len(self.reader.metrics)
        batch = _joined(self.batches, d)
        self.batches.clear()
        panel, _, place = batch.panel(self.reader.entities, d)
        result = self._score(panel)
        pieces, at = [], 0
        for body in aligned([self.free(body) for body in self.bodies]):
            pieces.append(self.in_slices(body, batch.rows(at, at + len(body)), place[at:at + len(body)], result))
            at += len(body)
        self.close("learned in this search")
        return b"".join(pieces)

    def _score(self, panel: Panel) -> Result:
        detector = registry.make(self.arguments.detector, self.settings)
        n, d = panel.x.shape
        result = _nothing(n, d)
        result = Result(_narrow(result.scores), result.verdicts, np.full(n, fields.COLD), panel.x)
        first = np.full(len(panel.indptr) - 1, np.nan)
        for a, b in entity_groups(panel.indptr, max(1, CELLS // max(d, 1))):
            if self.late():
                break
            low, high = int(panel.indptr[a]), int(panel.indptr[b])
            part = Panel(panel.t[low:high], panel.x[low:high], panel.indptr[a:b + 1] - low)
            scores, _ = detector.stream(detector.empty(b - a, d), part)
            verdicts = Tracker(self.settings, b - a).follow(part.t, scores.score, part.indptr)
            for f in dataclass_fields(Scores):
                getattr(result.scores, f.name)[low:high] = getattr(scores, f.name)
            for f in dataclass_fields(Verdicts):
                getattr(result.verdicts, f.name)[low:high] = getattr(verdicts, f.name)
            has = np.diff(part.indptr) > 0
            first[a:b][has] = part.t[part.indptr[:-1][has]]
        g = panel.g
        result.status[:] = np.where(panel.t - first[g] >= COLD_S, fields.TRAINED, fields.COLD)
        self.episodes = _count_starts(result.verdicts, g)
        return result


def _narrow(scores: Scores) -> Scores:
    """float32 for what only becomes text: halves the memory of wide panels."""
    def small(values: np.ndarray) -> np.ndarray:
        return np.full(values.shape, np.nan, dtype=np.float32)
    return Scores(scores.score.copy(), *(small(getattr(scores, name)) for name in ("metric_score", "expected", "lower", "upper", "share")), scores.cause.copy())


def _count_starts(verdicts: Verdicts, g: Ints) -> int:
    """Episodes: runs of open rows of one entity with one start."""
    key = np.where(verdicts.open, verdicts.start, np.nan)
    begins = verdicts.open.copy()
    begins[1:] &= ~((key[1:] == key[:-1]) & (g[1:] == g[:-1]))
    return int(begins.sum())


def _joined(batches: Sequence[Batch], d: int) -> Batch:
    if len(batches) == 1:
        return batches[0]
    metric = None if batches[0].metric is None else np.concatenate([b.metric for b in batches if b.metric is not None])
    return Batch(np.concatenate([b.t for b in batches]), np.concatenate([b.entity for b in batches]),
                 np.concatenate([b.x for b in batches]), metric)


def _zone(tz: str):  # type: ignore[no-untyped-def]
    if not tz:
        return None
    from zoneinfo import ZoneInfo

    return ZoneInfo(tz)


class Scoring(Run):
    """With a model: each chunk is answered with what is known so far; the models follow the data."""

    def __init__(self, info: SearchInfo, messages: Messages, arguments: Arguments) -> None:
        super().__init__(info, messages, arguments)
        self.detector: Detector | None = None
        self.state: State | None = None
        self.tracker = Tracker(self.settings)
        self.status = np.zeros(0, dtype=np.int64)
        self.began = np.zeros(0)
        self.trained_to = np.zeros(0)
        self.models: StoredModels | None = None
        self.all_read = False
        self.unknown = 0

    def execute(self, body: Body, finished: bool) -> bytes | None:
        reply = None
        if body.names and len(body):
            reply = self._chunk(body)
        if finished and self.rows:
            self._close()
        return reply

    def _chunk(self, body: Body) -> bytes:
        batch = self.reader.read(body)
        self._admit()
        assert self.detector is not None and self.state is not None
        d = len(self.reader.metrics)
        panel, _, place = batch.panel(self.reader.entities, d)
        if self.late():
            result = _nothing(len(panel.t), d)
        else:
            result = self._score(panel)
        return self.in_slices(self.free(body), batch, place, result)

    def _score(self, panel: Panel) -> Result:
        assert self.detector is not None and self.state is not None
        scores, self.state = self.detector.stream(self.state, panel, own=True)
        before = self.tracker.start.copy()
        verdicts = self.tracker.follow(panel.t, scores.score, panel.indptr)
        g = panel.g
        starts = _count_starts(verdicts, g)
        first_open = np.zeros(len(before), dtype=bool)
        has = np.diff(panel.indptr) > 0
        rows = panel.indptr[:-1][has]
        first_open[has] = verdicts.open[rows] & (verdicts.start[rows] == before[has])
        self.episodes += starts - int(first_open.sum())
        return Result(scores, verdicts, self._row_status(panel.t, g), panel.x)

    def _row_status(self, t: Floats, g: Ints) -> Ints:
        """Cold entities become trained two days after their first row; old models are stale."""
        newest = np.isnan(self.began[g])
        if newest.any():
            order = np.flatnonzero(newest)
            _, first = np.unique(g[order], return_index=True)
            self.began[g[order[first]]] = t[order[first]]
        status = self.status[g]
        warm = (status == fields.COLD) & (t - self.began[g] >= COLD_S)
        old = (status == fields.TRAINED) & (t - self.trained_to[g] > STALE_S)
        out: Ints = np.where(warm, fields.TRAINED, np.where(old, fields.STALE, status))
        return out

    def _admit(self) -> None:
        """Room for entities and metrics that came with this chunk, with their stored models where there are any."""
        entities, have = self.reader.entities, len(self.status)
        if entities == have and self.state is not None:
            return
        models = self._read(self.reader.keys[have:entities], have == 0)
        first = self.state is None
        if first:
            self._prepare(models)
        assert self.detector is not None
        fresh = self.detector.empty(entities - have, len(self.reader.metrics))
        status = np.full(entities - have, fields.COLD)
        trained_to = np.full(entities - have, np.inf)
        began = np.full(entities - have, np.nan)
        known = self._fill(models, have, fresh, status, trained_to, began)
        self.unknown += entities - have - known
        self.state = fresh if self.state is None else self.state.joined(fresh)
        self.tracker.grow(entities)
        self.status, self.trained_to = np.r_[self.status, status].astype(np.int64), np.r_[self.trained_to, trained_to]
        self.began = np.r_[self.began, began]

    def _read(self, keys: Sequence[tuple[str, ...]], first: bool) -> StoredModels:
        from adaptive_monitoring.store.lookup import LookupStore

        if self.all_read and self.models is not None:
            return self.models
        store = LookupStore(self.info)
        few = first and len(keys) <= FEW_ENTITIES
        models = store.read(self.arguments.model, self._stored_keys(store, keys) if few else None)
        self.all_read = not few
        self.models = models
        for problem in models.problems[:5]:
            self.messages.warn(str(Tampered(f'adaptdetect: model row {problem.row} of "{models.name}" is not used: {problem.detail}. '
                                            f"Train it again, or see | adaptmodel action=verify collection={models.name}")))
        return models

    def _stored_keys(self, store, keys: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:  # type: ignore[no-untyped-def]
        stored = store.keys(self.arguments.model)
        order = self._order(stored)
        return [tuple(key[i] for i in order) for key in keys]

    def _order(self, stored: Sequence[str]) -> list[int]:
        """Where each stored key column stands among the by-fields. Raises BadValue."""
        by = self.reader.by or ["entity"]
        if sorted(by) != sorted(stored):
            raise BadValue(f'adaptdetect: collection "{self.arguments.model}" was trained by {", ".join(stored)}; '
                           f'got {"by " + ", ".join(self.reader.by) if self.reader.by else "no by"}. Write by {", ".join(stored)}')
        return [by.index(name) for name in stored]

    def _prepare(self, models: StoredModels) -> None:
        """Detector and settings of the collection; metrics of long rows that may come later."""
        rows = models.columns
        head = {name: rows.get(name)[0] for name in rows.names} if len(rows) else {}
        self.settings = settings_of(self.arguments, head)
        self.zone = _zone(self.settings.tz)
        self.tracker = Tracker(self.settings)
        name = self.arguments.detector if "detector" in self.arguments.given else head.get("detector") or "adaptive"
        if head.get("detector") and name != head["detector"]:
            raise BadValue(f'adaptdetect: collection "{models.name}" was trained with detector={head["detector"]}; got "{name}"')
        self.detector = registry.make(name, self.settings)

    def _fill(self, models: StoredModels, have: int, fresh: State, status: Ints, trained_to: Floats, began: Floats) -> int:
        """Put stored models into the new part of the state. Returns how many entities have one."""
        columns, d = models.columns, len(self.reader.metrics)
        order = self._order(models.keys)
        back = [order.index(i) for i in range(len(order))]
        keys = list(zip(*[columns.get(models.keys[i]) for i in back])) if len(columns) else []
        place = {key: i for i, key in enumerate(self.reader.keys[have:])}
        metric_place = {name: i for i, name in enumerate(self.reader.metrics)}
        pairs = [(place.get(key, -1), metric_place.get(name, -1)) for key, name in zip(keys, columns.get("metric"))]
        usable = [i for i, (e, m) in enumerate(pairs) if e >= 0 and m >= 0]
        if not usable:
            return 0
        words = columns.get("model_status")
        to = columns.get("trained_to")
        for i in usable:
            e = pairs[i][0]
            status[e] = fields.STATUSES.index(words[i]) if words[i] in fields.STATUSES else fields.TRAINED
            trained_to[e] = float(to[i] or "inf")
            began[e] = float(columns.get("trained_from")[i] or "nan")
        usable = [i for i in usable if columns.get("state")[i]]
        known = sorted({pairs[i][0] for i in usable})
        if not known:
            return 0
        number = {e: i for i, e in enumerate(known)}
        rows = {name: [columns.get(name)[i] for i in usable] for name in columns.names}
        assert self.detector is not None
        frozen = decode(rows, np.array([number[pairs[i][0]] for i in usable]), np.array([pairs[i][1] for i in usable]),
                        len(known), d, self.detector.name, self.detector.layout)
        thawed = self.detector.thaw(frozen)
        for name, values in thawed.table.items():
            fresh.table[name][known] = values
        return len(known)

    def _close(self) -> None:
        if self.unknown:
            self.messages.info(f'adaptdetect: {self.unknown} entities have no model in "{self.arguments.model}" yet (model_status=cold)')
        self.close(f'with collection "{self.arguments.model}"')

"""The work of adaptdetect with numpy: chunks of rows → panel → scores → texts."""
from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields as dataclass_fields

import numpy as np

from adaptive_monitoring.bounds.pointwise import severity
from adaptive_monitoring.commands import fields, reasons
from adaptive_monitoring.commands.allocator import keep_freed_memory
from adaptive_monitoring.commands.auditing import Suppressions
from adaptive_monitoring.commands.cells import Cells, slices
from adaptive_monitoring.commands.lenders import Lenders
from adaptive_monitoring.commands.modelling import settings_of
from adaptive_monitoring.commands.rows import Batch, Reader, joined
from adaptive_monitoring.commands.stored import COLD_S, Collection, Facts
from adaptive_monitoring.commands.windows import windows_of
from adaptive_monitoring.engine import registry
from adaptive_monitoring.engine.base import Panel, Scores, Settings, State
from adaptive_monitoring.engine.episodes import MISSING, NORMAL, Tracker, Verdicts
from adaptive_monitoring.engine.groups import segment_median
from adaptive_monitoring.engine.numbers import Floats, Ints
from adaptive_monitoring.errors import BadValue, OutOfTime, SpanMismatch
from adaptive_monitoring.protocol.body import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from adaptive_monitoring.commands.options import Arguments
    from adaptive_monitoring.engine.base import Detector
    from adaptive_monitoring.protocol.body import Body
    from adaptive_monitoring.protocol.session import Messages, SearchInfo

STALE_S = 14 * 86400.0
SLICE_BYTES = 1_000_000  # smaller slices cost more calls, larger ones leave the processor's cache
FEW_STEPS = 5  # an entity's step is known from so many on
OTHER_STEP = 1.5
MOST_AS_PEER = {"high": "medium", "critical": "medium"}  # severities while a group's model judges
MOVED_TOO = 0.1  # of the strongest metric's evidence: from here on another one is part of the reason


class Run:
    """What both ways of scoring share: reading rows, episodes, texts, the closing message."""

    def __init__(self, info: SearchInfo, messages: Messages, arguments: Arguments) -> None:
        self.info, self.messages, self.arguments = info, messages, arguments
        self.reader = Reader("adaptdetect", arguments)
        self.settings: Settings = settings_of(arguments)
        self.reader.windows = windows_of("adaptdetect", "suppress", arguments, self.settings.tz, messages)
        self.started = time.monotonic()
        self.rows = self.anomalous = self.episodes = 0
        self.suppressions = Suppressions()
        self.stopped = False
        self.zone: object = None
        self.lenders: Lenders | None = None
        self._names: list[str] = []

    def execute(self, body: Body, finished: bool) -> bytes | None:
        """The reply to one chunk."""
        raise NotImplementedError

    def late(self) -> bool:
        """Whether max_runtime has passed; says so once."""
        limit = self.arguments.max_runtime
        if limit and not self.stopped and time.monotonic() - self.started > limit:
            self.stopped = True
            self.messages.warn(str(OutOfTime(
                f"adaptdetect: max_runtime={limit} s has passed; the remaining rows come out without scores. "
                "Raise it, or split the search")))
        return self.stopped

    def free(self, body: Body) -> Body:
        """The chunk without fields that have the names of the answer."""
        taken = [name for name in self.names() if name in body.names]
        if not taken:
            return body
        self.messages.warn(f"adaptdetect: fields {', '.join(taken)} of the input were replaced. "
                           "Rename them before to keep them")
        return body.drop(taken)

    def names(self) -> list[str]:
        """The new fields; the metrics must be known. Raises BadValue when two would have one name."""
        if not self._names:
            alone = self.reader.long is True or len(self.reader.metrics) == 1
            self._names = fields.names_of(self.reader.metrics, alone)
            twice = sorted({name for name in self._names if self._names.count(name) > 1})
            if twice:
                raise BadValue(f"adaptdetect: two new fields would be called {', '.join(twice)}. Rename one with AS")
        return self._names

    def replies(self, pieces: Iterable[Piece], batch: Batch, place: Ints, result: Result) -> bytes:
        """The reply to the slices of a chunk, whose rows the batch holds. place: panel row of each row, −1 = none."""
        if len(result.status) > 2 * len(place):  # a chunk of many that were scored together
            rows = np.unique(place[place >= 0])
            result, place = result.take(rows), np.where(place >= 0, np.searchsorted(rows, place), -1)
        answer = fields.Answer(result.scores, result.verdicts, result.status)
        metric = None if batch.metric is None else np.maximum(batch.metric, 0)
        self.suppressions.count(batch.window, batch.entity)
        told = {**self._reasons(batch, place, result), **self._suppressed(batch, place, result)}
        cells = answer.columns(place, told, metric)
        is_open = fields.ending(result.verdicts.open, False).take(place)
        self.rows += len(place)
        self.anomalous += int(np.count_nonzero(is_open))
        keep = None
        if self.arguments.only != "all":
            changed = fields.ending(result.verdicts.changed, False).take(place)
            keep = (is_open if self.arguments.only == "anomalies" else changed).tolist()
        out, at = [], 0
        for piece in pieces:
            mine = slice(at, at + piece.rows)
            free = self.free(piece.body)
            lines = piece.cells.lines() if piece.cells is not None and free is piece.body else None
            some = cells if piece.rows == len(place) else [column[mine] for column in cells]
            out.append(free.append_pieces(self.names(), some, None if keep is None else keep[mine], lines))
            at += piece.rows
        return out[0] if len(out) == 1 else b"".join(out)

    def _reasons(self, batch: Batch, place: Ints, result: Result) -> dict[int, str]:
        """Texts from is_anomaly to suppressed_by of the rows that are not plainly normal."""
        state = fields.ending(result.verdicts.state, MISSING).take(place)
        special = np.flatnonzero((state != NORMAL) & (state != MISSING))
        if not len(special):
            return {}
        told = result.take(place[special])
        scores, verdicts = told.scores, told.verdicts
        columns = (
            batch.entity[special], scores.share, scores.metric_score, scores.cause, told.x, scores.expected,
            scores.lower, scores.upper, verdicts.start, verdicts.open, verdicts.score, verdicts.state, told.status,
        )
        return dict(zip(special.tolist(), map(self._reason, *(column.tolist() for column in columns))))

    def _suppressed(self, batch: Batch, place: Ints, result: Result) -> dict[int, str]:
        """The same texts of rows inside a window of suppress=."""
        windows = self.reader.windows
        if windows is None or batch.window is None:
            return {}
        status = fields.ending(result.status, fields.NO_MODEL)[place]
        return {
            int(row): f"0,suppressed,,,info,,,{fields.STATUSES[status[row]]},{quote(windows.reasons[window])}"
            for row, window in enumerate(batch.window.tolist()) if window >= 0
        }

    def _reason(
        self, entity: int, share: list[float], metric_score: list[float], cause: int, x: list[float],
        expected: list[float], lower: list[float], upper: list[float], start: float, is_open: bool, score: float,
        state: int, status: int,
    ) -> str:
        """Everything from is_anomaly to suppressed_by of one row. Lists have one number per metric."""
        calm = not any(share)
        strengths = [0.0 if s != s else s for s in metric_score] if calm else share
        top = strengths.index(max(strengths))
        metrics = self.reader.metrics
        text = reasons.sentence(
            self.arguments.lang, reasons.CALM if calm else cause, metrics[top], x[top], expected[top], lower[top],
            upper[top], start, self.zone, moved_too(metrics, share))
        begun, strength = "", "info"
        if is_open:
            begun = f"{fields.anomaly_id(self.reader.keys[entity], start)},{start:.0f}"
            strength = severity(max(score, 1.0))
        if status == fields.PEER:
            text, strength = self._as_peer(entity, text, strength)
        return (f"{int(is_open)},{fields.STATES[state]},{begun or ','},{strength},{quote(text)},"
                f"{quote(fields.contributors_of(metrics, share))},{fields.STATUSES[status]},")

    def _as_peer(self, entity: int, text: str, strength: str) -> tuple[str, str]:
        """Reason and severity where a group's model judges: it is not sure enough to wake somebody up."""
        group = "" if self.lenders is None else self.lenders.groups.get(entity, "")
        return text + reasons.compared(self.arguments.lang, group), MOST_AS_PEER.get(strength, strength)

    def close(self, what: str) -> None:
        """The closing messages."""
        for text in self.reader.remarks():
            self.messages.warn(text)
        if self.reader.windows is not None:
            self.suppressions.tell(self.info, self.messages, self.arguments.suppress, self.reader.windows.reasons,
                                   self.arguments.model)
        seconds = time.monotonic() - self.started
        self.messages.info(f"adaptdetect: {self.rows} rows of {self.reader.entities} entities scored "
                           f"in {seconds:.1f} s, {self.anomalous} rows in {self.episodes} alert episodes, {what}")
        numbers = {"rows": self.rows, "entities": self.reader.entities, "anomalies": self.anomalous}
        for name, number in {**numbers, "episodes": self.episodes}.items():
            self.messages.metric(name, number)


class Piece:
    """A slice of a chunk, and its cells where it is written as splunkd writes it."""

    def __init__(self, body: Body) -> None:
        self.body, self.cells = body, Cells.of(body)
        self.rows = len(body) if self.cells is None else len(self.cells)


class Result:
    """Scores, verdicts, status and values of panel rows."""

    def __init__(self, scores: Scores, verdicts: Verdicts, status: Ints, x: Floats) -> None:
        self.scores, self.verdicts, self.status, self.x = scores, verdicts, status, x

    def take(self, rows: Ints) -> Result:
        """These rows."""
        verdicts = Verdicts(*(getattr(self.verdicts, f.name)[rows] for f in dataclass_fields(Verdicts)))
        return Result(self.scores.take(rows), verdicts, self.status[rows], self.x[rows])


def nothing(n: int, d: int) -> Result:
    """n rows about which nothing can be said."""
    nan = np.full((n, d), np.nan)
    scores = Scores(np.full(n, np.nan), nan, nan, nan, nan, np.zeros((n, d)), np.zeros(n, dtype=np.int64))
    verdicts = Verdicts(np.full(n, MISSING), np.zeros(n, dtype=bool), np.full(n, np.nan), np.zeros(n, dtype=bool),
                        np.full(n, np.nan))
    return Result(scores, verdicts, np.full(n, fields.NO_MODEL), nan)


def moved_too(metrics: Sequence[str], share: Sequence[float]) -> list[str]:
    """Metrics beside the strangest one that belong to the reason, most first. share: of the evidence, one each."""
    if len(metrics) == 1:
        return []
    order = sorted(range(len(metrics)), key=lambda i: -share[i])
    return [metrics[i] for i in order[1:] if share[i] >= MOVED_TOO * share[order[0]] > 0]


def count_starts(verdicts: Verdicts, g: Ints, known: Floats | None = None) -> int:
    """Episodes: open rows of one entity with one start, missing rows between them or not.

    g: (n,) sorted. known: (entities,) starts of the episodes that were open before, NaN = none: they are not counted.
    """
    rows = np.flatnonzero(verdicts.open)
    start, owner = verdicts.start[rows], g[rows]
    new = np.ones(len(rows), dtype=bool)
    new[1:] = (start[1:] != start[:-1]) | (owner[1:] != owner[:-1])
    if known is not None:
        new &= start != known[owner]
    return int(new.sum())


def zone_of(tz: str) -> object:
    """The tzinfo of a checked zone name, None for UTC."""
    if not tz:
        return None
    from zoneinfo import ZoneInfo

    return ZoneInfo(tz)


class Scoring(Run):
    """With a model: each chunk is answered with what is known so far; the models follow the data."""

    def __init__(self, info: SearchInfo, messages: Messages, arguments: Arguments) -> None:
        super().__init__(info, messages, arguments)
        keep_freed_memory()
        self.detector: Detector | None = None
        self.state: State | None = None
        self.tracker = Tracker(self.settings)
        self.reader.forgiving = True
        self.collection: Collection | None = None
        self.facts = Facts(0)
        self.unknown = self.late_rows = 0

    def execute(self, body: Body, finished: bool) -> bytes | None:
        reply = None
        if body.names:
            reply = self._chunk(body)
        if finished and self.rows:
            self._close()
        return reply

    def _chunk(self, body: Body) -> bytes:
        if self.collection is None:
            self._begin(body)
        pieces = [Piece(piece) for piece in slices(body, SLICE_BYTES)]
        batch = joined([self.reader.read_cut(piece.body, piece.cells) for piece in pieces])
        self._admit(body, batch)
        assert self.detector is not None and self.state is not None
        d = len(self.reader.metrics)
        panel, _, place = batch.panel(self.reader.entities, d)
        if self.late():
            result = nothing(len(panel.t), d)
        else:
            result = self._score(panel)
        return self.replies(pieces, batch, place, result)

    def _score(self, panel: Panel) -> Result:
        assert self.detector is not None and self.state is not None
        self._watch(panel)
        scores, self.state = self.detector.stream(self.state, panel, own=True)
        before = self.tracker.start.copy()
        verdicts = self.tracker.follow(panel.t, scores.score, panel.indptr)
        g = panel.g
        self.episodes += count_starts(verdicts, g, before)
        return Result(scores, verdicts, self._row_status(panel.t, g), panel.x)

    def _row_status(self, t: Floats, g: Ints) -> Ints:
        """Cold entities, and those with their group's model, are trained two days after their first row; old models
        are stale."""
        facts = self.facts
        newest = np.isnan(facts.began[g])
        if newest.any():
            order = np.flatnonzero(newest)
            _, first = np.unique(g[order], return_index=True)
            facts.began[g[order[first]]] = t[order[first]]
        status = facts.status[g]
        warm = ((status == fields.COLD) | (status == fields.PEER)) & (t - facts.began[g] >= COLD_S)
        old = (status == fields.TRAINED) & (t - facts.trained_to[g] > STALE_S)
        out: Ints = np.where(warm, fields.TRAINED, np.where(old, fields.STALE, status))
        return out

    def _begin(self, body: Body) -> None:
        """Opens the collection; in long rows its metrics are the ones that count, whichever come first."""
        self.reader.look(body.names)
        self.collection = Collection(self.info, self.messages, self.arguments.model, self.reader)
        if self.arguments.peer:
            self.lenders = Lenders(self.arguments, self.collection, self.messages)
        if self.reader.long:
            self.reader.metrics, self.reader.closed = self.collection.metrics(), True

    def _admit(self, body: Body, batch: Batch) -> None:
        """Room for entities that came with this chunk, with their stored models where there are any."""
        assert self.collection is not None
        entities, have = self.reader.entities, len(self.facts.status)
        if entities == have and self.state is not None:
            return
        self.collection.load(self.reader.keys[have:entities], have == 0)
        if self.detector is None:
            self._prepare(self.collection.head())
        assert self.detector is not None
        fresh = self.detector.empty(entities - have, len(self.reader.metrics))
        facts, known = self.collection.fill(self.detector, fresh, have)
        if self.lenders is None:
            self.unknown += entities - have - known
        else:
            self.lenders.lend(self.detector, fresh, facts, have, body, batch)
        self.state = fresh if self.state is None else self.state.joined(fresh)
        self.tracker.grow(entities)
        self.facts = self.facts.joined(facts)

    def _prepare(self, head: Mapping[str, str]) -> None:
        """Detector and settings of the collection."""
        self.settings = settings_of(self.arguments, head)
        self.zone = zone_of(self.settings.tz)
        self.tracker = Tracker(self.settings)
        stored = head.get("detector", "")
        name = self.arguments.detector if "detector" in self.arguments.given else stored or "adaptive"
        if (stored or name) != name or name not in registry.DETECTORS:
            raise BadValue(f'adaptdetect: collection "{self.arguments.model}" was trained with detector={stored}; '
                           f'got "{name}". This app has {", ".join(registry.DETECTORS)}')
        self.detector = registry.make(name, self.settings)

    def _watch(self, panel: Panel) -> None:
        """What the user should know about the order of the rows and, from the first chunk, about their step."""
        g = panel.g
        self.late_rows += int((panel.t < self.tracker.clock[g]).sum())
        lengths = np.diff(panel.indptr)
        enough = np.flatnonzero(lengths > FEW_STEPS)
        if self.rows or not len(enough):
            return
        first = panel.indptr[:-1][lengths > 0]
        steps = np.diff(panel.t, prepend=np.nan)
        steps[first] = np.nan
        step = np.full(len(lengths), np.nan)
        step[lengths > 0] = segment_median(np.where(steps > 0, steps, np.nan)[:, None], first)[:, 0]
        ratio = step[enough] / self.facts.span[enough]
        other = enough[(ratio > OTHER_STEP) | (ratio < 1 / OTHER_STEP)]
        if len(other):
            i = int(other[0])
            self.messages.warn(str(SpanMismatch(
                f"adaptdetect: rows of {len(other)} entities do not come at the step of their models: "
                f"{'/'.join(self.reader.keys[i])} every {step[i]:.6g} s, trained on {self.facts.span[i]:.6g} s. "
                "Scores are not comparable; bring the rows to that step, or train again")))

    def _close(self) -> None:
        if self.collection is not None:
            self.collection.remarks()
        if self.lenders is not None:
            self.lenders.remarks()
        if self.late_rows:
            self.messages.warn(f"adaptdetect: {self.late_rows} rows came after newer rows of their entity; they are "
                               "judged by level alone and open no episode. Put rows in order before: | sort 0 _time")
        if self.unknown:
            self.messages.info(f'adaptdetect: {self.unknown} entities have no model in "{self.arguments.model}" yet '
                               "(model_status=cold)")
        self.close(f'with collection "{self.arguments.model}"')

"""adaptdetect without a model: all rows are collected, put in order, and scored in one causal pass."""
from __future__ import annotations

from dataclasses import fields as dataclass_fields

import numpy as np

from adaptive_monitoring.commands import fields
from adaptive_monitoring.commands.rows import Batch, joined
from adaptive_monitoring.commands.scoring import Piece, Result, Run, count_starts, nothing, zone_of
from adaptive_monitoring.commands.stored import COLD_S
from adaptive_monitoring.engine import registry
from adaptive_monitoring.engine.base import Panel, Scores
from adaptive_monitoring.engine.episodes import Verdicts
from adaptive_monitoring.engine.groups import entity_groups
from adaptive_monitoring.engine.replay import replay
from adaptive_monitoring.errors import MissingField
from adaptive_monitoring.protocol.body import aligned

TYPE_CHECKING = False
if TYPE_CHECKING:
    from adaptive_monitoring.commands.options import Arguments
    from adaptive_monitoring.protocol.body import Body
    from adaptive_monitoring.protocol.session import Messages, SearchInfo

CELLS = 2_000_000  # numbers scored at once: bounds the memory of the pass


class Learning(Run):
    """Without a model: collect, order, one causal pass per group of entities, answer."""

    def __init__(self, info: SearchInfo, messages: Messages, arguments: Arguments) -> None:
        super().__init__(info, messages, arguments)
        self.zone = zone_of(self.settings.tz)
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
        if not d:
            raise MissingField(f"adaptdetect: no metric_name in the rows matches "
                               f"{', '.join(field for field, _ in self.arguments.fields) or '*'}")
        batch = joined(self.batches)
        self.batches.clear()
        panel, _, place = batch.panel(self.reader.entities, d)
        result = self._score(panel)
        pieces, at = [], 0
        for body in aligned(self.bodies):
            n = len(body)
            pieces.append(self.replies(map(Piece, body.slices()), batch.rows(at, at + n), place[at:at + n], result))
            at += n
        self.close("learned in this search")
        return b"".join(pieces)

    def _score(self, panel: Panel) -> Result:
        detector = registry.make(self.arguments.detector, self.settings)
        n, d = panel.x.shape
        result = nothing(n, d)
        result = Result(_narrow(result.scores), result.verdicts, np.full(n, fields.COLD), panel.x)
        first = np.full(len(panel.indptr) - 1, np.nan)
        for a, b in entity_groups(panel.indptr, max(1, CELLS // max(d, 1))):
            if self.late():
                break
            low, high = int(panel.indptr[a]), int(panel.indptr[b])
            part = Panel(panel.t[low:high], panel.x[low:high], panel.indptr[a:b + 1] - low)
            scores, verdicts = replay(detector, self.settings, part)
            for f in dataclass_fields(Scores):
                getattr(result.scores, f.name)[low:high] = getattr(scores, f.name)
            for f in dataclass_fields(Verdicts):
                getattr(result.verdicts, f.name)[low:high] = getattr(verdicts, f.name)
            has = np.diff(part.indptr) > 0
            first[a:b][has] = part.t[part.indptr[:-1][has]]
        g = panel.g
        result.status[:] = np.where(panel.t - first[g] >= COLD_S, fields.TRAINED, fields.COLD)
        self.episodes = count_starts(result.verdicts, g)
        return result


def _narrow(scores: Scores) -> Scores:
    """float32 for what only becomes text: halves the memory of wide panels."""
    def small(values: np.ndarray) -> np.ndarray:
        return np.full(values.shape, np.nan, dtype=np.float32)
    metric = {name: small(getattr(scores, name)) for name in ("metric_score", "expected", "lower", "upper", "share")}
    return Scores(score=scores.score.copy(), cause=scores.cause.copy(), **metric)

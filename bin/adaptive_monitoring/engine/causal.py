"""The causal pass of the adaptive detector: new rows, block by block.

A block is scored with what was learned before it; it is learned when the entity's next block begins (learning.py).
Rows are worked on as flat arrays, entity by entity; what exceeds the cuts of evidence.py, a few rows in a hundred, is
looked at in full.
"""

from __future__ import annotations

import numpy as np

from adaptive_monitoring.engine import evidence, profile
from adaptive_monitoring.engine.base import Panel, Scores, Settings, State
from adaptive_monitoring.engine.deviations import Deviations, Work, candidates, deviations, look_back
from adaptive_monitoring.engine.groups import first_rows, lengths_of
from adaptive_monitoring.engine.learning import learn
from adaptive_monitoring.engine.numbers import Floats, Ints, missing_as_nan
from adaptive_monitoring.engine.rolling import every, kth_largest, ranges, some
from adaptive_monitoring.engine.timegrid import BLOCK_S, block_of, slots_of

_AFTERMATH_S = 86400.0  # within a day after an alarm, returns to the expected value are not told
_LARGEST_SCORE = 1e9
_JUST_INSIDE = float(np.nextafter(1.0, 0.0))
_SURELY_INSIDE = 1 - 1e-9  # below, rounding cannot put a value on the other side of its bound
_MOST_ROWS, _MOST_CELLS = 64_000, 256_000  # worked on at once, for the sake of memory


class Pass:
    """One call of stream; the state is changed in place. tell: False when nobody wants the scores."""

    def __init__(self, settings: Settings, state: State, panel: Panel, tell: bool = True) -> None:
        assert state.tail is not None
        self.settings, self.state, self.table, self.panel, self.tell = settings, state, state.table, panel, tell
        self.history = state.tail
        self.eases = tell and bool(self.table["eased"].any())
        self.g = panel.g
        self.rows = self._fresh_rows()
        self.e = self.g.take(self.rows)
        self.t, self.x = panel.t.take(self.rows), missing_as_nan(panel.x.take(self.rows, axis=0))
        self.slots = slots_of(self.t, settings.tz)
        self.sides = evidence.wanted_sides(settings)
        if tell:
            n, d = panel.x.shape
            each = {name: np.full((n, d), np.nan) for name in ("metric_score", "expected", "lower", "upper")}
            nothing = np.zeros((n, d)), np.zeros(n, dtype=np.int64)
            self.out = Scores(score=np.full(n, np.nan), share=nothing[0], cause=nothing[1], **each)

    def _fresh_rows(self) -> Ints:
        """Rows newer than everything the entity has shown so far."""
        t = self.panel.t
        before = np.empty_like(t)
        before[1:] = t[:-1]
        before[self.panel.indptr[:-1][np.diff(self.panel.indptr) > 0]] = -np.inf
        fresh: np.ndarray = t > np.maximum(before, self.table["clock"].take(self.g))
        return fresh.nonzero()[0]

    def go(self) -> None:
        """Scores all new rows into out; the state has then learned every finished block."""
        if self.tell and len(self.rows) < len(self.panel.t):
            self._score_late()
        if not len(self.rows):
            return
        e, block, first, lengths, learns = self._segments()
        order = np.lexsort((e, block))
        cuts = np.append(first_rows(block[order]), len(order))
        for a, b in zip(cuts[:-1].tolist(), cuts[1:].tolist()):
            part = order[a:b]
            self._one_block(int(block[part[0]]), e[part], first[part], lengths[part], learns[part])
        last = np.append(first_rows(self.e)[1:], len(self.e)) - 1
        self.table["clock"][self.e[last]] = self.t[last]

    def finish(self) -> None:
        """Learns blocks in progress that are complete: their next row would belong to the next block.

        For the end of a training: a night that ends with a block must not lose it.
        """
        table, history = self.table, self.history
        ends = (table["block"] + 1) * BLOCK_S
        whole = (history.length > history.middle) & (table["clock"] + 1.5 * table["span"] >= ends)
        e = np.flatnonzero(whole & (table["span"] > 0) & (ends > table["learned_to"]))
        nothing = np.zeros(len(e), dtype=np.int64)
        blocks = table["block"][e]
        for block in np.unique(blocks):
            mine = np.flatnonzero(blocks == block)
            self._one_block(int(block), e[mine], nothing[mine], nothing[mine], np.ones(len(mine), dtype=bool))
        table["learned_to"][e] = ends[e]

    def _segments(self) -> tuple[Ints, Ints, Ints, Ints, np.ndarray]:
        """Runs of new rows of one entity and block, and blocks in progress that are over now, without a new row.

        Returns entity, block, first of the new rows, how many, and whether the block is over.
        """
        block = block_of(self.t)
        change = (self.e[1:] != self.e[:-1]) | (block[1:] != block[:-1])
        first = np.concatenate([[0], np.flatnonzero(change) + 1])
        lengths = lengths_of(first, len(block))
        e, block = self.e[first], block[first]
        over = np.append(e[1:] == e[:-1], False)
        start = first_rows(e)
        current = self.table["block"][e[start]]
        in_progress = self.history.length[e[start]] > self.history.middle[e[start]]
        old = start[in_progress & (current < block[start])]
        if len(old):
            nothing = np.zeros(len(old), dtype=np.int64)
            e, block = np.append(e, e[old]), np.append(block, self.table["block"][e[old]].astype(np.int64))
            first, lengths = np.append(first, nothing), np.append(lengths, nothing)
            over = np.append(over, np.ones(len(old), dtype=bool))
        return e, block, first, lengths, over & ((block + 1) * BLOCK_S > self.table["learned_to"][e])

    def _one_block(self, block: int, e: Ints, first: Ints, lengths: Ints, learns: np.ndarray) -> None:
        """Adds the rows, and works on entities by the thousand rows."""
        history = self.history
        enters = self.table["block"][e] < block
        if some(enters):
            history.begin_block(e[enters], look_back(self.table, self.settings, e[enters]))
            self.table["block"][e[enters]] = block
        has = lengths > 0
        if some(has):
            rows = ranges(first[has], lengths[has])
            slots = [slot.take(rows) for slot in self.slots]
            history.add(e[has], lengths[has], self.t.take(rows), self.x.take(rows, axis=0), slots[0], slots[1])
        end = history.length[e]
        start = np.where(learns, history.middle[e], end - lengths)
        busy = (end > start).nonzero()[0]
        total = (end - start)[busy].cumsum()
        most, a = min(_MOST_ROWS, _MOST_CELLS // max(self.x.shape[1], 1)), 0
        while a < len(busy):
            b = int(np.searchsorted(total, (total[a - 1] if a else 0) + most, side="right"))
            part = busy[a : max(b, a + 1)]
            self._work(Work(self.table, history, e[part], start[part], end[part]), block, first[part], lengths[part],
                       learns[part])
            a += len(part)

    def _work(self, work: Work, block: int, first: Ints, lengths: Ints, learns: np.ndarray) -> None:
        """Scores the new rows and learns the block of those entities whose block is over."""
        learning = some(learns)
        seen = deviations(self.settings, work, learning)
        odd = candidates(self.table, work, seen)
        views = seen.views(odd)
        e = work.row_e[odd]
        each = evidence.each_view(self.table, self.settings, views, e)
        strange, cause = evidence.mixed(self.table, self.settings, views, e, each)
        new = work.number >= work.rows(work.end - lengths - work.start) if work.n > lengths.sum() else None
        persistent = self._score_rows(work, seen, new, first, lengths, (odd, views, each, strange, cause))
        if learning:
            found = np.zeros(work.shape)
            found[odd] = strange
            learn(self.settings, work, seen, found, persistent, learns, block)

    def _score_rows(self, work: Work, seen: Deviations, new: np.ndarray | None, first: Ints, lengths: Ints,
                    strange_rows: tuple[Ints, evidence.Views, Floats, Floats, Ints]) -> Floats:
        """Fuse the metrics of new rows, keep what the alert level is learned from, write what is told.

        new: (n,) bool, None = all. first, lengths: of the entities' new rows. strange_rows: which of the rows have
        evidence, their views, the evidence by view and by metric, the cause. Returns what k of n rows reached, (n,).
        """
        odd, views, each, found, cause = strange_rows
        if new is not None:
            mine = np.flatnonzero(new[odd])
            odd, views, each, found, cause = odd[mine], views.take(mine), each[mine], found[mine], cause[mine]
        e, half = work.row_e[odd], work.day[odd] // 2
        warm = self.table["blocks"][e] > 0
        excess = evidence.unusual(self.table, e, half, found)
        self.history.evidence[work.pos[odd]] = np.where(warm, excess.sum(axis=1), 0.0)
        persistent = self._persistent(work)
        after = self._after_alarm(work, persistent, new, odd)
        if evidence.hide_returns(seen.returns(odd, after), each):
            found, cause = evidence.mixed(self.table, self.settings, views, e, each)
            excess = evidence.unusual(self.table, e, half, found)
        if self.eases:  # only what is told: learning does not know of verdicts, so they can be taken back
            excess = evidence.unusual(self.table, e, half, evidence.eased(self.table, e, found, cause))
        if not self.tell or not some(lengths):
            return persistent
        at = self.rows.take(ranges(first, lengths))
        self._write(work, seen, new, at)
        place = np.cumsum(new)[odd] - 1 if new is not None else odd
        self._write_evidence(at[place], e, np.where(warm[:, None], excess, 0.0), cause)
        return persistent

    def _after_alarm(self, work: Work, persistent: Floats, new: np.ndarray | None, odd: Ints) -> np.ndarray:
        """Which of the odd rows come within a day after an earlier row in alarm; remembers the last alarm."""
        alarm = persistent >= work.rows(self.table["threshold"][work.act])
        rows = (alarm if new is None else alarm & new).nonzero()[0]
        e = work.row_e[odd]
        when = self.table["alarm_at"][e]
        if len(rows):
            before = np.searchsorted(rows, odd) - 1
            same = (before >= 0) & (work.seg[rows[before]] == work.seg[odd])
            when = np.where(same, work.t[rows[before]], when)
        after: np.ndarray = work.t[odd] - when <= _AFTERMATH_S
        if len(rows):
            self.table["alarm_at"][work.row_e[rows]] = work.t[rows]  # of several the last one stays
        return after

    def _persistent(self, work: Work) -> Floats:
        """The k-th largest evidence of the last n rows, for each row: what k of n sees."""
        evidence, recent = self.history.evidence, [self.history.evidence.take(work.pos)]
        deep = every(work.start >= self.settings.open_n)
        depth = None if deep else work.number + work.rows(work.start)
        for i in range(1, self.settings.open_n):
            earlier = evidence.take(work.pos - i if depth is None else np.maximum(work.pos - i, 0))
            recent.append(earlier if depth is None else np.where(depth >= i, earlier, 0.0))
        return kth_largest(recent, self.settings.open_k)

    def _write_evidence(self, at: Ints, e: Ints, excess: Floats, cause: Ints) -> None:
        """What the rows with evidence say; all others have been written as quiet."""
        total = excess.sum(axis=1)[:, None]
        says = ~np.isnan(self.out.score[at])
        self.out.score[at] = np.where(says, total[:, 0] / self.table["threshold"][e], np.nan)
        self.out.share[at] = np.where(total > 0, excess / np.where(total > 0, total, 1.0), 0.0)
        self.out.cause[at] = np.take_along_axis(cause, np.argmax(excess, axis=1)[:, None], 1)[:, 0]

    def _write(self, work: Work, seen: Deviations, new: np.ndarray | None, at: Ints) -> None:
        """Band of the new rows, and a score of 0 where something can be said."""
        first_seen = self.table["constant_seen"][work.act] > 0
        able = (self.table["unit"][work.act] > 0).any(axis=2) | evidence.still(self.table, work.act)
        known = work.rows(first_seen)
        says = work.rows((first_seen & able).any(axis=1))
        if seen.known is not None:
            known = known & seen.known
            says = (known & work.rows(able)).any(axis=1)
        x, expected, scale = work.x, seen.expected, seen.scale
        upper_k, lower_k = map(work.rows, self._reach(work.act))
        if new is not None:
            rows = np.flatnonzero(new)
            known, says, x, expected, scale, upper_k, lower_k = (
                values.take(rows, axis=0) for values in (known, says, x, expected, scale, upper_k, lower_k)
            )
        self.out.score[at] = np.where(says, 0.0, np.nan)
        self._write_band(at, x, expected, scale, known, upper_k, lower_k)

    def _reach(self, e: Ints) -> tuple[Floats, Floats]:
        """Widths of the band above and below, in scales. Two (k, d)."""
        upper_k, lower_k = self.table["upper_k"][e], self.table["lower_k"][e]
        if self.eases:
            wider = evidence.widening(self.table, e)
            return upper_k * wider, lower_k * wider
        return upper_k, lower_k

    def _write_band(self, at: Ints, x: Floats, expected: Floats, scale: Floats, known: np.ndarray, upper_k: Floats,
                    lower_k: Floats) -> None:
        """Band and metric score; the same formula as the bounds lookup."""
        settings, sides = self.settings, self.sides
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            up, down = upper_k * scale, lower_k * scale
            if settings.floor_abs > 0 or settings.floor_rel > 0:
                floor = np.maximum(settings.floor_abs, settings.floor_rel * np.abs(expected))
                up, down = np.maximum(up, floor), np.maximum(down, floor)
            if not every(sides):
                up, down = (side if wanted else np.full(up.shape, np.inf) for side, wanted in zip((up, down), sides))
            upper, lower = expected + up, expected - down
            gap = x - expected
            score = np.maximum(gap / up, gap / -down)
            close = np.nonzero(~(score < _SURELY_INSIDE))
            if len(close[0]):
                outside = (x[close] > upper[close]) | (x[close] < lower[close])
                width = np.where(gap[close] >= 0, up[close], down[close])
                far = np.where(width > 0, score[close], 0.0)
                score[close] = np.where(outside, np.clip(far, 1.0, _LARGEST_SCORE), np.minimum(far, _JUST_INSIDE))
        blank = ~(known & (scale > 0))
        if some(blank):
            upper[blank] = lower[blank] = score[blank] = np.nan
            expected = np.where(known, expected, np.nan)
        self.out.expected[at], self.out.upper[at], self.out.lower[at] = expected, upper, lower
        self.out.metric_score[at] = score

    def _score_late(self) -> None:
        """Rows not newer than the clock: judged by level alone, never learned."""
        late = np.ones(len(self.g), dtype=bool)
        late[self.rows] = False
        at = np.flatnonzero(late)
        e, x = self.g[at], missing_as_nan(self.panel.x[at])
        seg = np.arange(len(e))
        day, week = slots_of(self.panel.t[at], self.settings.tz)
        expected = profile.expected_of(self.table, e, seg, profile.candidates(self.table, e, seg, day, week))
        known = ~np.isnan(x) & (self.table["constant_seen"][e] > 0)
        scale = profile.scale_of(self.table, e, seg, day)
        self._write_band(at, x, expected, scale, known, *self._reach(e))
        worst = np.nan_to_num(self.out.metric_score[at])
        self.out.score[at] = np.where(known.any(axis=1), worst.max(axis=1), np.nan)
        total = worst.sum(axis=1)[:, None]
        self.out.share[at] = np.where(total > 0, worst / np.where(total > 0, total, 1.0), 0.0)

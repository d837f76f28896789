"""The causal pass of the adaptive detector: a tail of earlier rows and the new rows, block by block.

A block is scored with what was learned before it; it is learned when the entity's next block begins.
"""

from __future__ import annotations

import numpy as np

from adaptive_monitoring.engine import evidence, profile, tails, threshold
from adaptive_monitoring.engine.base import Panel, Scores, Settings, State
from adaptive_monitoring.engine.evidence import SIDES, V, Views
from adaptive_monitoring.engine.groups import alike, fill_forward, first_rows, segment_median
from adaptive_monitoring.engine.numbers import Floats, Ints, missing_as_nan
from adaptive_monitoring.engine.rolling import Tail, Windows, kth_largest, ranges
from adaptive_monitoring.engine.timegrid import BLOCK_S, block_of, slots_of

_JUMP_S, _SHIFT_S = 1500.0, 7200.0
_JUMP_ROWS, _SHIFT_ROWS = (3, 240), (5, 480)
_FAR = 3.0  # scales from the expected value: a move from so far out towards it is a return
_AFTERMATH_S = 86400.0  # within a day after an alarm, returns to the expected value are not told
_STILL, _FLAT_UNITS = 2.0**-8, 16.0  # less movement than this part of the usual one is none
_BAND_CAP = 6.0  # the band of one metric never lies beyond p = 1e-6, however high the host's alert level
_MEMORY = 0.5 ** (BLOCK_S / (56 * 86400.0))  # half-life of the tails
_YOUNG = 3.0  # while young, the tails forget faster: the first days are the least typical
_RENEW, _EVERY_BLOCK = 4, 28  # tails are renewed daily, in the first week with every block
_LARGEST_SCORE = 1e9
_JUST_INSIDE = float(np.nextafter(1.0, 0.0))
_COVERED = 0.5  # a block is learned from when rows cover at least half of it
_SKIP = 3  # blocks before evidence counts as typical
_ALARM_WEIGHT, _ALARM_PEAK = 0.25, 1.0  # rows in alarm count a quarter in the tails, and at most the alert level as
# peaks: one incident changes little
_ADOPT_S = 86400.0  # an alarm that lasts longer is learned from again


class Pass:
    """One call of stream: the entity's tail and the new rows, block by block."""

    def __init__(self, settings: Settings, state: State, panel: Panel) -> None:
        self.settings, self.state, self.table, self.panel = settings, state, state.table, panel
        self.sides = evidence.wanted_sides(settings)
        n, d = panel.x.shape
        nan = np.full((n, d), np.nan)
        self.out = Scores(
            np.full(n, np.nan),
            nan.copy(),
            nan.copy(),
            nan.copy(),
            nan.copy(),
            np.zeros((n, d)),
            np.zeros(n, dtype=np.int64),
        )
        self.fresh = self._fresh_rows()
        self.tail, self.new_rows = self._merge()
        self.g = np.repeat(np.arange(len(self.tail.indptr) - 1), np.diff(self.tail.indptr))
        self.is_new = np.zeros(len(self.g), dtype=bool)
        self.is_new[self.new_rows] = True
        self.out_row = np.full(len(self.g), -1, dtype=np.int64)
        self.out_row[self.new_rows] = np.flatnonzero(self.fresh)
        self.slots = slots_of(self.tail.t, settings.tz)

    def _fresh_rows(self) -> np.ndarray:
        """Rows newer than everything the entity has shown so far."""
        t, g = self.panel.t, self.panel.g
        before = np.r_[-np.inf, t[:-1]]
        before[self.panel.indptr[:-1][np.diff(self.panel.indptr) > 0]] = -np.inf
        fresh: np.ndarray = t > np.maximum(before, self.table["clock"][g])
        return fresh

    def _merge(self) -> tuple[Tail, Ints]:
        rows = np.flatnonzero(self.fresh)
        lengths = np.bincount(self.panel.g[rows], minlength=len(self.panel.indptr) - 1)
        x = missing_as_nan(self.panel.x[rows])
        known = (~np.isnan(x)).astype(np.float64)
        added = Tail(np.r_[0, np.cumsum(lengths)], self.panel.t[rows], x, known, np.zeros(len(rows)))
        assert self.state.tail is not None
        tail, new = self.state.tail.joined(added)
        filled = np.nan_to_num(fill_forward(tail.x, tail.indptr)) if not known.all() else tail.x
        return Tail(tail.indptr, tail.t, filled, tail.known, tail.evidence), new

    def go(self) -> Scores:
        """Scores of all new rows; the state has then learned every finished block."""
        self._score_late()
        block = block_of(self.tail.t)
        last = np.full(len(self.tail.indptr) - 1, np.iinfo(np.int64).min)
        has = np.diff(self.tail.indptr) > 0
        last[has] = block[self.tail.indptr[1:][has] - 1]
        live = np.flatnonzero(block >= self.table["block"][self.g])
        order = live[np.argsort(block[live], kind="stable")]
        cuts = np.r_[0, np.flatnonzero(np.diff(block[order])) + 1, len(order)]
        for a, b in zip(cuts[:-1], cuts[1:]):
            rows = order[a:b]
            first = first_rows(self.g[rows])
            lengths = np.diff(np.r_[first, len(rows)])
            for part in alike(lengths) if b > a else []:
                self._one_block(rows[ranges(first[part], lengths[part])], int(block[rows[0]]), last)
        self._finish(block, last, has)
        return self.out

    def _one_block(self, rows: Ints, block: int, last: Ints) -> None:
        e = self.g[rows]
        first = first_rows(e)
        will_learn = (last[e] > block) & ((block + 1) * BLOCK_S > self.table["learned_to"][e])
        needed = will_learn | self.is_new[rows]
        windows = self._windows(rows, e, first) if needed.any() else None
        if windows is None:
            return
        segment = np.repeat(np.arange(len(first)), np.diff(np.r_[first, len(rows)]))
        if not needed.all():
            rows, e, segment, will_learn = rows[needed], e[needed], segment[needed], will_learn[needed]
        views = self._views(rows, e, segment, windows)
        each = evidence.each_view(self.table, self.settings, views, e)
        strange, cause = evidence.mixed(self.table, self.settings, views, e, each)
        new = self.is_new[rows]
        if new.all():
            self._score_rows(rows, e, views, strange, cause, each)
        elif new.any():  # the others were scored by an earlier call and are here to be learned
            self._score_rows(rows[new], e[new], views.take(new), strange[new], cause[new], each[new])
        if will_learn.any():
            self._learn(rows, e, views, strange, will_learn, block)

    def _windows(self, rows: Ints, e: Ints, first: Ints) -> Windows:
        act, middle = e[first], rows[first]
        end = rows[np.r_[first[1:], len(rows)] - 1] + 1
        start = np.maximum(middle - self._look_back(act), self.tail.indptr[act])
        return Windows(self.tail.x, self.tail.known, start, middle, end)

    def _widths(self, e: Ints) -> tuple[Ints, Ints]:
        span = np.where(self.table["span"][e] > 0, self.table["span"][e], 300.0)
        return (
            np.clip(np.round(_JUMP_S / span), *_JUMP_ROWS).astype(np.int64),
            np.clip(np.round(_SHIFT_S / span), *_SHIFT_ROWS).astype(np.int64),
        )

    def _look_back(self, e: Ints) -> Ints:
        short, long = self._widths(e)
        return long + short + self.settings.open_n

    def _views(self, rows: Ints, e: Ints, segment: Ints, windows: Windows) -> Views:
        """The four deviations of each row, in the units that their tails are counted in."""
        x = self.tail.x[rows]
        day, week = self.slots[0][rows], self.slots[1][rows]
        expected, offset = profile.chosen(self.table, e, profile.candidates(self.table, e, day, week))
        scale = profile.scale_of(self.table, e, day)
        short, long = self._widths(e)
        at = windows.column(rows, segment)
        half = np.maximum(short // 2, 2)
        recent, count = windows.mean(windows.rise, segment, at, short)
        now, _ = windows.mean(windows.rise, segment, at + 1, half)
        before, earlier = windows.mean(windows.rise, segment, at + 1 - half, long)
        spread, _ = windows.mean(windows.moves, segment, at + 1, short)
        normal = expected + offset - windows.zero[segment]  # in the windows' terms
        gap = x - windows.zero[segment] - normal
        seen = (count >= np.minimum(short, 3))[:, None] & windows.filled(segment, at, short)
        jump = np.where(seen, gap + normal - recent, 0.0)
        seen = (earlier >= 3)[:, None] & windows.filled(segment, at + 1 - half, long)
        shift = np.where(seen, now - before, 0.0)
        back = _comes_back(gap, recent - normal, scale), _comes_back(now - normal, before - normal, scale)
        with np.errstate(divide="ignore", invalid="ignore"):
            level = np.where(scale > 0, gap / np.where(scale > 0, scale, 1.0), 0.0)
        signed = np.stack([level, jump, shift, self._spread_or_flat(e, segment, windows, at + 1, spread, long)], axis=2)
        known = self.tail.known[rows]
        size = np.where(known[:, :, None] > 0, np.abs(signed), np.nan)
        return Views(size, (signed < 0).astype(np.int64), expected + offset, scale, known, back)

    def _spread_or_flat(
        self, e: Ints, segment: Ints, windows: Windows, end: Ints, spread: Floats, long: Ints
    ) -> Floats:
        """The amount of movement; where a metric that moves has stood still for two hours, minus so many units of it.

        It is the low side of the spread view: how rare it is for this metric is learned as on the high side.
        """
        unit = self.table["unit"][e][:, :, evidence.VIEWS.index("spread")]
        calm = (unit > 0) & (spread < unit * _STILL)
        if not calm.any():
            return spread
        movement, seen = windows.mean(windows.moves, segment, end, long)
        whole = (seen >= long)[:, None] & windows.filled(segment, end, long)
        return np.where(calm & whole & (movement < unit * _STILL), -_FLAT_UNITS * unit, spread)

    def _score_rows(self, rows: Ints, e: Ints, views: Views, strange: Floats, cause: Ints, each: Floats) -> None:
        """Fuse the metrics of new rows, keep what the alert level is learned from, write what is told."""
        half, warm = self.slots[0][rows] // 2, self.table["blocks"][e] > 0
        excess = evidence.unusual(self.table, e, half, strange)
        self.tail.evidence[rows] = np.where(warm, excess.sum(axis=1), 0.0)
        after = self._after_alarm(rows, e)
        if evidence.hide_returns(views, after, each):
            told, cause = evidence.mixed(self.table, self.settings, views, e, each)
            excess = evidence.unusual(self.table, e, half, told)
        self._write(self.out_row[rows], e, np.where(warm[:, None], excess, 0.0), cause, views)

    def _after_alarm(self, rows: Ints, e: Ints) -> np.ndarray:
        """Rows within a day after an earlier row in alarm. (n,) bool; remembers the last alarm."""
        t, index = self.tail.t[rows], np.arange(len(rows))
        first = first_rows(e)
        begin = np.repeat(first, np.diff(np.r_[first, len(rows)]))
        alarm = self._persistent(rows, e) >= self.table["threshold"][e]
        last = np.maximum.accumulate(np.where(alarm, index, -1))
        when = np.where(last >= begin, t[last], self.table["alarm_at"][e])
        before = np.where(index > begin, when[index - 1], self.table["alarm_at"][e])
        self.table["alarm_at"][e[first]] = when[np.r_[first[1:], len(rows)] - 1]
        after: np.ndarray = t - before <= _AFTERMATH_S
        return after

    def _persistent(self, rows: Ints, e: Ints) -> Floats:
        """The k-th largest evidence of the last n rows, for each row: what k of n sees."""
        begin = self.tail.indptr[e]
        recent = [
            np.where(rows - i >= begin, self.tail.evidence[np.maximum(rows - i, 0)], 0.0)
            for i in range(self.settings.open_n)
        ]
        return kth_largest(recent, self.settings.open_k)

    def _write(self, at: Ints, e: Ints, excess: Floats, cause: Ints, views: Views) -> None:
        known = (views.known > 0) & (self.table["constant_seen"][e] > 0)
        able = (self.table["unit"] > 0).any(axis=2) | evidence.still(self.table)
        says = (known & able[e]).any(axis=1)
        total = excess.sum(axis=1)[:, None]
        self.out.score[at] = np.where(says, total[:, 0] / self.table["threshold"][e], np.nan)
        self.out.share[at] = np.where(total > 0, excess / np.where(total > 0, total, 1.0), 0.0)
        self.out.cause[at] = np.take_along_axis(cause, np.argmax(excess, axis=1)[:, None], 1)[:, 0]
        self._write_band(at, e, self.panel.x[at], views.expected, views.scale, known)

    def _write_band(self, at: Ints, e: Ints, x: Floats, expected: Floats, scale: Floats, known: np.ndarray) -> None:
        """Band and metric score; the same formula as the bounds lookup."""
        settings = self.settings
        floor = np.maximum(settings.floor_abs, settings.floor_rel * np.abs(expected))
        sides = self.sides
        with np.errstate(invalid="ignore", over="ignore"):
            up = np.maximum(self.table["upper_k"][e] * scale, floor) if sides[0] else np.full(expected.shape, np.inf)
            down = np.maximum(self.table["lower_k"][e] * scale, floor) if sides[1] else np.full(expected.shape, np.inf)
            usable = known & (scale > 0)
            gap = x - expected
            width = np.where(gap >= 0, up, down)
            score = np.where(width > 0, np.abs(gap) / np.where(width > 0, width, 1.0), 0.0)
            outside = (x > expected + up) | (x < expected - down)
            score = np.where(outside, np.clip(score, 1.0, _LARGEST_SCORE), np.minimum(score, _JUST_INSIDE))
        seen = usable & ~np.isnan(x)
        self.out.expected[at] = np.where(known, expected, np.nan)
        self.out.upper[at] = np.where(usable, expected + up, np.nan)
        self.out.lower[at] = np.where(usable, expected - down, np.nan)
        self.out.metric_score[at] = np.where(seen, score, np.nan)

    def _score_late(self) -> None:
        """Rows not newer than the clock: judged by level alone, never learned."""
        at = np.flatnonzero(~self.fresh)
        if not len(at):
            return
        e, x = self.panel.g[at], missing_as_nan(self.panel.x[at])
        day, week = slots_of(self.panel.t[at], self.settings.tz)
        expected, offset = profile.chosen(self.table, e, profile.candidates(self.table, e, day, week))
        known = ~np.isnan(x) & (self.table["constant_seen"][e] > 0)
        self._write_band(at, e, x, expected + offset, profile.scale_of(self.table, e, day), known)
        worst = np.nan_to_num(self.out.metric_score[at])
        self.out.score[at] = np.where(known.any(axis=1), worst.max(axis=1), np.nan)
        total = worst.sum(axis=1)[:, None]
        self.out.share[at] = np.where(total > 0, worst / np.where(total > 0, total, 1.0), 0.0)

    def _learn(
        self, rows: Ints, e: Ints, views: Views, strange: Floats, chosen: np.ndarray, block: int
    ) -> None:
        """Learn the block for the entities whose next block has begun."""
        chosen = chosen & self._covered(rows, e)[np.searchsorted(np.unique(e), e)]
        if not chosen.any():
            return
        if not chosen.all():
            rows, e, views, strange = rows[chosen], e[chosen], views.take(chosen), strange[chosen]
        persistent = self._persistent(rows, e)
        first = first_rows(e)
        act = e[first]
        alarm = persistent >= self.table["threshold"][e]
        adopting, goes_on = self._alarms(act, first, alarm, block)
        calm = ~alarm | adopting[np.searchsorted(act, e)]
        evidence.learn_usual(self.table, e, self.slots[0][rows] // 2, strange, views.known)
        self._learn_values(rows, e, act, first, views.known, block)
        self._learn_tails(e, act, first, views, views.known * np.where(calm, 1.0, _ALARM_WEIGHT)[:, None])
        limit = _ALARM_PEAK * self.table["threshold"][e]
        remembered = np.where(calm, persistent, np.minimum(persistent, limit))
        self._learn_peaks(act, first, remembered, goes_on)
        self.table["blocks"][act] += 1

    def _covered(self, rows: Ints, e: Ints) -> np.ndarray:
        first = first_rows(e)
        lengths = np.diff(np.r_[first, len(rows)])
        t = self.tail.t[rows]
        covered: np.ndarray = (t[first + lengths - 1] - t[first]) * (lengths + 1) / lengths >= _COVERED * BLOCK_S
        return covered

    def _alarms(self, act: Ints, first: Ints, alarm: np.ndarray, block: int) -> tuple[np.ndarray, np.ndarray]:
        """Entities whose alarm has lasted so long that the new behaviour is learned; those whose alarm just goes on."""
        now = block * BLOCK_S
        since = self.table["alarm_since"][act]
        any_alarm, fresh = np.maximum.reduceat(alarm, first), np.isnan(since)
        self.table["alarms"][act] += any_alarm & fresh & (self.table["blocks"][act] >= _SKIP)
        since = np.where(any_alarm, np.where(fresh, now, since), np.nan)
        self.table["alarm_since"][act] = since
        adopting: np.ndarray = np.nan_to_num(now - since) > _ADOPT_S
        return adopting, any_alarm & ~fresh & ~adopting

    def _learn_values(self, rows: Ints, e: Ints, act: Ints, first: Ints, weight: Floats, block: int) -> None:
        table, t = self.table, self.tail.t[rows]
        x = np.where(self.tail.known[rows] > 0, self.tail.x[rows], np.nan)
        steps = np.where(np.diff(t, prepend=t[:1]) > 0, np.diff(t, prepend=t[:1]), np.nan)
        steps[first] = np.nan
        step = segment_median(steps[:, None], first)[:, 0]
        old = table["span"][act]
        changed = (step > 0) & ((old <= 0) | (step > 1.5 * old) | (step < old / 1.5))
        table["span"][act] = np.where(changed, step, old)
        table["began"][act] = np.where(np.isnan(table["began"][act]), t[first], table["began"][act])
        unseen = act[table["blocks"][act] == 0]
        if len(unseen):
            profile.begin(table, unseen, segment_median(x, first)[np.isin(act, unseen)])
        slots = (self.slots[0][rows], self.slots[1][rows])
        age = (block * BLOCK_S - table["began"][act]) / 86400.0
        profile.learn(
            table, act, first, block, x, profile.candidates(table, e, *slots), slots, weight, age, self.settings.season
        )

    def _learn_tails(self, e: Ints, act: Ints, first: Ints, views: Views, weight: Floats) -> None:
        """Count the block's deviations and renew the lines of evidence."""
        table, d = self.table, weight.shape[1]
        local = np.searchsorted(act, e)
        counts = table["counts"][act]
        counts *= np.minimum(_MEMORY, 1 - _YOUNG / (table["blocks"][act] + _YOUNG + 1))[:, None, None, None, None]
        unit = self._units(act, first, views, weight)
        bins = tails.place(views.size, np.where(unit > 0, unit, np.nan)[local])
        line = ((local[:, None, None] * d + np.arange(d)[None, :, None]) * V + np.arange(V)) * SIDES + views.side
        parts = np.where(np.isnan(views.size) | ~(unit > 0)[local], 0.0, weight[:, :, None])
        added = np.bincount((line * tails.BINS + bins).ravel(), parts.ravel(), minlength=counts.size)
        counts += added.reshape(counts.shape)
        table["counts"][act] = counts
        due = (table["blocks"][act] < _EVERY_BLOCK) | (table["blocks"][act] % _RENEW == 0)
        if due.any():
            who = act[due]
            table["knots"][who] = tails.knots_of(counts[due].astype(np.float64), evidence.LENDS)
            lines = tails.lines_of(table["knots"][who], unit[due][..., None])
            table["height"][who], table["rate"][who], table["start"][who] = lines

    def _units(self, act: Ints, first: Ints, views: Views, weight: Floats) -> Floats:
        """What one unit of each deviation is: the scale for levels, the first mean size for changes."""
        total = np.add.reduceat(weight, first, axis=0)[:, :, None]
        size = np.where(weight[:, :, None] > 0, np.nan_to_num(views.size), 0.0)
        mean = np.add.reduceat(size, first, axis=0) / np.maximum(total, 1e-9)
        mean[:, :, 0] = np.where(mean[:, :, 0] > 0, 1.0, 0.0)
        old = self.table["unit"][act]
        unit = np.where(old > 0, old, np.where(total > 0, mean, 0.0))
        self.table["unit"][act] = unit
        return unit

    def _learn_peaks(self, act: Ints, first: Ints, persistent: Floats, goes_on: np.ndarray) -> None:
        """The block's largest evidence is a peak, unless an alarm just goes on; the level follows from the peaks."""
        table = self.table
        counted = (table["blocks"][act] >= _SKIP) & ~goes_on
        who = act[counted]
        at = (table["peak_count"][who] % threshold.PEAKS).astype(np.int64)
        table["peaks"][who, at] = np.maximum.reduceat(persistent, first)[counted]
        table["peak_count"][who] += 1
        latest = threshold.latest_peaks(table["peaks"][act], table["peak_count"][act])
        table["threshold"][act] = threshold.alert_level(latest, self.settings.budget)
        target = np.minimum((table["threshold"][act] + evidence.FLOOR) / evidence.WEIGHTS[0], _BAND_CAP)[:, None]
        scale_unit = table["unit"][act][:, :, 0]
        for side, name in enumerate(("upper_k", "lower_k")):
            height, rate, start = (table[column][act][:, :, 0, side] for column in ("height", "rate", "start"))
            k = tails.size_at(height, rate, start, target)
            table[name][act] = np.where(scale_unit > 0, k, np.inf)

    def _finish(self, block: Ints, last: Ints, has: np.ndarray) -> None:
        """Keep the rows that the next call needs: the block in progress and the look-back before it."""
        table = self.table
        who = np.flatnonzero(has)
        in_block = block >= last[self.g]
        begin = self.tail.indptr[1:] - np.bincount(self.g[in_block], minlength=len(last))
        begin[who] = np.maximum(begin[who] - self._look_back(who), self.tail.indptr[who])
        self.state.tail = self.tail.keep(begin)
        table["block"][who] = last[who]
        table["clock"][who] = np.maximum(table["clock"][who], self.tail.t[self.tail.indptr[1:][who] - 1])


def _comes_back(gap: Floats, before: Floats, scale: Floats) -> np.ndarray:
    """Moves that at least halve a large distance from the expected value: the end of a problem is not another one."""
    back: np.ndarray = (np.abs(before) > _FAR * scale) & (np.abs(gap) < 0.5 * np.abs(before)) & (scale > 0)
    return back

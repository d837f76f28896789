"""How far each row lies from what is expected and from the rows before it: the views of evidence.py, before they are
weighed.

Means over the rows before come from the running sums of history.py. Where windows reach back before an entity's first
row they are shorter; where fewer than half of their rows hold values nothing is said.
"""

from __future__ import annotations

import numpy as np

from adaptive_monitoring.engine import evidence, profile
from adaptive_monitoring.engine.base import Settings
from adaptive_monitoring.engine.history import History
from adaptive_monitoring.engine.numbers import Floats, Ints
from adaptive_monitoring.engine.rolling import every, ranges, some

_JUMP_S, _SHIFT_S = 1500.0, 7200.0
_JUMP_ROWS, _SHIFT_ROWS = (3, 240), (5, 480)
_FEWEST = 3  # rows that a mean needs
_FAR = 3.0  # scales from the expected value: a move from so far out towards it is a return
_STILL, _FLAT_UNITS = 2.0**-8, 16.0  # less movement than this part of the usual one is none

Table = dict[str, np.ndarray]


def widths(table: Table, e: Ints) -> tuple[Ints, Ints]:
    """Rows in 25 minutes and in two hours of these entities."""
    span = table["span"][e]
    if len(span) > 1 and every(span == span[0]):  # the rule: all hosts report at the same step
        short, long = widths(table, e[:1])
        return short.repeat(len(e)), long.repeat(len(e))
    span = np.where(span > 0, span, 300.0)
    short, long = (np.minimum(np.maximum(np.rint(seconds / span), least), most).astype(np.int64) for
                   seconds, (least, most) in ((_JUMP_S, _JUMP_ROWS), (_SHIFT_S, _SHIFT_ROWS)))
    return short, long


def look_back(table: Table, settings: Settings, e: Ints) -> Ints:
    """Rows before a block that its rows look at."""
    short, long = widths(table, e)
    return long + short + settings.open_n


class Work:
    """Some rows of some entities, worked on together.

    act: (k,) the entities, rising; start, end: (k,) numbers of their first row and behind their last one in history.
    n rows: seg (n,) place in act; row_e (n,) entity; number (n,) from start on; pos (n,) position in history; t, day,
    week (n,); x (n, d), gaps filled.
    """

    def __init__(self, table: Table, history: History, act: Ints, start: Ints, end: Ints) -> None:
        self.table, self.history, self.act, self.start, self.end = table, history, act, start, end
        self.lengths = end - start
        self.first = self.lengths.cumsum() - self.lengths
        self.seg = np.arange(len(act)).repeat(self.lengths)
        self.n = len(self.seg)
        self.number = np.arange(self.n) - self.rows(self.first)
        self.pos = ranges(history.slot[act] + 1 + start, self.lengths)
        self.row_e = self.rows(act)
        self.t, self.x = history.t.take(self.pos), history.x.take(self.pos, axis=0)
        self.day, self.week = (column.take(self.pos).astype(np.int64) for column in (history.day, history.week))
        self.shape = self.x.shape

    def rows(self, values: np.ndarray) -> np.ndarray:
        """What belongs to an entity, for each of its rows. values: (k, …)."""
        return values.repeat(self.lengths, axis=0)  # seven times as fast as values[self.seg]

    def take(self, chosen: np.ndarray) -> Work:
        """The rows of these entities. chosen: (k,) bool."""
        if chosen.all():
            return self
        return Work(self.table, self.history, self.act[chosen], self.start[chosen], self.end[chosen])


class Deviations:
    """Deviations of the rows of a work, all (n, d).

    signed: value against expectation in scales; against the mean of 25 minutes; last rows against two hours; amount of
    movement, or minus so much where a metric stands still. NaN where a value is missing. known: None = all.
    options: expectations of the three profiles, where they are needed for learning.
    """

    def __init__(self, signed: list[Floats], expected: Floats, scale: Floats, known: np.ndarray | None,
                 options: list[Floats] | None, moves: tuple[Floats, Floats, Floats, Floats]) -> None:
        self.signed, self.expected, self.scale, self.known, self.options = signed, expected, scale, known, options
        self._moves = moves

    def views(self, rows: Ints) -> evidence.Views:
        """These rows as evidence.py wants them."""
        signed = np.stack([values[rows] for values in self.signed], axis=2)
        known = np.ones(signed.shape[:2]) if self.known is None else self.known[rows].astype(np.float64)
        side = (signed < 0).astype(np.int64)
        return evidence.Views(np.abs(signed), side, self.expected[rows], self.scale[rows], known)

    def take(self, rows: Ints) -> Deviations:
        """These rows, for learning: what returns() looks at stays that of all rows."""
        known = None if self.known is None else self.known[rows]
        options = None if self.options is None else [option[rows] for option in self.options]
        signed = [values[rows] for values in self.signed]
        return Deviations(signed, self.expected[rows], self.scale[rows], known, options, self._moves)

    def returns(self, rows: Ints, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Whether these rows' jumps and shifts come back to the expected value from far out. after: (m,) asked for.

        Two (m, d) bool.
        """
        out = np.zeros((2, len(rows), self.scale.shape[1]), dtype=bool)
        asked = np.flatnonzero(after)
        if len(asked):
            some = rows[asked]
            gap, recent, now, before = (values[some] for values in self._moves)
            for i, (to, start) in enumerate(((gap, recent), (now, before))):
                out[i, asked] = _comes_back(to, start, self.scale[some])
        return out[0], out[1]


def deviations(settings: Settings, work: Work, learning: bool) -> Deviations:
    """Deviations of every row; learning: the profiles' expectations are wanted, too."""
    table, history, act, x = work.table, work.history, work.act, work.x
    options = profile.candidates(table, act, work.seg, work.day, work.week) if learning else None
    expected = profile.expected_of(table, act, work.seg, options or (work.day, work.week))
    scale = profile.scale_of(table, act, work.seg, work.day)
    means = Means(work)
    short, long = means.short, means.long
    half = np.maximum(short // 2, 2)
    zero = work.rows(history.zero[act])
    normal = expected - zero  # in the sums' terms
    gap = x - zero - normal
    near, far = means.back(work.pos, half), None
    recent, count, filled = means.mean(history.rise, work.pos - 1, means.back(work.pos - 1, short))
    now, _, _ = means.mean(history.rise, work.pos, near)
    far = means.back(near, long)
    before, earlier, filled_before = means.mean(history.rise, near, far)
    spread, _, _ = means.mean(history.moves, work.pos, means.back(work.pos, short))
    jump, shift = gap + normal - recent, now - before
    if not means.deep:
        jump = np.where((count >= np.minimum(means.per_row(short), _FEWEST))[:, None], jump, 0.0)
        shift = np.where((earlier >= _FEWEST)[:, None], shift, 0.0)
    known = None
    if filled is not None and filled_before is not None:
        jump, shift = np.where(filled, jump, 0.0), np.where(filled_before, shift, 0.0)
        known = history.known[work.pos]
    with np.errstate(divide="ignore", invalid="ignore"):
        level = gap / scale
    if not every(scale > 0):
        level = np.where(scale > 0, level, 0.0)
    signed = [level, jump, shift, _spread_or_flat(work, means, spread)]
    if known is not None and not known.all():
        signed = [np.where(known, values, np.nan) for values in signed]
    return Deviations(signed, expected, scale, known, options, (gap, recent - normal, now - normal, before - normal))


def candidates(table: Table, work: Work, seen: Deviations) -> Ints:
    """Rows of the work with a metric that may be strange; all others are not."""
    cuts = table["cuts"][work.act]
    odd = np.zeros(work.shape, dtype=bool)
    for view, signed in enumerate(seen.signed):
        odd |= signed > work.rows(cuts[:, :, view, 0])
        odd |= signed < -work.rows(cuts[:, :, view, 1])
    constant = evidence.still(table, work.act)
    if some(constant):
        odd |= work.rows(constant) & (seen.signed[evidence.JUMP] != 0)
    return (odd.any(axis=1) if odd.shape[1] > 1 else odd[:, 0]).nonzero()[0]


class Means:
    """Means over windows that end at, or before, the rows of a work. short, long: rows, (k,) or one number for all.

    deep: no window reaches back before an entity's first row.
    """

    def __init__(self, work: Work) -> None:
        self.work = work
        self.short, self.long = widths(work.table, work.act)
        if every(self.short == self.short[0]) and every(self.long == self.long[0]):
            self.short, self.long = self.short[0], self.long[0]
        self.deep = every(work.start >= self.long + self.short + 2)
        self.origin = None if self.deep else work.rows(work.history.slot[work.act])

    def per_row(self, width: Ints) -> Ints:
        """A width for each row."""
        return width if np.ndim(width) == 0 else self.work.rows(width)

    def back(self, pos: Ints, width: Ints) -> Ints:
        """So many rows earlier, at most at the origin."""
        earlier: Ints = pos - self.per_row(width)
        return earlier if self.origin is None else np.maximum(earlier, self.origin)

    def mean(self, sums: Floats, last: Ints, before: Ints) -> tuple[Floats, Ints, np.ndarray | None]:
        """Means over the rows behind `before` up to `last`, how many these are, and whether half of them hold values
        (None: no value is missing)."""
        count = last - before
        if self.deep:
            width = int(count[0]) if np.ndim(self.short) == 0 else count[:, None]
        else:
            width = np.maximum(count, 1)[:, None]
        filled = None
        if not self.work.history.complete:
            seen = self.work.history.seen
            filled = (seen.take(last, axis=0) - seen.take(before, axis=0)) / np.maximum(count, 1)[:, None] >= 0.5
        return (sums.take(last, axis=0) - sums.take(before, axis=0)) / width, count, filled


def _spread_or_flat(work: Work, means: Means, spread: Floats) -> Floats:
    """The amount of movement; where a metric that moves has stood still for two hours, minus so many units of it.

    It is the low side of the spread view: how rare it is for this metric is learned as on the high side.
    """
    unit = work.table["unit"][work.act][:, :, evidence.VIEWS.index("spread")]
    calm = spread < work.rows(unit * _STILL)  # never where nothing has moved yet: the unit is 0
    if not some(calm):
        return spread
    before = means.back(work.pos, means.long)
    movement, seen, filled = means.mean(work.history.moves, work.pos, before)
    whole = (seen >= means.per_row(means.long))[:, None]
    if filled is not None:
        whole = whole & filled
    unit = work.rows(unit)
    return np.where(calm & whole & (movement < unit * _STILL), -_FLAT_UNITS * unit, spread)


def _comes_back(gap: Floats, before: Floats, scale: Floats) -> np.ndarray:
    """Moves that at least halve a large distance from the expected value: the end of a problem is not another one."""
    back: np.ndarray = (np.abs(before) > _FAR * scale) & (np.abs(gap) < 0.5 * np.abs(before)) & (scale > 0)
    return back

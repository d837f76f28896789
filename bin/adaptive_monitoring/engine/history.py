"""The last rows of every entity: the block in progress and the look-back before it, with running sums.

Each entity has a slot of its own in flat arrays, so that adding rows touches nothing but these rows, and the mean over
any window is a difference of two cells, whatever the windows' lengths. When a block begins, the rows it may look back
at move to the front of the slot and the sums start anew: an absurd value is forgotten with its block, and any cutting
of a stream into chunks gives the same sums.

Limits: a slot grows by doubling and does not shrink. When there is no place for a larger one, all are laid out anew, or
a quarter of the places is added: about half of the memory may be unused.
"""

from __future__ import annotations

import numpy as np

from adaptive_monitoring.engine.numbers import Floats, Ints
from adaptive_monitoring.engine.rolling import alike, fill_forward, ranges, some

_LEAST = 8  # rows that a new slot has room for
_WORTH = 0.75  # when no more than this part of the places is in slots, the others are given back
_COLUMNS = ("t", "x", "known", "evidence", "day", "week", "rise", "moves", "seen")
_FACTS = ("slot", "room", "length", "middle", "zero")


class History:
    """Rows of many entities. Positions are places in the flat arrays; the row before an entity's first is its origin.

    Per row: t (N,) and day, week (N,) slots of local time, kept in the block only; x, known (N, d), gaps filled, and
    where there were values; evidence (N,) of the host; rise, moves, seen (N, d): sums up to the row of x − zero, of the
    steps' sizes, of known. Per entity: slot, the position of its origin; length, its rows; middle, how many of them
    came before the block; zero (g, d): its first value, so that sums stay small.
    complete: no value was ever missing; known and seen say nothing then.
    """

    def __init__(self, entities: int, d: int) -> None:
        self.slot, self.room, self.length, self.middle = (np.zeros(entities, dtype=np.int64) for _ in range(4))
        self.zero = np.zeros((entities, d))
        self.complete = True
        self.t, self.evidence = np.zeros(0), np.zeros(0)
        self.day, self.week = np.zeros(0, dtype=np.uint8), np.zeros(0, dtype=np.uint8)
        self.x, self.rise, self.moves = (np.zeros((0, d)) for _ in range(3))
        self.known, self.seen = np.zeros((0, d), dtype=bool), np.zeros((0, d), dtype=np.int32)
        self.used = 0

    def copy(self) -> History:
        """An independent one."""
        out = History(0, self.x.shape[1])
        for name in (*_COLUMNS, *_FACTS):
            setattr(out, name, getattr(self, name).copy())
        out.complete, out.used = self.complete, self.used
        return out

    def take(self, entities: Ints) -> History:
        """These entities, in this order."""
        out = History(0, self.x.shape[1])
        size = _sizes(self.room[entities])
        rows = ranges(self.slot[entities], size)
        for name in _COLUMNS:
            setattr(out, name, getattr(self, name)[rows])
        for name in _FACTS:
            setattr(out, name, getattr(self, name)[entities])
        out.slot = np.cumsum(size) - size
        out.complete, out.used = self.complete, len(rows)
        return out

    def beside(self, other: History) -> History:
        """The other's entities behind these; both histories may be given up for it."""
        if self.complete != other.complete:
            self._begin_to_count()
            other._begin_to_count()
        out = History(0, self.x.shape[1])
        for name in _FACTS:
            setattr(out, name, np.concatenate([getattr(self, name), getattr(other, name)]))
        out.slot[len(self.slot) :] += self.used
        for name in _COLUMNS:
            parts = [getattr(self, name)[: self.used], getattr(other, name)[: other.used]]
            setattr(out, name, parts[0] if not len(parts[1]) else np.concatenate(parts))
        out.complete, out.used = self.complete and other.complete, self.used + other.used
        return out

    def begin_block(self, e: Ints, look_back: Ints) -> None:
        """These entities begin a block: they keep so many rows, and the sums start anew."""
        kept = np.minimum(look_back, self.length[e])
        moved = kept > 0
        if some(moved):
            self._to_front(e[moved], kept[moved])
        self.length[e] = self.middle[e] = kept

    def _to_front(self, e: Ints, kept: Ints) -> None:
        source = ranges(self.slot[e] + 1 + self.length[e] - kept, kept)
        target = ranges(self.slot[e] + 1, kept)
        for name in ("x", "evidence") if self.complete else ("x", "evidence", "known"):
            column = getattr(self, name)
            column[target] = column.take(source, axis=0)
        self.zero[e] = self.x[self.slot[e] + 1]
        self._sum(e, kept, target, self.slot[e])

    def add(self, e: Ints, lengths: Ints, t: Floats, x: Floats, day: Ints, week: Ints) -> None:
        """Rows behind those that are there. e: (k,) rising; lengths: (k,) > 0; t (n,), x (n, d), NaN = missing."""
        self._make_room(e, lengths)
        last = self.slot[e] + self.length[e]
        rows = ranges(last + 1, lengths)
        first = lengths.cumsum() - lengths
        missing = np.isnan(x)
        if some(missing):
            self._begin_to_count()
            indptr = np.append(first, len(x))
            x = fill_forward(x, indptr)
            before = np.where(self.length[e, None] > 0, self.x[last], 0.0)
            x = np.where(np.isnan(x), np.repeat(before, lengths, axis=0), x)
        if not self.complete:
            self.known[rows] = ~missing
        self.t[rows], self.x[rows], self.evidence[rows] = t, x, 0.0
        self.day[rows], self.week[rows] = day, week
        new = self.length[e] == 0
        if some(new):
            self.zero[e[new]] = x[first[new]]
        self.length[e] += lengths
        self._sum(e, lengths, rows, last)

    def _sum(self, e: Ints, lengths: Ints, rows: Ints, before: Ints) -> None:
        """Running sums of these rows, continued from the positions before them. lengths: (k,) of the entities' rows."""
        x = self.x.take(rows, axis=0)
        first = lengths.cumsum() - lengths
        previous = np.empty_like(x)
        previous[1:] = x[:-1]
        previous[first] = np.where((before == self.slot[e])[:, None], x[first], self.x[before])
        origin = before == self.slot[e]
        at = before[origin]
        self.rise[at], self.moves[at], self.seen[at] = 0.0, 0.0, 0
        self.rise[rows] = running(x - self.zero[e].repeat(lengths, axis=0), lengths, self.rise[before])
        self.moves[rows] = running(np.abs(x - previous), lengths, self.moves[before])
        if not self.complete:
            self.seen[rows] = running(self.known[rows].astype(np.int32), lengths, self.seen[before])

    def _begin_to_count(self) -> None:
        """A value is missing for the first time: up to now all were known."""
        if self.complete:
            self.complete = False
            rows = ranges(self.slot + 1, self.length)
            self.known[rows] = True
            self.seen[self.slot[self.length > 0]] = 0
            self.seen[rows] = ranges(np.ones_like(self.length), self.length)[:, None]

    def _make_room(self, e: Ints, lengths: Ints) -> None:
        needed = self.length[e] + lengths
        short = needed > self.room[e]
        if not some(short):
            return
        who, kept = e[short], self.length[e[short]]
        room = np.maximum(np.maximum(needed[short], 2 * self.room[who]), _LEAST)
        more = int((room + 1).sum())
        if self.used + more > len(self.t):
            every = self.room.copy()
            every[who] = room
            if _sizes(every).sum() <= _WORTH * (self.used + more):
                self._lay_out(every)
                return
        self._reserve(more)
        slot = self.used + np.cumsum(room + 1) - (room + 1)
        source, target = ranges(self.slot[who], kept + 1), ranges(slot, kept + 1)
        if self.room[who].any():
            for name in _COLUMNS:
                column = getattr(self, name)
                column[target] = column[source]
        self.slot[who], self.room[who] = slot, room
        self.used += more

    def _lay_out(self, room: Ints) -> None:
        """All slots anew, side by side. room: (g,) rows, at least as many as there are."""
        size, kept = _sizes(room), np.minimum(self.length + 1, _sizes(self.room))
        slot = np.cumsum(size) - size
        source, target = ranges(self.slot, kept), ranges(slot, kept)
        self.used = int(size.sum())
        for name in _COLUMNS:
            column = getattr(self, name)
            setattr(self, name, np.zeros((self.used, *column.shape[1:]), column.dtype))
            getattr(self, name)[target] = column[source]
        self.slot, self.room = slot, room

    def _reserve(self, more: int) -> None:
        size = len(self.t)
        if self.used + more <= size:
            return
        extra = max(self.used + more, size + size // 4) - size
        for name in _COLUMNS:
            column = getattr(self, name)
            setattr(self, name, np.concatenate([column, np.zeros((extra, *column.shape[1:]), column.dtype)]))


def _sizes(room: Ints) -> Ints:
    """Places in slots with so much room, origins included; who has never had a row has no origin either."""
    return room + (room > 0)


def running(values: np.ndarray, lengths: Ints, start: np.ndarray) -> np.ndarray:
    """Running sums of segments, from a start each. values: (n, d); lengths: (k,) > 0, sum n; start: (k, d)."""
    k, d = start.shape
    if len(values) == k:
        one: np.ndarray = start + values
        return one
    if len(values) == k * int(lengths[0]) and (lengths == lengths[0]).all():
        table = values.reshape(k, -1, d) if d > 1 else values.reshape(k, -1)
        table[:, 0] += start if d > 1 else start[:, 0]
        return np.cumsum(table, axis=1, dtype=values.dtype).reshape(-1, d)
    out = np.empty_like(values)
    first = np.cumsum(lengths) - lengths
    for part in alike(lengths):
        rows = ranges(first[part], lengths[part])
        longest = int(lengths[part].max())
        table = np.zeros((len(part), longest, d), values.dtype)
        segment, column = np.repeat(np.arange(len(part)), lengths[part]), ranges(0 * part, lengths[part])
        table[segment, column] = values[rows]
        table[:, 0] += start[part]
        out[rows] = np.cumsum(table, axis=1, dtype=values.dtype)[segment, column]
    return out

"""Short windows over the last rows of each entity.

The rows that later windows still need (and the rows of the block in progress) are kept as a tail between calls,
so that any cutting of a stream into chunks gives the same windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from adaptive_monitoring.engine.numbers import Floats, Ints


@dataclass(frozen=True)
class Tail:
    """Last rows of every entity, cut by indptr (g + 1,).

    t: (n,). x: (n, d), gaps filled. known: (n, d), 0 = was missing. evidence: (n,) of the host.
    """

    indptr: Ints
    t: Floats
    x: Floats
    known: Floats
    evidence: Floats

    @staticmethod
    def empty(entities: int, d: int) -> Tail:
        nothing = np.zeros((0, d))
        return Tail(np.zeros(entities + 1, dtype=np.int64), np.zeros(0), nothing, nothing, np.zeros(0))

    def rows(self, index: Ints, indptr: Ints) -> Tail:
        """These rows, cut anew."""
        return Tail(indptr, self.t[index], self.x[index], self.known[index], self.evidence[index])

    def keep(self, first: Ints) -> Tail:
        """The rows from first[i] to the end of entity i. first: (g,)."""
        lengths = self.indptr[1:] - first
        return self.rows(ranges(first, lengths), np.r_[0, np.cumsum(lengths)])

    def take(self, entities: Ints) -> Tail:
        """These entities, in this order."""
        lengths = np.diff(self.indptr)[entities]
        return self.rows(ranges(self.indptr[entities], lengths), np.r_[0, np.cumsum(lengths)])

    def beside(self, other: Tail) -> Tail:
        """The other's entities behind this tail's."""
        indptr = np.r_[self.indptr, self.indptr[-1] + other.indptr[1:]]
        return Tail(
            indptr,
            *(np.concatenate([getattr(self, name), getattr(other, name)]) for name in ("t", "x", "known", "evidence")),
        )

    def joined(self, other: Tail) -> tuple[Tail, Ints]:
        """This tail with the other's rows behind it, entity by entity. Returns also where the other's rows went."""
        before, added = np.diff(self.indptr), np.diff(other.indptr)
        indptr = np.r_[0, np.cumsum(before + added)]
        old, new = ranges(indptr[:-1], before), ranges(indptr[:-1] + before, added)
        index = np.empty(indptr[-1], dtype=np.int64)
        index[old], index[new] = np.arange(len(old)), len(old) + np.arange(len(new))
        both = Tail(
            indptr,
            *(
                np.concatenate([a, b])[index]
                for a, b in (
                    (self.t, other.t),
                    (self.x, other.x),
                    (self.known, other.known),
                    (self.evidence, other.evidence),
                )
            ),
        )
        return both, new


def ranges(first: Ints, lengths: Ints) -> Ints:
    """first[0], first[0] + 1, … for lengths[0] numbers, then the same for the next pair."""
    shift = np.repeat(first - np.r_[0, np.cumsum(lengths)[:-1]] if len(first) else first, lengths)
    return shift + np.arange(int(lengths.sum()))


class Windows:
    """Rolling means over rows of the entities of one block.

    x, known: (n, d) all rows, gaps filled, and where there were values. start, middle, end: (k,) first row of each
    entity's look-back, of its block, behind its block.
    Sums begin at the look-back, so an absurd value is forgotten with it.
    """

    def __init__(self, x: Floats, known: Floats, start: Ints, middle: Ints, end: Ints) -> None:
        back, ahead = middle - start, end - middle
        self.origin = int(back.max()) if len(back) else 0
        width = self.origin + (int(ahead.max()) if len(ahead) else 0)
        rows = ranges(start, end - start)
        self.segment = np.repeat(np.arange(len(start)), end - start)
        column = rows - start[self.segment] + (self.origin - back)[self.segment]
        self.left = self.origin - back
        self.middle = middle
        rise, moves = (np.zeros((len(start), width + 1, x.shape[1])) for _ in range(2))
        if len(rows):
            rise[self.segment, column + 1] = x[rows] - x[start][self.segment]
            inner = column > self.left[self.segment]
            moves[self.segment[inner], column[inner] + 1] = np.abs(x[rows[inner]] - x[rows[inner] - 1])
        self.zero = x[start] if len(start) else np.zeros((0, x.shape[1]))
        self.rise, self.moves = np.cumsum(rise, axis=1, out=rise), np.cumsum(moves, axis=1, out=moves)
        self.values: Floats | None = None  # counts of values, where some are missing
        if len(rows) and not known[rows].all():
            values = np.zeros(rise.shape)
            values[self.segment, column + 1] = known[rows]
            self.values = np.cumsum(values, axis=1, out=values)

    def column(self, rows: Ints, segment: Ints) -> Ints:
        """Where these rows of the block stand."""
        return rows - self.middle[segment] + self.origin

    def mean(self, sums: Floats, segment: Ints, end: Ints, width: Ints) -> tuple[Floats, Ints]:
        """Mean over the `width` columns before `end` (fewer at the entity's beginning), and how many there were."""
        left = np.maximum(end - width, self.left[segment])
        count = np.maximum(end - left, 0)
        total = sums[segment, np.maximum(end, left)] - sums[segment, left]
        return total / np.maximum(count, 1)[:, None], count

    def filled(self, segment: Ints, end: Ints, width: Ints) -> np.ndarray:
        """Whether at least half of these columns hold values and not what a gap was filled with. (k, d) or (1, 1)"""
        if self.values is None:
            return np.ones((1, 1), dtype=bool)
        out: np.ndarray = self.mean(self.values, segment, end, width)[0] >= 0.5
        return out


def kth_largest(columns: Sequence[Floats], k: int) -> Floats:
    """The k-th largest of each cell; columns: arrays of one shape. Bubbles the k largest to the front."""
    columns = list(columns)
    for i in range(k):
        for j in range(i + 1, len(columns)):
            columns[i], columns[j] = np.maximum(columns[i], columns[j]), np.minimum(columns[i], columns[j])
    return columns[k - 1]

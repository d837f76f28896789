"""The flat history of many entities against lists of rows, one entity at a time."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adaptive_monitoring.engine import rolling
from adaptive_monitoring.engine.history import History, running
from adaptive_monitoring.engine.rolling import ranges

NAN = math.nan


class Slow:
    """One entity: its rows as tuples (t, filled, known, day, week, evidence), oldest first."""

    def __init__(self, d: int) -> None:
        self.d = d
        self.rows: list[tuple[float, list[float], list[bool], int, int, float]] = []
        self.middle = 0

    def begin_block(self, look_back: int) -> None:
        kept = min(look_back, len(self.rows))
        self.rows = self.rows[len(self.rows) - kept :]
        self.middle = kept

    def add(self, t: float, x: list[float], day: int, week: int) -> None:
        last = self.rows[-1][1] if self.rows else [0.0] * self.d
        filled = [before if math.isnan(value) else value for value, before in zip(x, last)]
        self.rows.append((t, filled, [not math.isnan(value) for value in x], day, week, 0.0))

    def sums(self) -> tuple[list[list[float]], list[list[float]], list[list[int]]]:
        """rise, moves and seen at the origin and at every row."""
        rise, moves, seen = [[0.0] * self.d], [[0.0] * self.d], [[0] * self.d]
        for i, (_, x, known, *_rest) in enumerate(self.rows):
            before = self.rows[i - 1][1] if i else x
            rise.append([a + v - z for a, v, z in zip(rise[-1], x, self.rows[0][1])])
            moves.append([a + abs(v - b) for a, v, b in zip(moves[-1], x, before)])
            seen.append([a + k for a, k in zip(seen[-1], known)])
        return rise, moves, seen


def check(history: History, slow: list[Slow]) -> None:
    assert len(history.slot) == len(slow)
    for e, twin in enumerate(slow):
        slot, n = int(history.slot[e]), int(history.length[e])
        assert n == len(twin.rows) <= history.room[e] and history.middle[e] == twin.middle
        if not n:
            continue
        rows = np.arange(slot + 1, slot + 1 + n)
        new = rows[twin.middle :]
        for name, column in (("t", 0), ("day", 3), ("week", 4)):
            assert getattr(history, name)[new].tolist() == [row[column] for row in twin.rows[twin.middle :]], name
        assert history.x[rows].tolist() == [row[1] for row in twin.rows]
        assert history.evidence[rows].tolist() == [row[5] for row in twin.rows]
        assert history.zero[e].tolist() == twin.rows[0][1]
        rise, moves, seen = twin.sums()
        at = np.arange(slot, slot + 1 + n)
        assert history.rise[at].tolist() == rise and history.moves[at].tolist() == moves
        if history.complete:
            assert all(all(row[2]) for row in twin.rows)
        else:
            assert history.known[rows].tolist() == [row[2] for row in twin.rows]
            assert history.seen[at].tolist() == seen
    spans = sorted((int(a), int(a + room + 1)) for a, room in zip(history.slot, history.room) if room)
    assert all(end <= start for (_, end), (start, _) in zip(spans, spans[1:]))
    assert not spans or spans[-1][1] <= history.used <= len(history.t) == len(history.seen)


class Both:
    """A history and its twins, treated alike."""

    def __init__(self, entities: int, d: int) -> None:
        self.d, self.fast, self.slow, self.t = d, History(entities, d), [Slow(d) for _ in range(entities)], 0.0

    def add(self, e: list[int], lengths: list[int], values: list[list[float]]) -> None:
        t = self.t + np.arange(len(values), dtype=np.float64)
        day, week = (t % 96).astype(np.int64), (t % 168).astype(np.int64)
        x = np.array(values, dtype=np.float64).reshape(-1, self.d)
        given = x.copy()
        self.fast.add(np.array(e), np.array(lengths), t, x, day, week)
        assert np.array_equal(x, given, equal_nan=True)
        at = 0
        for entity, length in zip(e, lengths):
            for row in range(at, at + length):
                self.slow[entity].add(float(t[row]), values[row], int(day[row]), int(week[row]))
            at += length
        self.t += len(values)

    def begin_block(self, e: list[int], look_back: list[int]) -> None:
        self.fast.begin_block(np.array(e), np.array(look_back))
        for entity, rows in zip(e, look_back):
            self.slow[entity].begin_block(rows)

    def judge(self, e: int, back: int, evidence: float) -> None:
        """Writes the evidence of a row, as a pass does."""
        if back < len(self.slow[e].rows):
            self.fast.evidence[self.fast.slot[e] + self.fast.length[e] - back] = evidence
            self.slow[e].rows[-1 - back] = (*self.slow[e].rows[-1 - back][:5], evidence)

    def take(self, e: list[int]) -> None:
        self.fast, self.slow = self.fast.take(np.array(e, dtype=np.int64)), [copy.deepcopy(self.slow[i]) for i in e]


def draw_rows(data, both: Both, gaps: bool) -> None:
    n = len(both.slow)
    e = sorted(data.draw(st.sets(st.integers(0, n - 1), min_size=1))) if n else []
    if not e:
        return
    most = data.draw(st.sampled_from([1, 2, 9, 40]))
    lengths = data.draw(st.lists(st.integers(1, most), min_size=len(e), max_size=len(e)))
    if data.draw(st.booleans()):
        lengths = [lengths[0]] * len(e)
    # whole numbers, so that sums are exact in any order
    value = st.one_of(st.integers(-50, 50).map(float), st.just(NAN)) if gaps else st.integers(-50, 50).map(float)
    chance = data.draw(st.randoms(use_true_random=False))
    few = data.draw(st.lists(value, min_size=3, max_size=9))
    both.add(e, lengths, [[chance.choice(few) for _ in range(both.d)] for _ in range(sum(lengths))])


def act(data, both: Both, gaps: bool) -> None:
    n = len(both.slow)
    what = data.draw(st.sampled_from(["add", "add", "add", "begin", "take", "beside", "copy", "judge"]))
    if what == "add":
        draw_rows(data, both, gaps)
    elif what == "begin" and n:
        e = sorted(data.draw(st.sets(st.integers(0, n - 1), min_size=1)))
        both.begin_block(e, [data.draw(st.integers(0, 12)) for _ in e])
    elif what == "take":
        both.take(data.draw(st.permutations(range(n)))[: data.draw(st.integers(0, n))])
    elif what == "beside":
        other = Both(data.draw(st.integers(0, 2)), both.d)
        if data.draw(st.booleans()):
            draw_rows(data, other, data.draw(st.booleans()))
        both.fast, both.slow = both.fast.beside(other.fast), both.slow + other.slow
    elif what == "copy":
        both.fast = both.fast.copy()
    elif what == "judge" and n:
        evidence = data.draw(st.sampled_from([0.5, 2.0]))
        both.judge(data.draw(st.integers(0, n - 1)), data.draw(st.integers(0, 3)), evidence)


@given(st.integers(0, 4), st.integers(1, 3), st.data())
@settings(max_examples=150)
def test_any_sequence_of_acts_is_that_of_lists(entities: int, d: int, data) -> None:
    both = Both(entities, d)
    late = data.draw(st.integers(0, 8))  # values are missing from this act on
    for number in range(data.draw(st.integers(1, 12))):
        act(data, both, number >= late)
        check(both.fast, both.slow)


@given(st.data())
def test_copies_and_parts_are_independent(data) -> None:
    both = Both(3, 2)
    for number in range(3):
        draw_rows(data, both, number > 1)
    before = copy.deepcopy(both.slow)
    part = np.array([2, 0])
    twins = [both.fast.copy(), both.fast.take(part)]
    for number in range(4):
        draw_rows(data, both, number > 0)
        both.begin_block([0, 1, 2], [3, 0, 30])
    check(both.fast, both.slow)
    check(twins[0], before)
    check(twins[1], [before[i] for i in part])
    after = copy.deepcopy(both.slow)
    for twin in twins:
        twin.add(np.array([0, 1]), np.array([5, 1]), np.zeros(6), np.full((6, 2), NAN), *[np.zeros(6, dtype=int)] * 2)
        twin.begin_block(np.array([0, 1]), np.array([1, 1]))
    check(both.fast, after)


def test_a_complete_history_beside_one_with_gaps_has_all_its_values() -> None:
    for order in (1, -1):
        parts = [Both(1, 1), Both(2, 1)]
        parts[0].add([0], [3], [[1.0], [2.0], [3.0]])
        parts[1].add([0], [2], [[1.0], [NAN]])
        one, other = parts[::order]
        check(one.fast.beside(other.fast), one.slow + other.slow)


def test_entities_without_rows_can_be_taken_alone_and_beside_others() -> None:
    both, other = Both(2, 1), Both(2, 1)
    check(both.fast.take(np.array([1, 0])), both.slow)
    other.add([1], [2], [[1.0], [2.0]])
    both.fast, both.slow = both.fast.beside(other.fast).beside(History(1, 1)), [*both.slow, *other.slow, Slow(1)]
    check(both.fast, both.slow)
    both.take([4, 3, 0])
    check(both.fast, both.slow)
    both.add([0, 1, 2], [1, 9, 2], [[float(i)] for i in range(12)])
    check(both.fast, both.slow)


def test_sums_do_not_depend_on_how_rows_are_cut() -> None:
    chance = np.random.default_rng(3)
    lengths = np.array([50, 7, 50])
    x = chance.normal(1e6, 1e-3, (lengths.sum(), 2))
    t, e, slots = np.arange(len(x), dtype=np.float64), np.arange(3), np.zeros(len(x), dtype=np.int64)
    whole = History(3, 2)
    whole.add(e, lengths, t, x, slots, slots)
    owner, number = np.repeat(e, lengths), ranges(np.zeros(3, dtype=np.int64), lengths)
    cut = History(3, 2)
    for a, b in ((0, 1), (1, 2), (2, 9), (9, 33), (33, 50)):
        rows = np.flatnonzero((number >= a) & (number < b))
        who, counts = np.unique(owner[rows], return_counts=True)
        cut.add(who, counts, t[rows], x[rows], slots[rows], slots[rows])
    for name in ("rise", "moves", "x", "t"):
        for i in range(3):
            a, b = (getattr(h, name)[h.slot[i] + 1 : h.slot[i] + 1 + lengths[i]] for h in (whole, cut))
            assert a.tobytes() == b.tobytes(), name


def test_an_absurd_value_is_forgotten_with_its_block() -> None:
    both = Both(1, 1)
    both.add([0], [4], [[1e100], [1.0], [2.0], [4.0]])
    both.begin_block([0], [3])
    both.add([0], [1], [[7.0]])
    at = both.fast.slot[0] + both.fast.length[0]
    assert both.fast.moves[at].tolist() == [6.0] and both.fast.rise[at].tolist() == [0.0 + 1 + 3 + 6]


def test_all_slots_of_day_and_week_can_be_kept() -> None:
    history, n = History(1, 1), 200
    day, week = np.arange(n) % 96, np.arange(n) % 168
    history.add(np.array([0]), np.array([n]), np.arange(float(n)), np.zeros((n, 1)), day, week)
    assert history.day[1 : n + 1].tolist() == day.tolist() and history.week[1 : n + 1].tolist() == week.tolist()


@pytest.mark.parametrize("blocks", [1, 12])
def test_memory_is_bounded_by_the_largest_block(blocks: int) -> None:
    """Rows come one by one, entities have lengths of their own: places are given up only while a slot grows."""
    history, lengths = History(4, 1), [5, 30, 100, 400]
    zero = np.zeros(1, dtype=np.int64)
    for _ in range(blocks):
        history.begin_block(np.arange(4), np.array([5, 30, 30, 30]))
        for row in range(max(lengths)):
            who = np.array([e for e in range(4) if row < lengths[e]])
            slots = np.repeat(zero, len(who))
            history.add(who, np.ones_like(who), np.full(len(who), float(row)), np.ones((len(who), 1)), slots, slots)
    assert len(history.t) < 2 * sum(lengths)


@pytest.mark.parametrize("cells", [rolling._FEW_CELLS, 1])
@given(st.lists(st.integers(1, 20), min_size=1, max_size=8), st.integers(1, 2), st.integers(0, 2**32 - 1))
def test_running_sums_are_those_of_loops(cells: int, lengths: list[int], d: int, seed: int) -> None:
    """cells: so many make a table that is small enough for all segments."""
    chance = np.random.default_rng(seed)
    n = sum(lengths)
    for values, start in (
        (chance.normal(size=(n, d)), chance.normal(size=(len(lengths), d))),
        (chance.integers(0, 2, (n, d)).astype(np.int32), chance.integers(0, 9, (len(lengths), d)).astype(np.int32)),
    ):
        wanted, at = [], 0
        for i, length in enumerate(lengths):
            sums = start[i]
            for row in values[at : at + length]:
                sums = sums + row
                wanted.append(sums)
            at += length
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rolling, "_FEW_CELLS", cells)
            patch.setattr(rolling, "_EMPTY", 4 if cells > 1 else 0)
            found = running(values.copy(), np.array(lengths), start)
        assert found.dtype == values.dtype and np.array_equal(found, np.array(wanted))

"""Deviations of rows against a loop that cuts every window out of the raw rows again."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adaptive_monitoring.engine.base import Settings
from adaptive_monitoring.engine.detectors.adaptive import Adaptive
from adaptive_monitoring.engine.deviations import Deviations, Work, deviations, look_back, widths

SETTINGS = Settings()
SPANS = (0.0, 1.0, 60.0, 300.0, 420.0, 900.0, 7200.0)


@dataclass
class Case:
    """Raw rows of entities: x (n, d) with NaN, day, week (n,); the table of all; earlier: rows of the blocks before."""

    table: dict[str, np.ndarray]
    x: list[np.ndarray]
    day: list[np.ndarray]
    week: list[np.ndarray]
    earlier: list[int]

    @property
    def d(self) -> int:
        return int(self.table["constant"].shape[1])


def case(seed: int, lengths: list[int], earlier: list[int], spans: list[float], d: int, gaps: float, odd: bool) -> Case:
    """Whole numbers, so that every sum is exact. odd: of entities some have gaps and others not, some never move."""
    chance = np.random.default_rng(seed)
    g = len(lengths)
    table = Adaptive(SETTINGS).empty(g, d).table
    table["span"][:] = spans
    table["season"][:] = chance.integers(0, 3, (g, d))
    for name in ("constant", "day", "week", "offset"):
        table[name][:] = chance.integers(-40, 40, table[name].shape) / 4
    for name in ("scale", "slot_scale", "power"):
        table[name][:] = chance.choice([0.0, 0.7310585, 2.7182818], table[name].shape)
    table["unit"][:] = chance.choice([0.0, 1.0, 256.0, 4096.0], table["unit"].shape)
    out = Case(table, [], [], [], earlier)
    for n in lengths:
        kind = chance.choice([0.02, 0.3, 1.0]) if odd else 0.5
        steps = np.where(chance.random((n, d)) < kind, chance.integers(-30, 31, (n, d)), 0)
        x = np.cumsum(steps, axis=0) + chance.integers(-100, 100, d) + 0.0
        share = gaps * chance.choice([0.0, 1.0, 3.0], d) if odd else gaps
        x[chance.random((n, d)) < share] = math.nan
        out.x.append(x)
        out.day.append(chance.integers(0, 96, n))
        out.week.append(chance.integers(0, 168, n))
    return out


def slow(case: Case, e: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Signed deviations (n, d, 4), expected and scale (n, d), returns (n, d, 2; NaN = nothing to return from)."""
    x, n, d = case.x[e], len(case.x[e]), case.d
    signed, back = np.full((n, d, 4), math.nan), np.full((n, d, 2), math.nan)
    expected, scale = np.zeros((n, d)), np.zeros((n, d))
    for j in range(d):
        column = x[:, j].tolist()
        filled, known = [], [value == value for value in column]
        for value in column:
            filled.append(value if value == value else filled[-1] if filled else 0.0)
        steps = [abs(b - a) for a, b in zip([filled[0], *filled], filled)] if filled else []
        for i in range(n):
            expected[i, j], scale[i, j] = usual(case, e, i, j)
            signed[i, j], back[i, j] = one(case.table, e, j, i, filled, known, steps, expected[i, j], scale[i, j])
            if not known[i]:
                signed[i, j] = math.nan
    return signed, expected, scale, back


def usual(case: Case, e: int, i: int, j: int) -> tuple[float, float]:
    """Expected value and scale of metric j in row i."""
    table, day, week = case.table, case.day[e][i], case.week[e][i]
    season = int(table["season"][e, j])
    profile = (table["constant"][e, j], table["day"][e, j, day], table["week"][e, j, week])[season]
    scale, slot = table["scale"][e, j], table["slot_scale"][e, j, day]
    if season and slot > 0:
        scale = 0.5 * scale + 0.5 * slot
    return profile + table["offset"][e, j, season], max(scale, 0.05 * math.sqrt(table["power"][e, j]))


def one(table, e: int, j: int, i: int, x, known, steps, expected: float, scale: float):
    """The four deviations of one value, and whether its jump and shift come back."""
    span = table["span"][e] or 300.0
    short, long = (min(max(round(s / span), a), b) for s, a, b in ((1500.0, 3, 240), (7200.0, 5, 480)))
    half = max(short // 2, 2)

    def window(values, last: int, width: int) -> list[float]:
        return values[max(last - width + 1, 0) : max(last + 1, 0)]

    def mean(values: list[float]) -> float:
        return sum(values) / len(values)

    level = (x[i] - expected) / scale if scale > 0 else 0.0
    recent, before, now = window(x, i - 1, short), window(x, i - half, long), window(x, i, half)
    jump = shift = 0.0
    back = [math.nan, math.nan]
    if len(recent) >= 3 and mean(window(known, i - 1, short)) >= 0.5:
        jump = x[i] - mean(recent)
        back[0] = returns(x[i] - expected, mean(recent) - expected, scale)
    if len(before) >= 3 and mean(window(known, i - half, long)) >= 0.5:
        shift = mean(now) - mean(before)
        back[1] = returns(mean(now) - expected, mean(before) - expected, scale)
    spread, unit = mean(window(steps, i, short)), table["unit"][e, j, 3]
    moved = window(steps, i, long)
    whole = len(moved) == long and mean(window(known, i, long)) >= 0.5
    if spread < unit / 256 and whole and mean(moved) < unit / 256:
        spread = -16.0 * unit
    return (level, jump, shift, spread), back


def returns(to: float, start: float, scale: float) -> bool:
    return scale > 0 and abs(start) > 3 * scale and abs(to) < abs(start) / 2


def fast(case: Case, cuts: list[int], learning: bool = False) -> list[tuple[np.ndarray, Deviations]]:
    """(rows, deviations) piece by piece. cuts: rising row numbers at which all entities' block rows are cut.

    rows: (m, 2) entity and number of its raw row.
    """
    g, everybody = len(case.x), np.arange(len(case.x))
    history = Adaptive(SETTINGS).empty(g, case.d).tail
    assert history is not None

    def add(a: list[int], b: list[int]) -> np.ndarray:
        who = np.array([e for e in range(g) if b[e] > a[e]], dtype=np.int64)
        if len(who):
            parts = [[values[e][a[e] : b[e]] for e in who] for values in (case.x, case.day, case.week)]
            x, day, week = (np.concatenate(part) for part in parts)
            history.add(who, np.array([b[e] - a[e] for e in who]), np.arange(float(len(x))), x, day, week)
        return who

    add([0] * g, case.earlier)
    history.begin_block(everybody, look_back(case.table, SETTINGS, everybody))
    at, out = list(case.earlier), []
    for cut in [*cuts, 1 << 30]:
        to = [min(max(cut, a), len(x)) for a, x in zip(at, case.x)]
        act = add(at, to)
        if len(act):
            start = history.length[act] - np.array([to[e] - at[e] for e in act])
            work = Work(case.table, history, act, start, history.length[act])
            rows = np.array([(e, i) for e in act for i in range(at[e], to[e])])
            out.append((rows, deviations(SETTINGS, work, learning)))
        at = to
    return out


def check(case: Case, pieces: list[tuple[np.ndarray, Deviations]]) -> None:
    twins = [slow(case, e) for e in range(len(case.x))]
    for rows, found in pieces:
        signed, expected, scale, back = (np.array([twins[e][i][row] for e, row in rows]) for i in range(4))
        np.testing.assert_allclose(np.stack(found.signed, axis=2), signed, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(found.expected, expected, rtol=1e-12)
        np.testing.assert_allclose(found.scale, scale, rtol=1e-12)
        every = np.arange(len(rows))
        ours = np.stack(found.returns(every, np.ones(len(rows), dtype=bool)), axis=2)
        said = ~np.isnan(back)
        assert np.array_equal(ours[said], back[said] == 1)
        known = ~np.isnan(signed[:, :, 0])
        assert known.all() if found.known is None else np.array_equal(found.known, known)


LENGTHS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 30)), min_size=1, max_size=4)
SEED, GAPS = st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.1, 0.4])


@given(SEED, LENGTHS, st.integers(1, 3), GAPS, st.booleans(), st.data())
@settings(max_examples=100)
def test_deviations_are_those_of_windows_cut_from_the_raw_rows(seed, lengths, d, gaps, odd, data) -> None:
    same = data.draw(st.booleans())
    spans = [data.draw(st.sampled_from(SPANS))] * len(lengths) if same else data.draw(
        st.lists(st.sampled_from(SPANS), min_size=len(lengths), max_size=len(lengths)))
    some = case(seed, [a + b for a, b in lengths], [a for a, _ in lengths], spans, d, gaps, odd)
    check(some, fast(some, data.draw(st.lists(st.integers(0, 70), max_size=4).map(sorted))))


@pytest.mark.parametrize("gaps", [0.0, 0.3])
@pytest.mark.parametrize("spans", [[1.0, 1.0], [10.0, 60.0], [15.0, 7200.0], [4.0, 1e9], [900.0, 7200.0]], ids=str)
def test_long_windows(spans: list[float], gaps: float) -> None:
    some = case(5, [1600, 1300], [800, 100], spans, 2, gaps, True)
    check(some, fast(some, [801, 1000, 1500]))


@pytest.mark.parametrize("spans", [[300.0] * 3, [300.0, 60.0, 900.0]], ids=str)
@pytest.mark.parametrize("gaps", [0.0, 0.2])
def test_rows_cut_in_any_way_have_the_same_deviations_bit_by_bit(spans: list[float], gaps: float) -> None:
    some = case(6, [90, 160, 33], [45, 130, 0], spans, 2, gaps, False)
    chance = np.random.default_rng(7)
    for x in some.x:
        x *= math.pi  # sums are rounded
    whole = by_row(fast(some, []))
    for cuts in (list(range(161)), [50, 131, 140], sorted(chance.integers(0, 160, 9).tolist())):
        for learning in (False, True):
            assert by_row(fast(some, cuts, learning)) == whole


def by_row(pieces: list[tuple[np.ndarray, Deviations]]) -> dict[tuple[int, int], bytes]:
    """All numbers of each (entity, row) as bytes."""
    out = {}
    for rows, found in pieces:
        every = np.arange(len(rows))
        back = [part.astype(np.float64) for part in found.returns(every, np.ones(len(rows), dtype=bool))]
        table = np.stack([*found.signed, found.expected, found.scale, *back], axis=2)
        table = np.where(np.isnan(table), math.nan, table)
        out.update({tuple(row): table[i].tobytes() for i, row in enumerate(rows.tolist())})
    return out


def test_an_entity_in_a_crowd_has_the_deviations_that_it_has_alone() -> None:
    """Whatever the others' steps, lengths and gaps are."""
    crowd = case(8, [120, 60, 200, 1], [60, 0, 150, 0], [300.0, 60.0, 1.0, 0.0], 2, 0.0, False)
    crowd.x[1][5:9] = math.nan
    together = by_row(fast(crowd, [70, 155]))
    for e in range(4):
        table = {name: values[e : e + 1] for name, values in crowd.table.items()}
        alone = Case(table, [crowd.x[e]], [crowd.day[e]], [crowd.week[e]], [crowd.earlier[e]])
        assert by_row(fast(alone, [])) == {(0, i): numbers for (who, i), numbers in together.items() if who == e}


def test_parts_and_views_of_deviations_are_those_of_their_rows() -> None:
    some = case(9, [40, 50], [0, 20], [300.0, 900.0], 2, 0.2, True)
    ((rows, found),) = fast(some, [], learning=True)
    chosen = np.array([3, 30, 31, len(rows) - 1])
    part, views = found.take(chosen), found.views(chosen)
    signed = np.stack(found.signed, axis=2)[chosen]
    np.testing.assert_array_equal(np.stack(part.signed, axis=2), signed)
    np.testing.assert_array_equal(views.size, np.abs(signed))
    assert np.array_equal(views.side == 1, signed < 0) and found.known is not None and part.known is not None
    assert np.array_equal(views.known == 1, found.known[chosen]) and np.array_equal(part.known, found.known[chosen])
    assert part.options is not None and len(part.options) == 3 and part.options[0].shape == (4, 2)
    after = np.array([True, False, True, False])
    every = found.returns(np.arange(len(rows)), np.ones(len(rows), dtype=bool))
    for ours, wanted in zip(found.returns(chosen, after), every):
        assert np.array_equal(ours, wanted[chosen] & after[:, None])


def test_windows_have_rows_for_25_minutes_and_two_hours() -> None:
    table = {"span": np.array([0.0, -1.0, 1.0, 60.0, 300.0, 1000.0, 1e9])}
    short, long = widths(table, np.arange(7))
    assert short.tolist() == [5, 5, 240, 25, 5, 3, 3] and long.tolist() == [24, 24, 480, 120, 24, 7, 5]


def test_huge_numbers_do_not_spill_into_the_next_block() -> None:
    some = case(10, [80], [60], [300.0], 1, 0.0, False)
    wanted = by_row(fast(some, []))
    some.x[0][3] = 1e100  # more than two hours and 25 minutes before the block
    assert by_row(fast(some, [])) == wanted

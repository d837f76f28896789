"""Sums, medians, visits and tails of many segments at once, against loops over one segment."""

from __future__ import annotations

import math
from statistics import fmean, median

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptive_monitoring.engine import groups, profile, tails, threshold
from adaptive_monitoring.engine.rolling import kth_largest, ranges

VALUES = st.one_of(st.just(math.nan), st.integers(-5, 5).map(float), st.sampled_from([1e100, -1e100, 0.1, 1e-300]))
LENGTHS = st.lists(st.integers(1, 7), min_size=1, max_size=6)
SEED = st.integers(0, 2**32 - 1)


def known_median(values: list[float]) -> float:
    known = sorted(value for value in values if value == value)
    if not known:
        return math.nan
    low, high = known[(len(known) - 1) // 2], known[len(known) // 2]
    return low + (high - low) / 2


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(0, 4)), max_size=9))
def test_ranges_are_those_of_python(pairs: list[tuple[int, int]]) -> None:
    first, lengths = (np.array([pair[i] for pair in pairs], dtype=np.int64) for i in (0, 1))
    found = ranges(first, lengths)
    assert found.tolist() == [a + i for a, n in pairs for i in range(n)] and found.dtype == np.int64


@given(st.lists(st.lists(VALUES, min_size=4, max_size=4), min_size=1, max_size=5), st.integers(1, 4))
def test_medians_and_the_kth_largest_of_rows(rows: list[list[float]], k: int) -> None:
    table = np.array(rows)
    np.testing.assert_array_equal(groups.row_median(table), [known_median(row) for row in rows])
    cube = np.stack([table, table[::-1]])
    assert groups.row_median(cube).shape == (2, len(rows))
    np.testing.assert_array_equal(groups.row_median(cube)[1], groups.row_median(table)[::-1])
    plain = np.nan_to_num(table)
    assert kth_largest(list(plain.T), k).tolist() == [sorted(row)[-k] for row in plain.tolist()]


@given(LENGTHS, st.integers(1, 3), SEED, st.booleans())
def test_medians_of_complete_segments_are_those_of_others(lengths: list[int], d: int, seed: int, alike: bool) -> None:
    lengths = [lengths[0]] * len(lengths) if alike else lengths
    values = np.random.default_rng(seed).choice([-3.0, 0.0, 0.1, 1e100, -1e100], (sum(lengths), d))
    first = np.cumsum(lengths) - lengths
    before = values.copy()
    found = groups.segment_median(values, first, complete=True)
    np.testing.assert_array_equal(found, groups.segment_median(values, first))
    wanted = [[known_median(part[:, j].tolist()) for j in range(d)] for part in np.split(values, first[1:])]
    np.testing.assert_array_equal(found, wanted)
    assert np.array_equal(values, before)


@given(LENGTHS, st.integers(1, 2), SEED, st.sampled_from([0.0, 0.5]))
def test_sums_of_entities_are_those_of_their_values(lengths: list[int], d: int, seed: int, missing: float) -> None:
    chance = np.random.default_rng(seed)
    values = chance.integers(-9, 9, (sum(lengths), d)) + 0.0
    known = chance.random(values.shape) >= missing if missing else None
    sums = profile.Sums(np.cumsum(lengths) - lengths, known)
    mean, middle, any_value = sums.mean(values), sums.median(values), sums.any(len(lengths), d)
    at = 0
    for i, length in enumerate(lengths):
        for j in range(d):
            mine = [values[r, j] for r in range(at, at + length) if known is None or known[r, j]]
            assert any_value[i, j] == bool(mine) and mean[i, j] == pytest.approx(fmean(mine) if mine else 0.0)
            np.testing.assert_equal(middle[i, j], median(mine) if mine else math.nan)
        at += length


@given(st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=9), min_size=1, max_size=4), SEED, st.booleans())
def test_visits_are_runs_of_one_entity_in_one_slot(slots: list[list[int]], seed: int, gaps: bool) -> None:
    chance, d = np.random.default_rng(seed), 2
    act = np.sort(chance.permutation(9)[: len(slots)])
    seg, slot = np.repeat(np.arange(len(slots)), [len(s) for s in slots]), np.concatenate(slots)
    values = chance.integers(-9, 9, (len(slot), d)) + 0.0
    known = chance.random(values.shape) < 0.6 if gaps else None
    visits = profile.Visits(act, seg, slot, known)
    runs: list[list[int]] = []
    for row in range(len(slot)):
        if runs and (seg[row], slot[row]) == (seg[runs[-1][0]], slot[runs[-1][0]]):
            runs[-1].append(row)
        else:
            runs.append([row])
    assert visits.entity.tolist() == [act[seg[run[0]]] for run in runs]
    assert visits.slot.tolist() == [slot[run[0]] for run in runs]
    cells, wanted = np.zeros((9, d, 4)), np.zeros((9, d, 4))
    mean = visits.mean(values)
    visits.put(cells, cells[visits.entity, :, visits.slot], mean + 100)
    for v, run in enumerate(runs):
        for j in range(d):
            mine = [values[row, j] for row in run if known is None or known[row, j]]
            assert mean[v, j] == pytest.approx(fmean(mine) if mine else 0.0)
    for v, run in reversed(list(enumerate(runs))):  # of several visits of one slot, the last one counts
        for j in range(d):
            at = (visits.entity[v], j, visits.slot[v])
            last = all((visits.entity[w], visits.slot[w]) != (at[0], at[2]) for w in range(v + 1, len(runs)))
            if last:
                seen = known is None or known[run, j].any()
                wanted[at] = mean[v, j] + 100 if seen else 0.0
    np.testing.assert_array_equal(cells, wanted)


def test_places_are_half_octaves_over_all_magnitudes_and_both_signs() -> None:
    chance = np.random.default_rng(2)
    for unit in (1.0, 0.3, 1e-100, 1e90):
        size = unit * 2.0 ** chance.uniform(-40, 40, 4000) * chance.choice([-1.0, 1.0], 4000)
        found = tails.place(size, np.full(4000, unit))
        wanted = np.clip(np.floor(2 * (np.log2(np.abs(size / unit)) + 8)), 0, tails.BINS - 1)
        assert found.tolist() == wanted.tolist()
    powers = 2.0 ** np.arange(-8, 16)
    assert tails.place(powers, np.ones(24)).tolist() == list(range(0, 48, 2))
    assert tails.place(np.nextafter(powers, 0), np.ones(24)).tolist() == [0, *range(1, 47, 2)]


def test_places_of_what_is_absurd() -> None:
    sizes = np.array([0.0, -0.0, math.nan, math.inf, -math.inf, 1e200, -1e300, 1e-200, 5e-324])
    assert tails.place(sizes, np.ones(9)).tolist() == [0, 0, 0, 47, 47, 47, 47, 0, 0]
    assert tails.place(np.array([1.0, 0.0]), np.zeros(2)).tolist() == [47, 0]


def slow_knots(up: list[float], down: list[float], lends: tuple[float, float]) -> list[list[float]]:
    """Knots of both sides, bin by bin."""
    sides = [[a + 0.1 * b * lent for a, b in zip(mine, other)]
             for mine, other, lent in ((up, down, lends[1]), (down, up, lends[0]))]
    total = sum(map(sum, sides))
    out = []
    for counts in sides:
        share = [(math.fsum(counts[i:]) + 0.5) / (total + 1) for i in range(len(counts) + 1)]
        start = next((i for i, s in enumerate(share) if s <= 0.15), 0)
        middle = next((i for i, s in enumerate(share) if s <= 0.5), 0)
        edge = [2.0 ** (-8 + i / 2) for i in range(len(counts) + 1)]
        weight = math.fsum(counts[start:])
        beyond = math.fsum(c * e * 2**0.25 for c, e in zip(counts[start:], edge[start:])) - weight * edge[start]
        excess = (max(beyond, 0.0) + 1.5 * edge[start]) / (weight + 3)
        out.append([edge[middle], edge[start], -math.log10(share[start]), excess] if total > 0 else [0.0] * 4)
    return out


COUNTS = st.lists(st.tuples(st.integers(0, tails.BINS - 1), st.integers(1, 400)), max_size=6)


@given(st.lists(st.tuples(COUNTS, COUNTS), min_size=1, max_size=4), st.sampled_from([(1.0, 1.0), (1.0, 0.0)]))
def test_knots_are_those_of_loops_over_the_bins(cells, lends: tuple[float, float]) -> None:
    counts = np.zeros((len(cells), 2, tails.BINS))
    for i, both in enumerate(cells):
        for side, pairs in enumerate(both):
            for place, count in pairs:
                counts[i, side, place] += 0.987654321 * count  # no share is exactly a half
    found = tails.knots_of(counts, np.array(lends))
    wanted = [slow_knots(*counts[i].tolist(), lends) for i in range(len(cells))]
    np.testing.assert_allclose(found, wanted, rtol=1e-9)


PEAKS = st.lists(st.one_of(st.floats(0, 20), st.sampled_from([0.0, 5.0, 1e9])), max_size=40)


@given(st.lists(PEAKS, min_size=1, max_size=5), st.sampled_from([0.01, 0.5, 50.0]), SEED, st.integers(40, 112))
def test_alert_levels_of_many_are_those_of_each(rows, budget: float, seed: int, width: int) -> None:
    chance = np.random.default_rng(seed)
    peaks = np.full((len(rows), width), math.nan)
    for i, row in enumerate(rows):
        peaks[i, chance.permutation(width)[: len(row)]] = row
    wanted = [naive.alert_level(row, budget) if row else max(math.log(max(28 / budget, 1.0)), 3.0) for row in rows]
    np.testing.assert_allclose(threshold.alert_level(peaks, budget), wanted, rtol=1e-9)


@pytest.mark.parametrize("count", [0, 1, 11, 12, 13, 50, 111, 112, 113, 150, 224, 1000])
def test_the_latest_peaks_are_those_that_were_written_last(count: int) -> None:
    ring = np.full((2, threshold.PEAKS), math.nan)
    for i in range(count):
        ring[:, i % threshold.PEAKS] = i
    found = threshold.latest_peaks(ring, np.array([count, 0.0]))
    stored = min(count, threshold.PEAKS)
    used = min(stored, max(math.floor(0.7 * stored), 12))
    assert sorted(found[0][~np.isnan(found[0])].tolist()) == list(range(count - used, count))
    assert np.isnan(found[1]).all()

"""Tails against counting, and through the knots that a stored row keeps."""

from __future__ import annotations

import math

import numpy as np
import pytest

from adaptive_monitoring.engine import tails

ONE = np.ones((1, 1))


def counted(up: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Counts (1, 2, BINS) of deviations of both sides, one by one."""
    counts = np.zeros((1, 2, tails.BINS))
    for side, values in enumerate((up, down)):
        for value in values.tolist():
            place = max(0, min(tails.BINS - 1, math.floor(2 * (math.log2(value) + 8)))) if value > 0 else 0
            counts[0, side, place] += 1
    return counts


def evidence(knots: np.ndarray, size: float, side: int = 0) -> float:
    height, rate, start = (part[0, side] for part in tails.lines_of(knots, ONE))
    return float(height + rate * size) if size >= start else 0.0


@pytest.fixture(scope="module")
def sample() -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(7)
    return chance.exponential(1.0, 6000), chance.exponential(0.5, 6000)


def test_places_are_half_octaves_and_what_is_no_number_is_in_the_first() -> None:
    sizes = np.array([2.0**-9, 2.0**-8, 1.0, 1.5, 1e30, np.nan, 0.0])
    assert tails.place(sizes, np.ones(7)).tolist() == [0, 0, 16, 17, tails.BINS - 1, 0, 0]
    assert tails.place(np.array([1.0]), np.array([np.nan])).tolist() == [0]


def test_evidence_is_the_share_of_larger_deviations_from_the_tail_on(sample) -> None:
    knots = tails.knots_of(counted(*sample))
    both = len(sample[0]) + len(sample[1])
    for side, size in ((0, 1.5), (0, 3.0), (0, 5.0), (1, 1.0), (1, 2.0)):
        larger = (sample[side] >= size).sum() + tails.BORROWED * (sample[1 - side] >= size).sum()
        assert evidence(knots, size, side) == pytest.approx(-math.log10(larger / (both * 1.1)), abs=0.15)


def test_evidence_goes_on_growing_as_an_exponential_tail_demands(sample) -> None:
    knots = tails.knots_of(counted(*sample))
    assert evidence(knots, 32.0) - evidence(knots, 16.0) == pytest.approx(16 / math.log(10), rel=0.15)


def test_a_few_incidents_hardly_move_the_tail(sample) -> None:
    """One row in two hundred a hundred times as large: what is ordinary keeps its evidence, the next one stands out."""
    plain = evidence(tails.knots_of(counted(*sample)), 100.0)
    after = evidence(tails.knots_of(counted(np.r_[sample[0], np.full(10, 30.0)], sample[1])), 100.0)
    assert after > 0.7 * plain > 20


def test_knots_are_finite_whatever_was_counted(sample) -> None:
    for counts in (counted(*sample), counted(sample[0][:3], sample[1][:0]), counted(np.full(50, 1e9), np.zeros(9))):
        knots = tails.knots_of(counts)
        assert np.isfinite(knots).all() and (knots[..., 1:] > 0).all()
    assert not tails.knots_of(np.zeros((1, 2, tails.BINS))).any()
    assert evidence(np.zeros((1, 2, tails.KNOT_COUNT)), 1e9) == 0


def test_a_side_that_was_never_seen_borrows_from_the_other() -> None:
    knots = tails.knots_of(counted(np.full(1000, 1.0), np.zeros(0)))
    assert 1 < evidence(knots, 1.0, 1) < -math.log10(0.5 / 1101)
    assert evidence(knots, 1.0, 0) == 0  # what always happens says nothing


def test_what_lies_beyond_the_only_size_ever_seen_is_rare() -> None:
    assert evidence(tails.knots_of(counted(np.full(1000, 1.0), np.zeros(0))), 2.0) > 3


def test_units_scale_the_line(sample) -> None:
    knots = tails.knots_of(counted(*sample))
    height, rate, start = tails.lines_of(knots, ONE)
    other, slower, later = tails.lines_of(knots, 4 * ONE)
    assert np.array_equal(height, other) and np.allclose(rate, 4 * slower) and np.allclose(4 * start, later)
    assert np.isinf(tails.lines_of(knots, 0 * ONE)[2]).all()


def test_the_size_at_some_evidence_is_the_inverse(sample) -> None:
    height, rate, start = tails.lines_of(tails.knots_of(counted(*sample)), ONE)
    for target in (1.5, 3.0, 6.0):
        size = tails.size_at(height, rate, start, np.full((1, 2), target))
        np.testing.assert_allclose(height + rate * size, target)
    assert np.isinf(tails.size_at(np.zeros(1), np.zeros(1), np.full(1, np.inf), np.array([2.0])))[0]


def test_counts_made_from_knots_have_the_weight_and_about_those_tails(sample) -> None:
    knots = tails.knots_of(counted(*sample))
    counts = tails.counts_of(knots, np.array([500.0]))
    assert counts.sum() == pytest.approx(500) and (counts >= 0).all()
    again = tails.knots_of(counts)
    for size in (3.0, 6.0):
        assert evidence(again, size) == pytest.approx(evidence(knots, size), rel=0.25)
    assert not tails.counts_of(np.zeros((1, 2, tails.KNOT_COUNT)), np.array([9.0])).any()

"""Tail probabilities against counting, and through the knots that a stored row keeps."""

from __future__ import annotations

import math

import numpy as np
import pytest

from adaptive_monitoring.engine import tails


def counted(up: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Counts (1, 2, BINS) of deviations of both sides, one by one."""
    counts = np.zeros((1, 2, tails.BINS))
    for side, values in enumerate((up, down)):
        for value in values.tolist():
            place = max(0, min(tails.BINS - 1, math.floor(2 * (math.log2(value) + 8)))) if value > 0 else 0
            counts[0, side, place] += 1
    return counts


@pytest.fixture(scope="module")
def sample() -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(7)
    return chance.exponential(1.0, 6000), chance.exponential(0.5, 6000)


def test_places_are_half_octaves() -> None:
    sizes = np.array([2.0**-9, 2.0**-8, 1.0, 1.5, 1e30, np.nan, 0.0])
    place = tails.position(sizes, np.ones(7))
    assert place[[0, 5, 6]].tolist() == [-1, -1, -1] and place[1] == 0 and place[2] == 16
    assert tails.EDGES[17] <= 1.5 * 1.0001 and 17 <= place[3] < 18 and math.floor(place[4]) == tails.BINS - 1
    assert tails.position(np.array([1.0]), np.array([np.nan])).tolist() == [-1]


def test_evidence_is_the_share_of_larger_deviations_and_an_exponential_beyond(sample) -> None:
    table = tails.evidence_tables(counted(*sample))
    both = len(sample[0]) + len(sample[1])
    for size in (0.5, 1.0, 2.0):
        larger = (sample[0] >= size).sum() + tails.BORROWED * (sample[1] >= size).sum()
        wanted = -math.log10((larger + 0.5) / (both * 1.1 + 1))
        found = tails.evidence(table[0], np.array([0]), tails.position(np.array([size]), np.ones(1)))[0]
        assert found == pytest.approx(wanted, abs=0.05)
    far = tails.evidence(table[0], np.array([0, 0]), tails.position(np.array([16.0, 32.0]), np.ones(2)))
    assert far[1] - far[0] == pytest.approx(16 / math.log(10), rel=0.25)  # the truth: 16 / ln 10 decades


def test_evidence_never_falls_with_size_and_is_finite(sample) -> None:
    for counts in (counted(*sample), counted(sample[0][:3], sample[1][:0]), counted(np.full(50, 1e9), np.zeros(9))):
        table = tails.evidence_tables(counts)
        assert np.isfinite(table).all() and (np.diff(table, axis=-1) >= -1e-9).all() and (table >= 0).all()
    assert not tails.evidence_tables(np.zeros((1, 2, tails.BINS))).any()


def test_a_side_that_was_never_seen_borrows_from_the_other() -> None:
    table = tails.evidence_tables(counted(np.full(1000, 1.0), np.zeros(0)))
    assert 1 < table[0, 1, 15] < -math.log10(0.5 / 1101) and table[0, 1, 15] > table[0, 0, 15]


def test_the_deviation_at_some_evidence_is_the_inverse(sample) -> None:
    tables = tails.evidence_tables(counted(*sample))
    for target in (0.5, 1.5, 3.0, 6.0):
        k = tails.deviation_at(tables, np.full((1, 2), target))
        place = tails.position(k[0], np.ones(2))
        np.testing.assert_allclose(tails.evidence(tables[0], np.array([0, 1]), place), target, rtol=1e-6)
    assert np.isinf(tails.deviation_at(np.zeros((1, tails.BINS + 1)), np.array([2.0])))[0]


def test_knots_keep_the_tail_exactly_however_often_they_are_taken(sample) -> None:
    tables = tails.evidence_tables(counted(*sample))
    knots = tails.knots_of(tables)
    again = tails.tables_of(knots)
    tail = tables >= -math.log10(tails.TAIL_SHARE)
    np.testing.assert_allclose(again[tail], tables[tail], rtol=1e-6)
    bulk = (tables > -math.log10(0.5)) & ~tail
    assert np.abs(again - tables)[bulk].max() < 0.4  # coarse where evidence never counts
    np.testing.assert_allclose(tails.knots_of(again)[..., 2:], knots[..., 2:], rtol=1e-6)
    assert not tails.tables_of(np.zeros((1, 2, tails.KNOT_COUNT))).any()


def test_counts_made_from_tables_have_the_weight_and_give_about_those_tables(sample) -> None:
    tables = tails.evidence_tables(counted(*sample))
    counts = tails.counts_of(tables, np.array([500.0]))
    assert counts.sum() == pytest.approx(500) and (counts >= 0).all()
    assert not tails.counts_of(np.zeros((1, 2, tails.BINS + 1)), np.array([9.0])).any()

"""Flat arrays cut by offsets, against loops."""

from __future__ import annotations

import math
from statistics import median

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from adaptive_monitoring.engine.groups import (
    entity_groups,
    first_rows,
    padded,
    panel_of,
    segment_median,
)
from adaptive_monitoring.engine.rolling import alike, fill_forward

VALUES = st.one_of(st.just(math.nan), st.integers(-5, 5).map(float))
ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4).map(float), VALUES), max_size=30)


@given(ROWS)
def test_a_panel_is_a_stable_sort_by_entity_and_time(rows: list[tuple[int, float, float]]) -> None:
    entity, t, x = (np.array([row[i] for row in rows], dtype=kind) for i, kind in ((0, int), (1, float), (2, float)))
    panel, order = panel_of(entity, t, x.reshape(-1, 1), 4)
    wanted = sorted(range(len(rows)), key=lambda i: (rows[i][0], rows[i][1]))
    assert order.tolist() == wanted and panel.g.tolist() == [rows[i][0] for i in wanted]
    assert panel.indptr.tolist() == [sum(row[0] < g for row in rows) for g in range(5)]


@given(st.lists(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=6), min_size=1, max_size=6))
def test_medians_and_filled_gaps_of_segments(segments: list[list[tuple[float, float]]]) -> None:
    x = np.array([row for segment in segments for row in segment])
    indptr = np.cumsum([0, *map(len, segments)])
    medians, filled = segment_median(x, indptr[:-1]), fill_forward(x, indptr)
    at = 0
    for i, segment in enumerate(segments):
        for column in range(2):
            known = [row[column] for row in segment if row[column] == row[column]]
            assert medians[i, column] == median(known) if known else math.isnan(medians[i, column])
            last = math.nan
            for j, row in enumerate(segment):
                last = row[column] if row[column] == row[column] else last
                assert filled[at + j, column] == last or math.isnan(filled[at + j, column]) == math.isnan(last)
        at += len(segment)


def test_the_median_of_huge_numbers_does_not_overflow() -> None:
    assert segment_median(np.array([[-1e100], [1e100], [1e100], [1e100]]), np.array([0])).tolist() == [[1e100]]
    assert segment_median(np.array([[-1e100], [1e100]]), np.array([0])).tolist() == [[0.0]]


def test_first_rows_and_padding() -> None:
    assert first_rows(np.array([0, 0, 2, 5, 5])).tolist() == [0, 2, 3] and first_rows(np.zeros(0)).tolist() == []
    np.testing.assert_array_equal(padded(np.arange(3.0)[:, None], np.array([0, 1]), -1.0)[:, :, 0], [[0, -1], [1, 2]])


@given(st.lists(st.integers(0, 9), max_size=12), st.integers(1, 12))
def test_groups_of_entities_cover_everybody_once_and_stay_small(lengths: list[int], most: int) -> None:
    indptr = np.cumsum([0, *lengths])
    groups = entity_groups(indptr, most)
    assert [i for a, b in groups for i in range(a, b)] == list(range(len(lengths)))
    assert all(b == a + 1 or indptr[b] - indptr[a] <= most for a, b in groups)


def test_segments_of_very_different_length_are_gathered_so_that_tables_stay_small() -> None:
    lengths = np.array([30_000, *[1, 3] * 500, 20_000])
    parts = alike(lengths)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(lengths)))
    assert sum(len(part) * int(lengths[part].max()) for part in parts) <= 2 * lengths.sum()
    assert len(alike(np.full(9000, 300))) == len(alike(lengths[1:-1])) == len(alike(lengths[:0])) == 1


def test_medians_do_not_depend_on_how_segments_are_gathered() -> None:
    lengths = np.array([5, 30_000, *[2, 7] * 300])
    first, x = np.cumsum(lengths) - lengths, np.random.default_rng(1).normal(size=(lengths.sum(), 2))
    assert len(alike(lengths)) > 1
    wanted = [np.median(part, axis=0) for part in np.split(x, first[1:])]
    np.testing.assert_allclose(segment_median(x, first), wanted, rtol=1e-12)

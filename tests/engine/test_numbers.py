"""Missing is decided once: text to numbers."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from adaptive_monitoring.engine.numbers import LARGEST, Times, missing_as_nan, to_floats

CELLS = {
    "1": 1.0,
    " 2.5 ": 2.5,
    "-3e2": -300.0,
    "1e100": 1e100,
    "-1e100": -1e100,
    "": math.nan,
    " ": math.nan,
    "-": math.nan,
    "null": math.nan,
    "N/A": math.nan,
    "NaN": math.nan,
    "inf": math.nan,
    "-Infinity": math.nan,
    "1e101": math.nan,
    "1e400": math.nan,
    "0x10": math.nan,
    "1,5": math.nan,
    "1\n2": math.nan,
    "1\x00": math.nan,
    "été": math.nan,
    "\udcff": math.nan,
    "5e-324": 5e-324,
}


def test_what_is_no_number_within_range_is_missing() -> None:
    np.testing.assert_array_equal(to_floats(list(CELLS)), list(CELLS.values()))
    clean = [cell for cell, value in CELLS.items() if value == value]
    np.testing.assert_array_equal(to_floats(clean), [CELLS[cell] for cell in clean])  # the fast way
    assert to_floats([]).shape == (0,)


@given(st.lists(st.one_of(st.floats(), st.text(max_size=5)), max_size=8))
def test_a_cell_does_not_depend_on_its_neighbours(cells: list[object]) -> None:
    texts = [repr(cell) if isinstance(cell, float) else str(cell) for cell in cells]
    alone = [float(to_floats([text])[0]) for text in texts]
    np.testing.assert_array_equal(to_floats(texts), alone)
    np.testing.assert_array_equal(Times().read(texts * 2), alone * 2)
    assert all(math.isnan(x) or abs(x) <= LARGEST for x in alone)


def test_numbers_in_range_are_not_copied() -> None:
    x = np.array([1.0, -LARGEST])
    assert missing_as_nan(x) is x
    y = np.array([1.0, np.inf])
    assert np.isnan(missing_as_nan(y)[1]) and y[1] == np.inf

"""Frozen states as text and back."""

from __future__ import annotations

import numpy as np
import pytest
from panels import fleet

from adaptive_monitoring.engine import registry
from adaptive_monitoring.engine.base import SEASONS, Settings, State
from adaptive_monitoring.engine.rowformat import COLUMNS, decode, encode, rounded
from adaptive_monitoring.store.base import PATTERNS, SLOTS_PATTERN


@pytest.fixture(scope="module")
def frozen() -> State:
    detector = registry.make("adaptive", Settings())
    return detector.freeze(detector.fit(fleet()))


LAYOUT = registry.make("adaptive", Settings()).layout


def back(rows: dict[str, list[str]], entity: list[int], metric: list[int], g: int = 2, d: int = 3) -> State:
    return decode(rows, np.array(entity), np.array(metric), g, d, "adaptive", LAYOUT)


def same(a: State, b: State) -> bool:
    return all(np.array_equal(a.table[name], b.table[name], equal_nan=True) for name in LAYOUT)


def test_text_loses_nothing(frozen: State) -> None:
    rows = encode(frozen, LAYOUT)
    assert {len(cells) for cells in rows.values()} == {6} and same(
        frozen, back(rows, [0, 0, 0, 1, 1, 1], [0, 1, 2] * 2)
    )
    assert encode(back(rows, [0, 0, 0, 1, 1, 1], [0, 1, 2] * 2), LAYOUT) == rows


def test_rows_may_stand_in_any_order_and_some_may_be_missing(frozen: State) -> None:
    rows = {name: [cells[i] for i in (5, 0, 4)] for name, cells in encode(frozen, LAYOUT).items()}
    some = back(rows, [1, 0, 1], [2, 0, 1])
    for name in ("level", "scale", "knots", "offsets", "season"):
        assert np.array_equal(some.table[name][[1, 0, 1], [2, 0, 1]], frozen.table[name][[1, 0, 1], [2, 0, 1]])
        assert not some.table[name][0, 1:].any()
    assert np.array_equal(some.table["peaks"], frozen.table["peaks"])


def test_cells_fit_what_the_store_allows(frozen: State) -> None:
    import re

    rows = encode(frozen, LAYOUT)
    for season in SEASONS:
        state = State("adaptive", {**frozen.table, "season": np.full((2, 3), float(SEASONS.index(season)))})
        assert all(re.fullmatch(SLOTS_PATTERN, cell) for cell in encode(state, LAYOUT)["slots"])
    assert all(re.fullmatch(PATTERNS["state"], cell) for cell in rows["state"])
    assert set(rows) <= {*COLUMNS, "season", "slots", "state"}


def test_rounding_is_what_text_does_and_happens_once() -> None:
    x = np.random.default_rng(1).normal(size=50) * 10.0 ** np.arange(-25, 25)
    for name, digits in (("scale", 6), ("level", 12), ("began", 15)):
        once = rounded(x, name)
        assert np.array_equal(rounded(once, name), once) and np.allclose(once, x, rtol=10.0 ** (1 - digits))
    assert np.isnan(rounded(np.array([np.nan, np.inf]), "scale"))[0]


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("state", ""),
        ("state", "unit=1"),
        ("state", None),
        ("level", "x"),
        ("season", "month"),
        ("scale", "1 2"),
    ],
)
def test_cells_that_nobody_wrote_are_a_value_error(frozen: State, column: str, cell: str | None) -> None:
    rows = encode(frozen, LAYOUT)
    rows[column][2] = rows[column][2] + " 7" if cell is None else cell
    with pytest.raises(ValueError):
        back(rows, [0, 0, 0, 1, 1, 1], [0, 1, 2] * 2)

"""Many numbers as text at once, against Python's "%.6g"."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adaptive_monitoring.commands import digits

EDGES = [0.0, 1e-4, 999_999.5, 1e-5, 1e6, 5e-324, 2.2250738585072014e-308, 1e100, 1.7976931348623157e308, 1 / 3, 2 / 3]
SIX = st.tuples(st.integers(0, 9_999_999), st.integers(-12, 8)).map(lambda pair: pair[0] * 10.0 ** pair[1])
TEXTS = st.tuples(st.integers(0, 1_999_999), st.integers(0, 12)).map(lambda pair: float(f"{pair[0]}e-{pair[1]}"))
WHOLE = st.integers(-(10**6), 10**6).map(float)
NUMBERS = st.one_of(st.floats(), st.floats(-2e6, 2e6), st.floats(0, 1e-3), SIX, TEXTS, WHOLE)


def slow(value: float) -> str:
    return "," + ("%.6g" % value if math.isfinite(value) else "")


def check(values: np.ndarray) -> None:
    assert digits.texts([values]) == [slow(value) for value in values.tolist()]


def around(values: np.ndarray, steps: int = 3) -> np.ndarray:
    """The values, their neighbours among the floats, and all of them with the other sign."""
    up = down = np.asarray(values, dtype=np.float64)
    out = [up]
    with np.errstate(over="ignore"):
        for _ in range(steps):
            up, down = np.nextafter(up, np.inf), np.nextafter(down, -np.inf)
            out += [up, down]
    every = np.concatenate(out)
    return np.concatenate([every, -every])


@given(st.lists(NUMBERS, max_size=60))
@settings(max_examples=300)
def test_texts_are_those_of_python(values: list[float]) -> None:
    check(np.array(values, dtype=np.float64))


def test_powers_of_ten_and_other_edges_and_their_neighbours() -> None:
    check(around(np.array([*EDGES, *(float(f"1e{i}") for i in range(-320, 308))])))
    check(np.array([math.nan, math.inf, -math.inf, -0.0, 0.0]))
    assert digits.texts([np.array([-0.0, math.nan, 1e-4, 1e-5])]) == [",-0", ",", ",0.0001", ",1e-05"]


@pytest.mark.parametrize("decimals", range(-1, 10))
def test_halves_and_round_numbers_of_every_magnitude(decimals: int) -> None:
    chance = np.random.default_rng(decimals + 1)
    number = np.concatenate([chance.integers(100_000, 1_000_000, 1500), [100_000, 999_999, 999_998, 100_001, 500_000]])
    halves = np.array([float(f"{n}.5e-{decimals}".replace("--", "")) for n in number.tolist()])
    whole = np.array([float(f"{n}e-{decimals}".replace("--", "")) for n in number.tolist()])
    check(around(halves))
    check(around(whole, 1))
    check(around(np.float64(10.0) ** (5 - decimals) - np.array([0.5, 0.05, 0.005]) * 10.0 ** (-decimals)))


def test_all_texts_of_up_to_three_digits() -> None:
    check(np.concatenate([np.arange(1000) * scale for scale in (1.0, 1e3, 0.1, 0.01, 1e-3, 1e-4, 1e-6)]))
    check(np.arange(1000) * 1001.0)


def test_every_magnitude() -> None:
    chance = np.random.default_rng(9)
    check(10.0 ** chance.uniform(-6, 8, 20_000) * chance.choice([-1.0, 1.0], 20_000))
    check(chance.integers(0, 2**63, 5000).view(np.float64))


def test_columns_stand_side_by_side_whatever_the_number_of_rows() -> None:
    for n in (0, 1, 1999, 2000, 2001, 4100):
        columns = [np.linspace(-1e5, 2e6, n), np.full(n, np.nan), np.linspace(0, 1, n)]
        wanted = ["".join(map(slow, row)) for row in zip(*(column.tolist() for column in columns))]
        assert digits.texts(columns) == wanted

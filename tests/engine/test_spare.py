"""What a stored row keeps beside the chosen season."""

from __future__ import annotations

import numpy as np
import pytest

from adaptive_monitoring.engine import spare
from adaptive_monitoring.engine.timegrid import DAY_SLOTS, WEEK_SLOTS


def test_every_pair_of_digits_returns_to_its_slot() -> None:
    digits = np.random.default_rng(1).integers(0, 100, size=(3, 2, 48)).astype(np.float64)
    packed = spare.pack(digits)
    assert packed.shape == (3, 2, 16) and packed.max() < 10**6
    assert np.array_equal(spare.unpack(packed), digits)


def test_forged_numbers_are_taken_as_their_edges() -> None:
    back = spare.pack(spare.unpack(np.array([[[-5.0, np.nan, np.inf, 1e30, 12.7]]])))
    assert back[0, 0].tolist() == [0, 0, 999999, 999999, 12]


def profiles(season: float, blocks: float) -> dict[str, np.ndarray]:
    chance = np.random.default_rng(2)
    return {
        "constant": np.full((1, 1), 50.0), "season": np.full((1, 1), season), "scale": np.full((1, 1), 2.0),
        "day": 50.0 + chance.normal(size=(1, 1, DAY_SLOTS)), "week": 50.0 + chance.normal(size=(1, 1, WEEK_SLOTS)),
        "blocks": np.array([blocks]),
    }


@pytest.mark.parametrize("season", [0.0, 1.0, 2.0])
def test_profiles_that_were_not_chosen_come_back_within_a_part(season: float) -> None:
    table = profiles(season, 20.0)
    day, week = spare.packed(table, table["scale"])
    out = {"constant": table["constant"], "day": table["day"].copy(), "week": table["week"].copy()}
    if season == 0:
        out["day"][:] = 50.0
    if season != 2:
        out["week"][:] = spare.hours_of(out["day"])
    spare.unpack_into(out, {**table, "rest_day": day, "rest_week": week})
    part = 2.0 / 8
    assert np.abs(out["day"] - table["day"]).max() <= part
    assert np.abs(out["week"] - table["week"]).max() <= 2 * part
    assert day.any() == (season == 0) and week.any() == (season != 2)


def test_nothing_is_kept_once_the_season_is_settled() -> None:
    table = profiles(0.0, spare.SETTLED_BLOCKS)
    assert not any(values.any() for values in spare.packed(table, table["scale"]))


def test_small_steps_survive_many_nights_of_rounding() -> None:
    value = np.zeros(WEEK_SLOTS)
    for night in range(200):
        value = np.floor(value + 0.1 + spare.dither(np.array([4.0 * night]), WEEK_SLOTS)[0, 0])
    assert abs(value.mean() - 20.0) < 1.0

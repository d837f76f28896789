"""Evidence of single metrics: first moves, what is usual by now, returns, causes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adaptive_monitoring.engine import evidence
from adaptive_monitoring.engine.base import CAUSES, Settings
from adaptive_monitoring.engine.evidence import FIRST, FLOOR, SECOND, Views
from adaptive_monitoring.engine.timegrid import BLOCK_S

JUMP, SHIFT, SPREAD = (evidence.VIEWS.index(name) for name in ("jump", "shift", "spread"))
ENTITY = np.zeros(1, dtype=np.int64)


def views(size: list[float], down: bool = False) -> Views:
    """One row of one metric, expected at 100 with a scale of 1. size: of each view."""
    one = np.ones((1, 1))
    side = np.full((1, 1, evidence.V), int(down))
    return Views(np.array([[size]]), side, 100 * one, one, one)


def constant(blocks: float = 10.0, span: float = 300.0) -> evidence.Table:
    """The table of one metric that never moved in so many blocks."""
    return {"unit": np.zeros((1, 1, evidence.V)), "constant_seen": np.full((1, 1), blocks),
            "blocks": np.array([blocks]), "span": np.array([span])}


def strange(table: evidence.Table, seen: Views, settings: Settings | None = None) -> float:
    found = evidence.mixed(table, settings or Settings(), seen, ENTITY, np.zeros((1, 1, evidence.V)))[0]
    return float(found[0, 0])


def test_the_first_move_of_a_constant_metric_is_as_rare_as_its_rows() -> None:
    jump = views([0.0, 5.0, 0.0, 0.0])
    assert strange(constant(), jump) == pytest.approx(np.log10(1 + 10 * BLOCK_S / 300) - FLOOR)
    assert strange(constant(), views([0.0] * 4)) == 0  # it stands still
    assert strange(constant(blocks=7), jump) == 0  # not known for long enough
    assert strange({**constant(), "unit": np.ones((1, 1, evidence.V))}, jump) == 0  # it has moved before


def test_a_first_move_to_the_unwanted_side_or_below_the_floor_is_none() -> None:
    up, down = views([0.0, 5.0, 0.0, 0.0]), views([0.0, 5.0, 0.0, 0.0], down=True)
    for direction, wanted, unwanted in (("high", up, down), ("low", down, up)):
        only = Settings(direction=direction)
        assert strange(constant(), unwanted, only) == 0 < strange(constant(), wanted, only)
    assert strange(constant(), up, Settings(floor_abs=6)) == 0 < strange(constant(), up, Settings(floor_abs=4))
    assert strange(constant(), up, Settings(floor_rel=0.06)) == 0 < strange(constant(), up, Settings(floor_rel=0.04))


def test_the_second_strongest_view_confirms_the_strongest() -> None:
    each = np.array([[[1.0, 4.0, 6.0, 2.0]]])
    table = {**constant(), "unit": np.ones((1, 1, evidence.V))}
    found, cause = evidence.mixed(table, Settings(), views([1.0] * 4), ENTITY, each)
    assert found[0, 0] == pytest.approx(FIRST * 6 + SECOND * 4 - FLOOR) and cause[0, 0] == SHIFT


def test_too_little_movement_is_called_flat() -> None:
    each = np.zeros((1, 1, evidence.V))
    each[..., SPREAD] = 5.0
    for down, word in ((False, "spread"), (True, "flat")):
        cause = evidence.mixed(constant(), Settings(), views([1.0] * 4, down), ENTITY, each)[1]
        assert CAUSES[cause[0, 0]] == word


def usual_after(
    e: list[int], half: list[int], found: list[float], known: list[float], before: float = 0.0
) -> np.ndarray:
    """What is usual, (2, 48), after one block of rows of one metric."""
    table = {"usual": np.full((2, 1, evidence.HALF_HOURS), before)}
    evidence.learn_usual(table, np.array(e), np.array(half), np.array(found)[:, None], np.array(known)[:, None] > 0)
    return table["usual"][:, 0]


def test_what_was_strange_becomes_usual_at_its_half_hour_and_beside_it_in_its_own_entity_only() -> None:
    usual = usual_after([0, 0, 0, 0, 0, 1], [3, 4, 4, 5, 6, 7], [0, 1, 4, 0, 0, 0], [1] * 6)
    assert usual[0, 2:7].tolist() == [0, 2, 2, 2, 0]  # half of the most
    assert not usual[1].any()
    assert not usual_after([0, 1], [4, 5], [4, 0], [1, 1])[1].any()  # the next row is another entity's
    assert not usual_after([0, 1], [4, 5], [0, 4], [1, 1])[0].any()


def test_what_is_usual_is_forgotten_slowly_and_kept_where_values_are_missing() -> None:
    usual = usual_after([0, 0], [3, 9], [0, 0], [1, 0], before=2.0)
    assert usual[0, [3, 9, 20]].tolist() == [1.5, 2.0, 2.0]


def test_three_quarters_of_what_is_usual_are_taken_off() -> None:
    table = {"usual": np.full((1, 1, evidence.HALF_HOURS), 2.0)}
    table["usual"][0, 0, 5] = 0.0
    left = evidence.unusual(table, np.zeros(3, dtype=int), np.array([4, 4, 5]), np.array([[4.0], [1.0], [4.0]]))
    assert left[:, 0].tolist() == [2.5, 0.0, 4.0]


@pytest.mark.parametrize(("back", "left"), [((True, False), [5, 0, 5, 5]), ((False, True), [5, 5, 0, 5])])
def test_returns_are_hidden_and_nothing_else(back: tuple[bool, bool], left: list[int]) -> None:
    each = np.full((1, 1, evidence.V), 5.0)
    none, some = (tuple(np.full((1, 1), hit) for hit in hits) for hits in ((False, False), back))
    assert not evidence.hide_returns(none, each) and (each == 5).all()
    assert evidence.hide_returns(some, each) and each[0, 0].tolist() == left


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_rows_below_the_cuts_are_never_strange(seed: int) -> None:
    """What is left out of the full calculation would have been 0 in it."""
    rng = np.random.default_rng(seed)
    shape = (evidence.V, evidence.SIDES)
    rate, start = rng.exponential(1.0, shape) * (rng.random(shape) > 0.2), rng.exponential(1.0, shape)
    height, start = rng.normal(1.0, 1.0, shape), np.where(rate > 0, start, np.inf)
    cuts = evidence.cuts_of(height, rate, start)
    table = {"height": height[None, None], "rate": rate[None, None], "start": start[None, None], **constant(0.0)}
    side = rng.integers(0, 2, evidence.V)
    size = cuts[np.arange(evidence.V), side] * rng.choice([0.5, 1.0, 1.0 + 1e-8, 1.5], evidence.V)
    size[np.isinf(size)] = 1e9
    one = np.ones((1, 1))
    seen = Views(size[None, None], side[None, None], one, one, one)
    found, _ = evidence.mixed(table, Settings(), seen, ENTITY, evidence.each_view(table, Settings(), seen, ENTITY))
    beyond = (size > cuts[np.arange(evidence.V), side]).any()
    assert beyond or found[0, 0] == 0

"""Models of groups: what is pooled of their members, and how a lent model becomes the host's own."""

from __future__ import annotations

import numpy as np
import pytest

from adaptive_monitoring.engine import lending, peers, registry, rowformat
from adaptive_monitoring.engine.base import Panel, Settings, State
from adaptive_monitoring.engine.lending import BLOCKS

START, STEP = 1_699_833_600.0, 600.0
DETECTOR = registry.make("adaptive", Settings())


def panel(levels: list[float], days: float = 10, start: float = START, seed: int = 1, noise: float = 2.0) -> Panel:
    """A host per level: its first metric has a daily wave, the second is flat."""
    t = start + STEP * np.arange(int(days * 86400 / STEP))
    rows = []
    for level in levels:
        chance = np.random.default_rng([seed, int(level)])
        x = np.stack([level + 10 * np.sin(2 * np.pi * t / 86400), np.full(len(t), 7.0 * level)], axis=1)
        rows.append(x + noise * chance.standard_normal(x.shape))
    return Panel(np.tile(t, len(levels)), np.concatenate(rows), len(t) * np.arange(len(levels) + 1))


@pytest.fixture(scope="module")
def members() -> State:
    return DETECTOR.freeze(DETECTOR.fit(panel([40, 50, 60, 70, 80])))


def pooled(members: State) -> State:
    return peers.pooled(members, np.ones(members.table["scale"].shape, dtype=bool))


def lent(members: State, hosts: int = 1) -> State:
    return peers.lent(DETECTOR, pooled(members)).take(np.zeros(hosts, dtype=np.int64))


def new(level: float = 55, days: float = 2, **settings) -> Panel:
    return panel([level], days, START + 10 * 86400, **settings)


def alike(one: State, other: State, rows: slice = slice(None)) -> None:
    for name, values in one.table.items():
        np.testing.assert_array_equal(values, other.table[name][rows], err_msg=name)


def test_the_order_of_members_does_not_matter(members) -> None:
    alike(pooled(members), pooled(members.take(np.array([3, 0, 4, 1, 2]))))


def test_a_group_is_in_the_middle_and_knows_how_far_its_members_are_apart(members) -> None:
    table = pooled(members).table
    assert table["season"][0, 0] == 1 and table["level"][0, 0] == np.median(members.table["level"][:, 0])
    assert 12 < table["apart"][0, 0, 0] < 40 and table["apart"][0, 0, 1] < 0.2


def test_one_odd_member_changes_little(members) -> None:
    odd = members.take(np.arange(5))
    odd.table["level"][0], odd.table["scale"][0], odd.table["knots"][0] = 1e9, 1e7, 50.0
    one, other = pooled(members).table, pooled(odd).table
    assert abs(one["level"][0, 0] - other["level"][0, 0]) < 11 and other["scale"][0, 0] < 1.3 * one["scale"][0, 0]
    assert np.abs(one["knots"] - other["knots"]).max() < 1


def test_a_metric_needs_three_members(members) -> None:
    trained = np.ones((5, 2), dtype=bool)
    trained[2:, 1] = False
    scale = peers.pooled(members, trained).table["scale"][0]
    assert scale[0] > 0 and scale[1] == 0


def test_a_stored_row_gives_the_same_group(members) -> None:
    group = pooled(members)
    cells, at = rowformat.encode(group, peers.LAYOUT), np.zeros(2, dtype=np.int64)
    alike(rowformat.decode(cells, at, np.arange(2), 1, 2, "adaptive", peers.LAYOUT), group)


def test_a_lent_model_says_something_about_the_first_row(members) -> None:
    scores, _ = DETECTOR.stream(lent(members), new())
    cold, _ = DETECTOR.stream(DETECTOR.empty(1, 2), new())
    assert not np.isnan(scores.score).any() and np.isnan(cold.score[:36]).all()
    assert (scores.lower <= scores.expected).all() and (scores.expected <= scores.upper).all()


@pytest.mark.parametrize("cut", [1, 20, 36, 37, 100])
def test_any_cut_gives_the_same(members, cut) -> None:
    rows = new()
    whole, end = DETECTOR.stream(lent(members), rows)
    first, state = DETECTOR.stream(lent(members), Panel(rows.t[:cut], rows.x[:cut], np.array([0, cut])))
    left = len(rows.t) - cut
    second, state = DETECTOR.stream(state, Panel(rows.t[cut:], rows.x[cut:], np.array([0, left])))
    np.testing.assert_array_equal(np.concatenate([first.score, second.score]), whole.score)
    alike(state, end)


def test_a_lent_host_alone_is_the_same_as_in_a_crowd(members) -> None:
    crowd = panel([45, 55, 90], 2, START + 10 * 86400)
    state = DETECTOR.thaw(members).take(np.array([0])).joined(lent(members, 2))
    scores, end = DETECTOR.stream(state, crowd)
    mine = slice(int(crowd.indptr[1]), int(crowd.indptr[2]))
    alone, own = DETECTOR.stream(lent(members), crowd.entity(1))
    np.testing.assert_array_equal(scores.score[mine], alone.score)
    alike(own, end, slice(1, 2))
    known, _ = DETECTOR.stream(DETECTOR.thaw(members).take(np.array([0])), crowd.entity(0))
    np.testing.assert_array_equal(scores.score[: mine.start], known.score)


def test_after_the_first_block_level_and_scale_are_the_hosts_own(members) -> None:
    rows = new(95, days=0.3, noise=2.0)
    wide = lent(members).table["scale"][0, 0]
    _, state = DETECTOR.stream(lent(members), rows)
    table = state.table
    assert table["lent"][0] == 0 and table["blocks"][0] == BLOCKS + 1 and table["season"][0, 0] == 1
    assert abs(table["day"][0, 0].mean() - 95) < 4 and table["scale"][0, 0] < wide / 3


def test_half_a_block_settles_nothing(members) -> None:
    rows = new(95, days=0.3)
    late = Panel(rows.t[28:], rows.x[28:], np.array([0, len(rows.t) - 28]))
    _, state = DETECTOR.stream(lent(members), late)
    assert state.table["lent"][0] == 1 and state.table["blocks"][0] == BLOCKS


def test_a_metric_that_the_group_does_not_know_starts_with_its_first_block(members) -> None:
    trained = np.ones((5, 2), dtype=bool)
    trained[:, 1] = False
    state = peers.lent(DETECTOR, peers.pooled(members, trained))
    rows = new(55, days=2)
    scores, state = DETECTOR.stream(state, rows)
    assert np.isnan(scores.upper[:36, 1]).all() and not np.isnan(scores.upper[:, 0]).any()
    assert abs(scores.expected[200, 1] - 385) < 3


def test_missing_values_in_the_first_block_do_no_harm(members) -> None:
    rows = new(55)
    rows.x[::2, 0], rows.x[:, 1] = np.nan, np.nan
    scores, state = DETECTOR.stream(lent(members), rows)
    assert np.isfinite(state.table["scale"]).all() and np.isfinite(scores.upper[37::2, 0]).all()
    assert state.table["lent"][0] == 0


def test_own_data_outweigh_the_group_within_days(members) -> None:
    rows = new(55, days=6, noise=6.0)
    _, state = DETECTOR.stream(lent(members), rows)
    usual = 6.0 * np.sqrt(2 / np.pi)  # mean absolute deviation of its noise, three times that of the group
    assert abs(state.table["scale"][0, 0] / usual - 1) < 0.1
    assert state.table["threshold"][0] > 0 and np.isfinite(state.table["upper_k"]).all()


def test_nothing_is_lent_where_nobody_asks() -> None:
    _, state = DETECTOR.stream(DETECTOR.empty(1, 2), new())
    assert not any(state.table[name].any() for name in lending.empty(1, 2))

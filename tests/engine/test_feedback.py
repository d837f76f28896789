"""What verdicts ease, and what the adaptive detector makes of it."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from panels import host, panel_of

from adaptive_monitoring.bounds import derive
from adaptive_monitoring.engine import evidence, feedback, rowformat
from adaptive_monitoring.engine.base import CAUSES, Panel, Settings, State
from adaptive_monitoring.engine.detectors.adaptive import Adaptive
from adaptive_monitoring.engine.feedback import MOST, PER_WEEK, TARGET, WEEK_S, Verdict, eased_of

DAY_S, LEVEL = 86400.0, 2.0
LEVEL_CAUSE, JUMP, SHIFT = (CAUSES.index(name) for name in ("level", "jump", "shift"))


def verdict(false: bool = True, day: float = 1.0, evidence: float = 3.0, share=(1.0, 0.0), cause: int = JUMP,
            start: float | None = None) -> Verdict:
    begun = day * DAY_S - 3600 if start is None else start * DAY_S
    return Verdict(false, day * DAY_S, begun, evidence, np.array(share), np.arange(len(CAUSES)) == cause)


verdicts = st.lists(
    st.builds(verdict, st.booleans(), st.floats(0, 60), st.floats(2, 50), st.sampled_from([(1, 0), (0.3, 0.7)]),
              st.sampled_from(range(len(CAUSES)))),
    max_size=12,
)


def test_nothing_is_eased_without_verdicts() -> None:
    assert not eased_of([], LEVEL, 3).any()


def test_the_same_deviation_would_stay_at_the_target_and_other_kinds_are_not_touched() -> None:
    eased = eased_of([verdict(evidence=3.0, share=(0.75, 0.25))], LEVEL, 2)
    assert 3.0 - eased[:, JUMP].sum() == pytest.approx(TARGET * LEVEL)
    assert eased[0, JUMP] == pytest.approx(3 * eased[1, JUMP])
    eased[:, JUMP] = 0.0
    assert not eased.any()


@given(verdicts)
def test_the_order_of_the_list_does_not_matter_and_nothing_is_changed(given_verdicts) -> None:
    wanted = eased_of(given_verdicts, LEVEL, 2)
    assert (eased_of(given_verdicts[::-1], LEVEL, 2) == wanted).all()
    assert (eased_of(given_verdicts, LEVEL, 2) == wanted).all()


@given(verdicts)
def test_no_kind_rises_by_more_than_the_limits_in_any_week_and_in_all(given_verdicts) -> None:
    moves = feedback.Moves(LEVEL, 2)
    for one in sorted(given_verdicts, key=lambda v: v.time):
        moves.take(one)
        assert (moves.total >= 0).all() and (moves.total <= min(MOST, feedback.STRONGEST - LEVEL) + 1e-12).all()
    for since, _, _ in moves.log:
        risen = sum(rise for time, rise, _ in moves.log if since - WEEK_S < time <= since)
        assert np.max(risen) <= PER_WEEK + 1e-12


def test_a_second_week_may_go_on_where_the_first_one_stopped() -> None:
    far = [verdict(day=1, evidence=50), verdict(day=2, evidence=50), verdict(day=9, evidence=50)]
    assert eased_of(far[:1], 1.0, 2)[0, JUMP] == PER_WEEK == eased_of(far[:2], 1.0, 2)[0, JUMP]
    assert eased_of(far, 1.0, 2)[0, JUMP] == MOST


@pytest.mark.parametrize("level", [0.5, 2.0, 4.0])
def test_the_strongest_deviation_of_one_metric_is_always_told(level) -> None:
    many = [verdict(day=8 * i, evidence=1e9) for i in range(20)]
    assert feedback.STRONGEST - eased_of(many, level, 2).max() >= level


def test_alerts_that_were_told_before_the_first_verdict_do_not_add_up() -> None:
    once = eased_of([verdict(day=1, evidence=3.0, start=0.5)], LEVEL, 2)
    twice = eased_of([verdict(day=1, evidence=3.0, start=0.5), verdict(day=1.1, evidence=2.5, start=0.7)], LEVEL, 2)
    after = eased_of([verdict(day=1, evidence=3.0, start=0.5), verdict(day=2, evidence=2.1, start=1.5)], LEVEL, 2)
    assert (twice == once).all()
    assert after[0, JUMP] == pytest.approx(once[0, JUMP] + 2.1 - TARGET * LEVEL)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_true_alert_stays_an_alert_whenever_it_is_said(order) -> None:
    days = dict(zip(order, (1.0, 2.0, 3.0)))
    protected = verdict(False, days[0], 2.4, start=0.1)
    eased = eased_of([protected, verdict(day=days[1], evidence=9, start=0.2),
                      verdict(day=days[2], evidence=5, start=0.3)], LEVEL, 2)
    assert 2.4 - eased[0, JUMP] == pytest.approx(LEVEL)
    other = eased_of([protected, verdict(day=2, evidence=3, cause=SHIFT)], LEVEL, 2)
    assert other[0, SHIFT] > 0 == other[0, JUMP]


@given(verdicts, st.integers(0, 11))
def test_a_verdict_that_is_taken_back_leaves_no_trace(given_verdicts, which) -> None:
    without = [v for i, v in enumerate(given_verdicts) if i != which]
    before = eased_of(without, LEVEL, 2)
    eased_of(given_verdicts, LEVEL, 2)
    assert eased_of(without, LEVEL, 2).tobytes() == before.tobytes()


DETECTOR = Adaptive(Settings())


@pytest.fixture(scope="module")
def trained() -> tuple[State, Panel]:
    """A state of one host with two metrics, and six hours after it with a step up of the first one."""
    t, x = host(3, 6, 2)
    first = t < t[0] + 5.75 * DAY_S
    state = DETECTOR.fit(panel_of([(t[first], x[first])], 2))
    t, x = t[~first], x[~first].copy()
    x[18:, 0] += 30
    return DETECTOR.thaw(DETECTOR.freeze(state)), panel_of([(t, x)], 2)


def eased(state: State, decades: float, metric: int = 0) -> State:
    out = state.copy()
    out.origin = None
    out.table["eased"][:, metric] = decades
    return out


def test_the_score_sinks_by_what_is_eased_and_by_no_other_metric(trained) -> None:
    state, panel = trained
    usual, less, other = (DETECTOR.score(one, panel) for one in (state, eased(state, 1.0), eased(state, 1.0, 1)))
    assert usual.score.max() > 1.5
    assert (less.score <= usual.score).all() and less.score.max() < usual.score.max()
    level = state.table["threshold"][0]
    strong = (usual.share[:, 0] > 0.99) & (usual.score * level > 1.5)
    assert strong.any()
    assert less.score[strong] == pytest.approx(usual.score[strong] - 1.0 / level)
    assert other.score[strong] == pytest.approx(usual.score[strong])


def test_what_is_learned_does_not_depend_on_what_is_eased(trained) -> None:
    state, panel = trained
    usual, less = DETECTOR.learn(state, panel), DETECTOR.stream(eased(state, 3.0), panel)[1]
    assert all(np.array_equal(usual.table[name], values, equal_nan=True) for name, values in less.table.items()
               if name != "eased")
    assert (less.table["eased"][0, 0] == 3.0).all()


def test_what_is_eased_survives_the_stored_row_bit_by_bit(trained) -> None:
    state, _ = trained
    frozen = DETECTOR.freeze(eased(state, 0.123456))
    texts = rowformat.encode(frozen, DETECTOR.layout)
    assert all(";eased=0.123456 0.123456" in text for text in texts["state"][:1])
    entity, metric = np.array([0, 0]), np.array([0, 1])
    back = DETECTOR.thaw(rowformat.decode(texts, entity, metric, 1, 2, "adaptive", DETECTOR.layout))
    assert back.table["eased"].tobytes() == frozen.table["eased"].tobytes()
    assert rowformat.encode(DETECTOR.freeze(back), DETECTOR.layout) == texts
    assert rowformat.encode(DETECTOR.freeze(state), DETECTOR.layout)["state"][0].count("eased=0 0 0 0 0") == 1


def test_the_band_is_as_wide_as_that_of_the_bounds_lookup(trained) -> None:
    state, panel = trained
    usual, wider = DETECTOR.score(state, panel), DETECTOR.score(eased(state, 1.5), panel)
    text = "a=1;eased=" + " ".join(["1.5"] * len(CAUSES))
    ratio = derive.widening(text, repr(float(state.table["threshold"][0])))
    assert ratio > 1.1 and derive.EVIDENCE_FLOOR == evidence.FLOOR
    for side in ("lower", "upper"):
        gap, before = (getattr(scores, side)[:, 0] - scores.expected[:, 0] for scores in (wider, usual))
        known = ~np.isnan(before)
        assert gap[known] == pytest.approx(before[known] * ratio)
        assert np.array_equal(getattr(wider, side)[:, 1], getattr(usual, side)[:, 1], equal_nan=True)
    assert derive.widening("eased=0 0 0 0 0", "2") == 1.0 == derive.widening("", "")

"""The detector contract as functions: check_*(make), where make() returns a fresh detector with default settings.

A check raises AssertionError with a sentence when the promise is broken. CHECKS lists all of them by name.
Tolerances: EXACT promises are compared bit by bit; CLOSE (relative 1e-9) where the order of a sum may differ;
UNITS (1e-3 of the alert level) where a change of unit moves every input by rounding errors.
"""
from __future__ import annotations

import inspect
import json
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
import panels
from compare import same_array, same_scores, same_state, state_bytes
from panels import (
    STEP,
    copy,
    first_days,
    fleet,
    following,
    host,
    joined,
    much_later,
    odd_panels,
    panel_of,
    spiked,
    where,
)

from adaptive_monitoring.engine.base import Detector, Panel, Scores, State
from adaptive_monitoring.engine.rowformat import decode, encode

Make = Callable[[], Detector]
CLOSE = 1e-9
ROW_BYTES = 2048 - 400  # a stored row's limit without its keys, times, hashes and status
UNITS = 1e-3
ALONE = Path(__file__).with_name("alone.py")
HEAVY = ("sklearn", "scipy", "joblib", "pandas")
SECTIONS = ("Limits", "Parameters", "References")
_trained: dict[Make, State] = {}


def trained(make: Make) -> State:
    """The state after streaming the fleet from nothing (computed once per make, always a copy)."""
    if make not in _trained:
        detector, panel = make(), fleet()
        _trained[make] = detector.stream(detector.empty(2, 3), panel)[1].copy()
    return _trained[make].copy()


def in_pieces(detector: Detector, state: State, panel: Panel, piece: np.ndarray) -> tuple[Scores, State]:
    """Stream the rows piece by piece (piece: (n,) number of each row, rising inside an entity), rejoined in order."""
    order, parts = [], []
    for number in np.unique(piece):
        scores, state = detector.stream(state, where(panel, piece == number))
        order.append(np.flatnonzero(piece == number))
        parts.append(scores)
    back = np.argsort(np.concatenate(order), kind="stable")
    every = {f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Scores)}
    return Scores(**every).take(back), state


def check_new_entities_may_join(make: Make) -> None:
    """A state that is given away and joined by new entities scores them as a state of their own would."""
    detector, first, panel = make(), following(2), following(30)
    state = detector.stream(trained(make), first, own=True)[1].joined(detector.empty(1, 3))
    rest = [(panel.entity(i).t, panel.entity(i).x) for i in (0, 1)]
    together = detector.stream(state, panel_of([*[(t[12:], x[12:]) for t, x in rest], rest[1]]))[0]
    alone = detector.stream(detector.empty(1, 3), panel.entity(1))[0]
    last = np.arange(len(together.score))[-len(alone.score) :]
    same_scores(together.take(last), alone, "joined", CLOSE)


def check_score_is_pure(make: Make) -> None:
    """score changes neither the state nor the panel."""
    detector, state, panel = make(), trained(make), following(6)
    state_before, panel_before = state.copy(), copy(panel)
    detector.score(state, panel)
    same_state(state_before, state, "score changed the state")
    same_array(panel_before.x, panel.x, "score changed panel.x")
    same_array(panel_before.t, panel.t, "score changed panel.t")


def check_learn_keeps_its_input(make: Make) -> None:
    """learn and stream return a new state; the one they were given stays as it was."""
    detector, state, panel = make(), trained(make), following(6)
    before = state.copy()
    detector.learn(state, panel)
    detector.stream(state, panel)
    same_state(before, state, "learn changed the state it was given")


def check_crowd_is_solitude(make: Make) -> None:
    """One entity alone is scored as the same entity in a crowd."""
    detector, panel = make(), first_days(3)
    crowd = detector.stream(detector.empty(2, 3), panel)[0]
    for i in range(2):
        alone = make().stream(make().empty(1, 3), panel.entity(i))[0]
        same_scores(crowd.take(np.flatnonzero(panel.g == i)), alone, f"entity {i} alone", CLOSE)
    state, after = trained(make), following(6)
    alone = detector.score(state.take(np.array([1])), after.entity(1))
    same_scores(detector.score(state, after).take(np.flatnonzero(after.g == 1)), alone, "scored alone", CLOSE)


def check_chunks_do_not_matter(make: Make) -> None:
    """Any cutting of a panel into chunks gives the same scores and the same state in the end."""
    detector, panel = make(), fleet()
    whole, state = detector.stream(detector.empty(2, 3), panel)
    by_rows = np.searchsorted([5, 6, 180, 181, 290, 433], np.arange(len(panel.t)) - panel.indptr[panel.g], side="right")
    by_time = np.floor((panel.t - panels.START) / (11 * 3600)).astype(np.int64)
    for piece in (by_rows, by_time):
        scores, after = in_pieces(make(), make().empty(2, 3), panel, piece)
        same_scores(whole, scores, "streamed in chunks", CLOSE)
        same_state(state, after, "streamed in chunks", CLOSE)


def check_stream_is_score_then_learn(make: Make) -> None:
    """Row by row, scoring and then learning is what stream does, across midnight too."""
    detector, state = make(), trained(make)
    panel = following(26)
    first = detector.stream(state, where(panel, panel.t < panel.t[0] + 22 * 3600))[1]
    rest = where(panel, panel.t >= panel.t[0] + 22 * 3600)
    streamed, after = detector.stream(first, rest)
    for t in np.unique(rest.t):
        now = rest.t == t
        scores = detector.score(first, where(rest, now))
        first = detector.learn(first, where(rest, now))
        same_scores(streamed.take(np.flatnonzero(now)), scores, f"row at {t:.0f} scored, then learned", CLOSE)
    same_state(after, first, "scored, then learned", CLOSE)


def check_no_look_ahead(make: Make) -> None:
    """Changing or dropping later rows changes no earlier score."""
    detector, state, panel = make(), trained(make), joined(following(8), much_later())
    early = panel.t < panel.t[0] + 6 * 3600
    changed = Panel(panel.t, np.where(early[:, None], panel.x, 3 * panel.x + 1e6), panel.indptr)
    rows = np.flatnonzero(early)
    for act in (lambda p: detector.score(state, p), lambda p: detector.stream(state, p)[0]):
        reference = act(panel).take(rows)
        same_scores(reference, act(changed).take(rows), "the future was changed", CLOSE)
        same_scores(reference, act(where(panel, early)), "the future was dropped", CLOSE)


def check_replay_is_harmless(make: Make) -> None:
    """learn ignores rows that are not newer than the entity's clock."""
    detector, panel = make(), following(6)
    state = detector.learn(trained(make), panel)
    same_state(state, detector.learn(state, panel), "the same window learned again")
    same_state(state, detector.learn(state, where(fleet(), fleet().x[:, 0] > 51)), "old rows learned again")
    changed = Panel(panel.t, panel.x * 5 + 100, panel.indptr)
    same_state(state, detector.learn(state, changed), "old times with new values learned")


def check_freeze_is_stable(make: Make) -> None:
    """Freezing a thawed state gives the same numbers bit by bit, and both score alike."""
    detector, panel = make(), following(6)
    frozen = detector.freeze(trained(make))
    thawed = detector.thaw(frozen)
    same_state(frozen, detector.freeze(thawed), "frozen again")
    again = detector.thaw(detector.freeze(thawed))
    same_scores(detector.score(thawed, panel), detector.score(again, panel), "scored after a second freeze")


def check_text_keeps_every_bit(make: Make) -> None:
    """Frozen states pass through the stored row's text unharmed, whether trained or not, in at most ROW_BYTES a row."""
    detector, panel = make(), following(6)
    constant = Panel(panel.t, np.full(panel.x.shape, 5.0), panel.indptr)
    for state in (trained(make), detector.empty(2, 3), detector.fit(constant), detector.learn(trained(make), panel)):
        frozen = detector.freeze(state)
        rows = encode(frozen, detector.layout)
        back = decode(rows, np.repeat([0, 1], 3), np.tile([0, 1, 2], 2), 2, 3, detector.name, detector.layout)
        same_state(frozen, back, "after the stored row")
        before, after = (detector.score(detector.thaw(s), panel) for s in (frozen, back))
        same_scores(before, after, "scored after the stored row")
        size = max(sum(len(column[i]) + 1 for column in rows.values()) for i in range(6))
        assert size <= ROW_BYTES, f"a stored row needs {size} bytes"


def check_frozen_scores_like_working(make: Make) -> None:
    """The stored row moves no score by more than 3 % of itself (or of the alert level), four hours of context later."""
    detector, state, panel = make(), trained(make), following(6)
    a = detector.score(state, panel)
    b = detector.score(detector.thaw(detector.freeze(state)), panel)
    usual = np.isfinite(a.score) & (np.arange(len(panel.t)) - panel.indptr[panel.g] >= 24)
    same_array(a.score[usual], b.score[usual], "score after freezing", 3e-2)


def check_memory_is_bounded(make: Make) -> None:
    """The state does not grow with the length of history: 59 days and 118 days need the same number of bytes."""
    detector = make()
    t, x = host(3, days=120, d=1, step=3600.0)
    t, x = t[t < t[0] + 118 * 86400], x[t < t[0] + 118 * 86400]
    half = int(np.searchsorted(t, t[0] + 59 * 86400))  # both end at the same hour: the block in progress is as long
    state = detector.stream(detector.empty(1, 1), panel_of([(t[:half], x[:half])], 1))[1]
    sizes = [state_bytes(state), state_bytes(detector.freeze(state))]
    state = detector.stream(state, panel_of([(t[half:], x[half:])], 1))[1]
    for before, after in zip(sizes, [state_bytes(state), state_bytes(detector.freeze(state))]):
        assert after <= before * 1.01 + 64, f"the state grew from {before} to {after} bytes"


def check_nothing_is_aliased(make: Make) -> None:
    """Writing into a panel after the call changes no state; scores share no memory with state or panel."""
    detector = make()
    for act in (detector.fit, lambda p: detector.learn(detector.empty(2, 3), p),
                lambda p: detector.stream(detector.empty(2, 3), p)[1]):
        panel = first_days(2.5)
        state = act(panel)
        before = state.copy()
        panel.x[:] = -7.0
        panel.t[:] = 0.0
        same_state(before, state, "writing into the panel afterwards")
    state, panel = trained(make), following(3)
    scores = detector.score(state, panel)
    for field in fields(Scores):
        for name, column in [*state.table.items(), ("panel.x", panel.x), ("panel.t", panel.t)]:
            assert not np.shares_memory(getattr(scores, field.name), column), f"{field.name} shares memory with {name}"


def check_same_seed_same_state(make: Make) -> None:
    """Two detectors with the same settings learn the same numbers, whatever the global generator does."""
    panel = first_days(2.5)
    np.random.seed(1)
    a = make().fit(panel)
    np.random.seed(2)
    same_state(a, make().fit(panel), "same data, same seed")


def check_units_do_not_matter(make: Make) -> None:
    """x * 1000 + 5 in every metric gives the same scores; the band moves with the unit."""
    detector, panel = make(), first_days(3)
    plain = detector.stream(detector.empty(2, 3), panel)[0]
    moved = Panel(panel.t, panel.x * 1000 + 5, panel.indptr)
    other = make().stream(make().empty(2, 3), moved)[0]
    same_array(plain.score, other.score, "score in other units", UNITS)
    same_array(plain.metric_score, other.metric_score, "metric_score in other units", UNITS)
    same_array(plain.upper * 1000 + 5, other.upper, "upper in other units", UNITS)


def check_column_order_does_not_matter(make: Make) -> None:
    """Metrics in another order give the same score, and each metric keeps its own band and share."""
    detector, panel, order = make(), first_days(3), np.array([2, 0, 1])
    plain = detector.stream(detector.empty(2, 3), panel)[0]
    turned = make().stream(make().empty(2, 3), Panel(panel.t, panel.x[:, order], panel.indptr))[0]
    same_array(plain.score, turned.score, "score with turned columns", CLOSE)
    for name in ("metric_score", "expected", "lower", "upper", "share"):
        same_array(getattr(plain, name)[:, order], getattr(turned, name), f"{name} with turned columns", CLOSE)


def check_band_is_in_order(make: Make) -> None:
    """lower <= expected <= upper wherever they are numbers."""
    detector = make()
    scores = detector.stream(trained(make), spiked()[0])[0]
    with np.errstate(invalid="ignore"):
        assert not (scores.lower > scores.expected).any(), "lower lies above expected"
        assert not (scores.expected > scores.upper).any(), "expected lies above upper"
    assert np.isfinite(scores.expected).mean() > 0.9, "a trained model expects nothing"


def check_band_and_score_agree(make: Make) -> None:
    """metric_score >= 1 exactly where x lies outside [lower, upper]; NaN where x is missing."""
    detector, panel = make(), spiked()[0]
    state = trained(make)
    scores = detector.stream(state, panel)[0]
    beyond = [np.nextafter(scores.upper, np.inf), np.nextafter(scores.lower, -np.inf)]
    edges = [scores.lower, scores.upper, *beyond, panel.x]
    for x in edges:
        again = Panel(panel.t, np.where(np.isfinite(x), x, panel.x), panel.indptr)
        scores = detector.score(state, again)
        with np.errstate(invalid="ignore"):
            outside = (again.x < scores.lower) | (again.x > scores.upper)
            alarm = scores.metric_score >= 1
        said = np.isfinite(scores.metric_score)
        assert np.array_equal(outside[said], alarm[said]), "metric_score and band disagree"
        assert np.isnan(scores.metric_score[np.isnan(again.x)]).all(), "a missing value has a metric_score"
    assert alarm.any(), "a 12 sigma spike lies inside the band"


def check_spike_is_found_and_explained(make: Make) -> None:
    """A sustained 12 sigma spike reaches the alert level within 3 rows, with the largest share on its metric."""
    detector = make()
    panel, at = spiked()
    scores = detector.stream(trained(make), panel)[0]
    first = scores.score[at : at + 3]
    assert (first >= 1).any(), f"the spike scores {np.round(first, 2)}"
    hit = at + int(np.argmax(first >= 1))
    assert np.argmax(scores.share[hit]) == 1, f"the spike is explained by {np.round(scores.share[hit], 2)}"


def check_quiet_is_quiet(make: Make) -> None:
    """Usual rows score low: the median below 0.5, fewer than 2 % at the alert level."""
    score = make().stream(trained(make), following(24))[0].score
    assert np.isfinite(score).mean() > 0.9, "a trained model cannot say anything"
    assert np.nanmedian(score) < 0.5, f"the median score is {np.nanmedian(score):.2f}"
    assert (score >= 1).mean() < 0.02, f"{(score >= 1).mean():.1%} of usual rows reach the alert level"


def check_shares_sum_to_one(make: Make) -> None:
    """share is never negative and sums to 1 where there is evidence; a missing metric has none."""
    panel = spiked()[0]
    scores = make().stream(trained(make), panel)[0]
    said = np.isfinite(scores.score) & (scores.score > 0)
    share = scores.share[said]
    assert (np.nan_to_num(share) >= 0).all(), "a share is negative"
    same_array(np.nansum(share, axis=1), np.ones(len(share)), "sum of shares", 1e-6)
    assert (np.nan_to_num(scores.share[np.isnan(panel.x)]) == 0).all(), "a missing metric has a share"


def check_missing_is_not_zero(make: Make) -> None:
    """Rows without any value score NaN, and so does a detector that has seen nothing."""
    detector, panel = make(), following(3)
    gone = np.arange(len(panel.t)) % 4 == 0
    holes = Panel(panel.t, np.where(gone[:, None], np.nan, panel.x), panel.indptr)
    scores = detector.stream(trained(make), holes)[0]
    assert np.isnan(scores.score[gone]).all(), "a row without values has a score"
    assert np.isfinite(scores.score[~gone]).any(), "one missing row silences all others"
    cold = detector.score(detector.empty(2, 3), panel)
    assert np.isnan(cold.score).all() and np.isnan(cold.expected).all(), "a detector that saw nothing gives scores"


def check_odd_input_is_defined(make: Make) -> None:
    """No input at the edge raises or warns; scores are finite numbers >= 0, or NaN."""
    detector = make()
    for name, panel in odd_panels().items():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            scores = detector.stream(detector.empty(len(panel.indptr) - 1, 3), panel)[0]
            alone = panel.entity(0) if len(panel.indptr) > 1 else panel
            fitted = detector.fit(alone)
            again = detector.score(detector.thaw(detector.freeze(fitted)), alone)
            detector.learn(fitted, alone)
        _defined(scores, panel, name)
        _defined(again, alone, name)
        last = np.flatnonzero(panel.g == 1)[-20:]
        assert len(last) == 0 or np.isfinite(scores.score[last]).any(), f"{name}: the ordinary neighbour is not scored"


def _defined(s: Scores, panel: Panel, name: str) -> None:
    n, d = panel.x.shape
    for field in fields(Scores):
        column = getattr(s, field.name)
        want = (n,) if field.name in ("score", "cause") else (n, d)
        assert column.shape == want, f"{name}: {field.name} has shape {column.shape}, not {want}"
    for column in (s.score, s.metric_score):
        assert not np.isinf(column).any(), f"{name}: an infinite score"
        assert not (column < 0).any(), f"{name}: a negative score"


def check_no_entity_fails_the_others(make: Make) -> None:
    """An entity that cannot be trained is scored NaN and leaves the others' numbers as they are."""
    t, x = host(6, days=2.5)
    odd = [(t[:1], x[:1]), (t[:0], x[:0]), (t, np.full_like(x, np.nan)), (t, np.full_like(x, 1e100))]
    crowd = make().fit(panel_of([*odd, (t, x)]))
    alone = make().fit(panel_of([(t, x)]))
    after = host(8, days=0.3, start=float(t[-1]) + STEP)
    a = make().score(crowd, panel_of([after] * 5))
    b = make().score(alone, panel_of([after]))
    rows = np.arange(len(a.score) - len(b.score), len(a.score))
    same_scores(a.take(rows), b, "with untrainable neighbours", CLOSE)
    assert np.isfinite(b.score).any(), "the ordinary entity is not scored"
    assert np.isnan(a.score[: 3 * len(b.score) : len(b.score)]).all(), "an entity without data is scored at once"


def check_scoring_is_light(make: Make) -> None:
    """Scoring a stored model in a fresh process imports numpy and nothing heavy."""
    detector, panel = make(), following(2)
    frozen = {f"s_{k}": v for k, v in detector.freeze(trained(make)).table.items()}
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model.npz")
        np.savez(path, t=panel.t, x=panel.x, indptr=panel.indptr, **frozen)
        kind = type(detector)
        arguments = [json.dumps([p for p in sys.path if p]), kind.__module__, kind.__name__, path]
        done = subprocess.run([sys.executable, str(ALONE), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"scoring in a fresh process failed: {done.stderr[-300:]}"
    heavy = sorted(set(HEAVY) & set(json.loads(done.stdout)))
    assert not heavy, f"scoring imports {heavy}"


def check_docstring_is_complete(make: Make) -> None:
    """The class says what, limits, parameters, references in this order; public methods say what they do."""
    kind = type(make())
    text = inspect.getdoc(kind) if kind.__doc__ else ""
    lines = [line.strip() for line in (text or "").splitlines()]
    found = [lines.index(s) if s in lines else -1 for s in SECTIONS]
    assert all(f > 0 for f in found), f"{kind.__name__} lacks one of the sections {SECTIONS}"
    assert found == sorted(found), f"{kind.__name__}: sections are not in the order {SECTIONS}"
    for at in found:
        assert set(lines[at + 1]) == {"-"}, f"{kind.__name__}: a section heading is not underlined"
    for name in ("empty", "fit", "score", "learn", "stream", "freeze", "thaw"):
        assert inspect.getdoc(getattr(kind, name)), f"{kind.__name__}.{name} has no docstring"


CHECKS = {name: act for name, act in list(globals().items()) if name.startswith("check_")}

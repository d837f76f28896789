"""Scale, names and texts of the answer."""

from __future__ import annotations

import numpy as np

from adaptive_monitoring.bounds import pointwise
from adaptive_monitoring.commands import fields
from adaptive_monitoring.engine.base import Scores
from adaptive_monitoring.engine.episodes import OPEN, Verdicts

NAN, INF = np.nan, np.inf


def scores(n: int, d: int, **columns: object) -> Scores:
    """All rows normal, but for these columns."""
    table = {name: np.full((n, d), value) for name, value in (("expected", 5.0), ("lower", 4.0), ("upper", 6.0))}
    table.update(metric_score=np.zeros((n, d)), share=np.zeros((n, d)), score=np.zeros(n))
    table.update({name: np.array(values) for name, values in columns.items()})
    return Scores(cause=np.zeros(n, dtype=np.int64), **table)


def shown_as(score: np.ndarray) -> list[str]:
    return [text[1:] for text in fields._SCORES.take(fields.codes_of(score)).tolist()]


def test_fifty_is_the_alert_level_and_nothing_is_beyond_a_hundred() -> None:
    assert fields.to_hundred(np.array([0.0, 1.0, 3.0, 1e9, 1e300, INF])).round(6).tolist() == [0, 50, 75, 100, 100, 100]
    assert shown_as(np.array([NAN, 0.5, INF, 1.0, np.nextafter(1, 0)])) == [
        "",
        "33.33",
        "100.00",
        "50.00",
        "50.00",
    ]


def test_the_scale_is_that_of_pointwise() -> None:
    for s in np.random.default_rng(1).exponential(2.0, size=200):
        assert abs(float(shown_as(np.array([s]))[0]) - pointwise.to_hundred(float(s))) <= 0.005 + 1e-9


def test_small_scores_keep_four_digits() -> None:
    """So that quiet rows can be ranked; nothing is shown as more than it is."""
    shown = shown_as(np.array([0.0, 1e-9, 2.34e-5, 0.00123, 0.00999999, 0.0101010101, 0.02, 1.0, 1e9, NAN]))
    assert shown == ["0.00", "0.00", "0.0023", "0.1228", "0.9901", "1.00", "1.96", "50.00", "100.00", ""]
    rising = [float(text) for text in shown_as(np.linspace(0, 0.03, 3000))]
    assert rising == sorted(rising)


def test_prefixes_only_where_there_are_several_metrics() -> None:
    assert fields.names_of(["cpu"], True) == [*fields.HOST, *fields.METRIC]
    assert fields.names_of(["a", "b"], False)[10:] == [f"{m}_{f}" for m in "ab" for f in fields.METRIC]


def verdicts(state: np.ndarray, score: np.ndarray) -> Verdicts:
    return Verdicts(state, state == OPEN, np.full(len(state), NAN), np.zeros(len(state), dtype=bool), score)


def test_cells_of_wide_rows() -> None:
    some = scores(3, 2, score=[0.0, NAN, 3.0], expected=[[5, NAN], [NAN, NAN], [5.1234567, 1e100]])
    state, status = np.array([0, 4, 2]), np.array([fields.TRAINED, fields.NO_MODEL, fields.STALE])
    told = verdicts(state, some.score)
    answer = fields.Answer(some, told, status)
    columns = answer.columns(np.arange(3), {2: "1,open,id,9,high,why,a 100%,stale,"})
    rows = ["".join(cells)[1:] for cells in zip(*columns)]
    assert rows[0] == "0.00,0,normal,,,info,,,trained,,5,4,6,0.00,,4,6,0.00"
    assert rows[1].startswith(",0,missing,,,info,,,,,")
    assert rows[2] == "75.00,1,open,id,9,high,why,a 100%,stale,,5.12346,4,6,0.00,1e+100,4,6,0.00"
    assert {row.count(",") for row in rows} == {len(fields.names_of(["a", "b"], False)) - 1}


def test_long_rows_show_their_own_metric() -> None:
    some = scores(2, 2, expected=[[1.0, 2.0], [3.0, 4.0]], lower=[[-INF, 0.0], [0.0, 1.0]])
    zero = np.zeros(2, dtype=np.int64)
    columns = fields.Answer(some, verdicts(zero, some.score), zero).columns(np.arange(2), {}, np.array([0, 1]))
    shown = ["".join(cells).split("trained,,")[1] for cells in zip(*columns)]
    assert shown == ["1,,6,0.00", "4,1,6,0.00"]


def test_contributors_are_ordered_and_small_ones_left_out() -> None:
    assert fields.contributors_of(["a", "b", "c"], np.array([0.2, 0.77, 0.03])) == "b 77%; a 20%"
    assert fields.contributors_of(["a"], np.array([0.0])) == ""


def test_an_anomaly_keeps_its_id() -> None:
    assert fields.anomaly_id(("a", "b"), 1700000000.0) == fields.anomaly_id(("a", "b"), 1700000000.4)
    different = {fields.anomaly_id(key, t) for key in (("a",), ("b",), ("a", "b"), ("\udcff",)) for t in (1.0, 2.0)}
    assert len(different) == 8


def test_rows_in_any_order_have_their_own_band_and_rows_without_a_place_none() -> None:
    x = np.array([1.0, 1.0, 2.0, np.nan, -np.inf, 0.0, -0.0])[:, None]
    some = scores(7, 1, expected=x, lower=x, upper=x)
    answer = fields.Answer(some, verdicts(np.zeros(7, dtype=np.int64), some.score), np.zeros(7, dtype=np.int64))
    columns = answer.columns(np.array([2, -1, 0, 1, 3, 4, 5, 6]), {})
    assert columns[1] == [",2,2,2", ",,,", ",1,1,1", ",1,1,1", ",,,", ",,,", ",0,0,0", ",-0,-0,-0"]
    assert columns[0][1] == ",,0,missing,,,info,,,," and columns[2][1] == ","

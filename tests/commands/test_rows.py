"""From rows to panels: wide and long, any order, any by-fields."""

from __future__ import annotations

import numpy as np
import pytest
from protocol.tables import splunkd_cell, splunkd_csv

from adaptive_monitoring.commands.modelling import OPTIONS
from adaptive_monitoring.commands.options import Spec, parse
from adaptive_monitoring.commands.rows import Reader, widened
from adaptive_monitoring.errors import BadValue, MissingField, NoTime
from adaptive_monitoring.protocol.body import Body

SPEC = Spec("adaptfit", options=OPTIONS, fields="optional", by="optional")


def reader(*words: str, **settings: bool) -> Reader:
    return Reader("adaptfit", parse(list(words), SPEC), **settings)


def body(names: str, *rows: str) -> Body:
    return Body(splunkd_csv(names.split(","), [row.split(",") for row in rows], "\n", splunkd_cell))


def test_a_panel_holds_each_entitys_rows_in_time_order_and_knows_their_places() -> None:
    read = reader("cpu", "mem", "by", "host")
    batch = read.read(body("_time,host,cpu,mem", "30,b,1,2", "10,a,3,", "20,b,5,x", ",a,7,8", "5,,9,9", "10,b,1e308,4"))
    panel, first, place = batch.panel(read.entities, 2)
    assert read.keys == [("b",), ("a",)] and panel.t.tolist() == [10, 20, 30, 10] and panel.indptr.tolist() == [0, 3, 4]
    nan = np.nan
    np.testing.assert_array_equal(panel.x, [[nan, 4], [5, nan], [1, 2], [3, nan]])
    assert place.tolist() == [2, 3, 1, -1, -1, 0] and first.tolist() == [5, 2, 0, 1]
    assert [text for text in read.remarks() if "1 rows without" in text] == read.remarks() and len(read.remarks()) == 2


def test_long_rows_of_one_entity_and_time_are_one_observation() -> None:
    read = reader("by", "host")
    rows = ["10,a,cpu,1", "10,a,mem,2", "20,a,mem,3", "10,a,cpu,9", "10,b,cpu,4", "20,a,,5"]
    panel, first, place = read.read(body("_time,host,metric_name,_value", *rows)).panel(read.entities, 2)
    assert read.metrics == ["cpu", "mem"] and panel.indptr.tolist() == [0, 2, 3]
    np.testing.assert_array_equal(panel.x, [[9, 2], [np.nan, 3], [4, np.nan]])  # the last of two values counts
    assert place.tolist() == [0, 0, 1, 0, 2, -1] and first.tolist() == [0, 2, 4]


def test_rows_are_long_only_if_no_field_that_was_asked_for_is_there() -> None:
    names = ["_time", "host", "metric_name", "_value", "cpu"]
    for words, long in (("", True), ("_value", True), ("mem", True), ("cpu", False), ("cpu mem", None), ("c*", False)):
        read = reader(*words.split(), "by", "host")
        if long is None:
            with pytest.raises(MissingField, match="no field mem"):
                read.look(names)
        else:
            read.look(names)
            assert read.long is long, words


def test_metrics_of_long_rows_can_be_chosen_renamed_and_closed() -> None:
    read = reader("cpu*", "mem", "AS", "memory", "by", "host")
    rows = ["1,a,disk,1", "1,a,mem,2", "1,a,cpu.user,3"]
    batch = read.read(body("_time,host,metric_name,_value", *rows))
    assert read.metrics == ["memory", "cpu.user"] and batch.metric is not None and batch.metric.tolist() == [-1, 0, 1]
    assert read.wanted("memory") and read.wanted("cpu.x") and not read.wanted("disk")
    read.closed = True
    late = read.read(body("_time,host,metric_name,_value", "2,a,cpu.sys,1", "2,a,disk,1"))
    assert late.metric is not None and late.metric.tolist() == [-1, -1] and read.without_model == 1


def test_the_number_of_entities_is_limited_and_the_others_are_counted_once() -> None:
    read = reader("cpu", "by", "host", "max_series=2")
    for _ in range(2):
        batch = read.read(body("_time,host,cpu", *[f"1,{host},1" for host in "abcdcc"]))
        assert batch.entity.tolist() == [0, 1, -1, -1, -1, -1]
    assert (
        "2 entities are beyond max_series=2 and were left out: c, d" in read.remarks()[0] and read.without_entity == 0
    )


def test_fields_that_come_or_go_between_chunks() -> None:
    read = reader("c*", "by", "host")
    read.read(body("_time,host,cpu", "1,a,1"))
    batch = read.read(body("_time,host,cps", "2,a,1"))
    assert (
        np.isnan(batch.x).all()
        and batch.x.shape == (1, 1)
        and "fields cps were not in the first rows" in read.remarks()[0]
    )
    patient = reader("cpu", "mem", "by", "host", forgiving=True)
    patient.read(body("_time,host,cpu", "1,a,1"))
    assert patient.metrics == ["cpu", "mem"] and "no field mem" in patient.remarks()[0]
    assert patient.read(body("_time,host,cpu,mem", "2,a,1,2")).x.tolist() == [[1, 2]] and patient.remarks() == []


def test_errors_name_what_the_rows_have() -> None:
    with pytest.raises(NoTime, match="they have host, cpu"):
        reader("cpu").look(["host", "cpu", "__mv_cpu"])
    with pytest.raises(MissingField, match="no field site to group by; the rows have _time, host"):
        reader("cpu", "by", "site").look(["_time", "host"])
    with pytest.raises(MissingField, match=r"no field matches x\*"):
        reader("x*").look(["_time", "host"])
    with pytest.raises(BadValue, match="AS gives z twice"):
        reader("x", "AS", "z", "y", "AS", "z").look(["_time", "x", "y"])


def test_without_by_fields_there_is_one_entity() -> None:
    read = reader("cpu")
    batch = read.read(body("_time,cpu", "2,1", "1,2"))
    assert read.keys == [("all",)] and batch.panel(1, 1)[0].x.tolist() == [[2], [1]]
    empty = read.read(body("_time,cpu", "x,1")).panel(1, 1)
    assert len(empty[0].t) == 0 and empty[2].tolist() == [-1]


def test_new_columns_are_missing() -> None:
    np.testing.assert_array_equal(widened(np.ones((2, 1)), 3), [[1, np.nan, np.nan]] * 2)

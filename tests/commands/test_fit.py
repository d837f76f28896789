"""adaptfit through its real script."""

from __future__ import annotations

import os
import random
import threading

import pytest
from searchhead.fakesplunkd import FakeSplunkd
from searchhead.table import read_csv

from adaptive_monitoring.store.base import SCHEMA
from adaptive_monitoring.store.rows import row_hash
from commands.fleet import DAYS, START, App, long, said, wide

NAMES = ["host", *SCHEMA]


def cells(table, names=NAMES) -> list[tuple[str, ...]]:
    return list(zip(*[table.get(name) for name in names]))


def test_the_rows_that_come_out_are_the_rows_that_are_stored(trained) -> None:
    app, result = trained
    assert not result.errors and result.stderr == ""
    assert [(row["host"], row["metric"]) for row in result.rows] == [(h, m) for h in "abc" for m in ("cpu", "mem")]
    assert cells(result.table) == cells(app.stored("web"))
    assert all(row_hash(row[:-1]) == row[-1] for row in cells(result.table))
    assert all(sum(map(len, row)) + len(row) <= 2048 for row in cells(result.table))
    assert said(result, 'collection "web": version 1 written (6 rows', level="INFO")
    assert said(result, "6 models of 3 entities from 1728 rows", "6 trained", level="INFO")


def test_a_row_says_what_was_learned_from_what(trained) -> None:
    row = trained[1].rows[0]
    assert (row["season"], row["span"], row["model_status"], row["n_points"]) == (
        "day",
        "600",
        "trained",
        str(144 * DAYS),
    )
    assert (row["trained_from"], row["trained_to"]) == (str(START), str(START + DAYS * 86400 - 600))
    assert abs(float(row["level"]) - 50) < 2 and 0 < float(row["scale"]) < 8
    assert (row["detector"], row["direction"], row["budget"], row["author"]) == ("adaptive", "both", "0.5", "admin")


def test_long_rows_give_the_models_of_wide_rows(trained, own) -> None:
    rows = long(wide("abc"))
    random.Random(4).shuffle(rows)
    result = own.search("adaptfit by host into web", rows)
    same = [name for name in NAMES if name not in ("row_hash",)]
    assert cells(result.table, same) == cells(trained[1].table, same)
    few = own.search("adaptfit mem AS memory by host", rows)
    assert [row["metric"] for row in few.rows] == ["memory"] * 3 and few.rows[0]["level"] == result.rows[1]["level"]


@pytest.mark.parametrize("by", [[], ["host"], ["host", "disk"], ["site", "host", "disk"]])
def test_there_is_a_model_per_combination_of_by_fields(own, by) -> None:
    rows = [
        {**row, "disk": d, "site": 'pa,"ris'}
        for row in wide("ab", 1)
        for d in ("c:", "d\n")
        if row["host"] + d != "bc:"
    ]
    result = own.search(f"adaptfit cpu {'BY ' + ' '.join(by) if by else ''} INTO disks", rows)
    wanted = {tuple(row[name] for name in by) for row in rows} if by else {("all",)}
    assert [row[:-1] for row in cells(result.table, [*by, "metric"] if by else ["entity", "metric"])] == sorted(wanted)
    assert cells(result.table, [*by, *SCHEMA]) == cells(own.stored("disks"), [*by, *SCHEMA])


def test_patterns_and_names_of_ones_own(own) -> None:
    rows = [{**row, "cpu.user": row["cpu"], "_hidden": "1"} for row in wide("a", 1)]
    result = own.search('adaptfit cpu* mem AS "memory used" by host', rows)
    assert [row["metric"] for row in result.rows] == ["cpu", "cpu.user", "memory used"]
    assert "AS gives x twice" in own.search("adaptfit cpu AS x mem AS x by host", rows).errors[0]


def test_update_keeps_other_models_and_replace_drops_them(own) -> None:
    own.search("adaptfit cpu by host into web", wide("ab", 1))
    before = dict(zip(own.stored("web").get("host"), cells(own.stored("web"))))
    own.search("adaptfit cpu by host into web", wide("bc", 1, seed=9))
    after = dict(zip(own.stored("web").get("host"), cells(own.stored("web"))))
    assert list(after) == ["a", "b", "c"] and after["a"] == before["a"] and after["b"] != before["b"]
    assert own.store.versions("web") == [1]
    own.search("adaptfit cpu by host into web mode=replace", wide("c", 1))
    assert own.stored("web").get("host") == ["c"] and own.store.versions("web") == [1, 2]


def test_same_data_and_options_give_the_same_bytes(trained, own) -> None:
    rows = wide("abc")
    random.Random(3).shuffle(rows)
    result = own.search("adaptfit cpu mem by host into web", rows, chunk_rows=100)
    assert own.data("web") == trained[0].data("web") and cells(result.table) == cells(trained[1].table)
    again = own.search("adaptfit cpu mem by host into web", rows)
    assert said(again, "version 1 has these models already", level="INFO") and own.store.versions("web") == []
    other = own.search("adaptfit cpu mem by host budget=1", rows)
    assert other.rows[0]["config_hash"] != result.rows[0]["config_hash"]


def test_rows_that_were_not_written_come_out_as_they_are_stored(own) -> None:
    own.search("adaptfit cpu by host into web", wide("ab", 1))
    own.search("adaptfit cpu by host into web", wide("b", 1, seed=5))
    result = own.search("adaptfit cpu by host into web", wide("a", 1))
    assert [row["model_version"] for row in result.rows] == ["1"] and own.stored("web").get("model_version") == [
        "1",
        "2",
    ]
    data = own.data("web").decode().splitlines()
    row = data[1].split(",")
    row[NAMES.index("lock")] = "1"
    row[-1] = row_hash(row[:-1])
    own.put("web", "\n".join([data[0], ",".join(row), data[2], ""]).encode())
    locked = own.search("adaptfit cpu by host into web", wide("ab", 1, seed=6))
    assert cells(locked.table) == cells(own.stored("web")) and locked.rows[0]["lock"] == "1"
    assert said(locked, "1 locked models were not changed")


def test_through_splunkd_the_same_bytes_arrive(trained, own, tmp_path) -> None:
    with FakeSplunkd(str(tmp_path / "home"), own.lookups) as splunkd:
        result = own.search("adaptfit cpu mem by host into web", wide("abc"), splunkd=splunkd)
    assert said(result, "by splunkd", level="INFO") and not said(result, "")
    assert own.data("web") == trained[0].data("web") and ("POST", 200) in {(m, s) for m, _, s in splunkd.log}


def test_without_into_the_rows_can_be_put_into_a_lookup(trained, own) -> None:
    own.search("adaptfit cpu mem by host | outputlookup mine.csv", wide("abc"))
    assert cells(read_csv(os.path.join(own.lookups, "mine.csv"))) == cells(trained[0].stored("web"))
    assert own.store.names() == []


def test_what_cannot_be_trained_has_a_row_that_says_why(own) -> None:
    rows = [{**row, "cpu": "7" if row["host"] == "c" else row["cpu"]} for row in wide("abc", 3)]
    rows = [{**row, "mem": "n/a"} if row["host"] == "a" else row for row in rows]
    rows += [{**row, "host": "young"} for row in wide("y", 1.5)] + [{**row, "host": "one"} for row in wide("z", 0.01)]
    result = own.search("adaptfit cpu mem by host into web", rows)
    found = {(row["host"], row["metric"]): (row["model_status"], row["reason"]) for row in result.rows}
    assert found[("a", "cpu")] == ("trained", "") and found[("a", "mem")] == (
        "untrainable",
        "no numbers in this metric",
    )
    assert found[("c", "cpu")] == ("untrainable", "the metric was constant")
    assert found[("one", "cpu")] == ("untrainable", "less than 12 hours of history")
    assert found[("young", "mem")] == ("cold", "1.5 days of history; 2 are needed")
    empty = {
        name: row[name] for row in result.rows if row["model_status"] == "untrainable" for name in ("level", "state")
    }
    assert set(empty.values()) == {""} and not result.errors
    assert said(result, "10 models of 5 entities", "4 trained, 2 cold, 4 untrainable", level="INFO")


def test_a_model_with_numbers_is_not_replaced_by_one_without(copied) -> None:
    """A host or a feed that is silent for the days of one training keeps what was known."""
    before = cells(copied.stored("web"))
    silent = [{**row, "cpu": "", "mem": "n/a"} for row in wide("a", 1, START + DAYS * 86400)]
    result = copied.search("adaptfit cpu mem by host into web", silent)
    assert said(result, "nothing could be learned for 2 models", "the stored ones stay")
    assert cells(copied.stored("web")) == before and cells(result.table) == before[:2]
    mixed = copied.search("adaptfit cpu mem by host into web", silent + wide("d", 3))
    assert cells(copied.stored("web"))[:6] == before and cells(mixed.table)[:2] == before[:2]
    assert cells(mixed.table) == [*before[:2], *cells(copied.stored("web"))[6:]] and not mixed.errors
    copied.search("adaptfit cpu mem by host into web mode=replace", silent)
    assert copied.stored("web").get("model_status") == ["untrainable"] * 2


def test_two_time_steps_too_many_entities_and_useless_rows_are_said(own) -> None:
    rows = wide("abc", 1) + wide("a", 0.05, START + 86400, 60)
    rows += [{**rows[0], "_time": t} for t in ("", "yesterday", "1.7e12")] + [{**rows[0], "host": ""}] * 2
    result = own.search("adaptfit cpu by host max_series=2", rows)
    assert said(result, "ADM035", "1 entities", ": a …") and said(result, "3 rows without a usable _time")
    assert said(result, "ADM023", "1 entities are beyond max_series=2", ": c …")
    assert said(result, "2 rows without host") and [row["host"] for row in result.rows] == ["a", "b"]


def test_a_preview_writes_nothing(own) -> None:
    result = own.search("adaptfit cpu by host into web", wide("a", 1), preview=True)
    assert not result.errors and os.listdir(own.lookups) == []


def test_two_trainings_at_once_both_arrive(own) -> None:
    def train(host: str) -> None:
        results.append(App(own.folder).search("adaptfit cpu by host into web", wide(host, 1)))

    results: list = []
    threads = [threading.Thread(target=train, args=(host,)) for host in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.errors for result in results] == [[], []] and own.stored("web").get("host") == ["a", "b"]
    assert len(own.store.read("web")) == 2 and not [name for name in os.listdir(own.lookups) if "lock" in name]

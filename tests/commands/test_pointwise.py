"""adaptdetect ... pointwise=true: through a real session, against the naive twin and the plain-SPL macro."""

from __future__ import annotations

import csv
import io
import os
import random
import shutil
import subprocess
import sys

import pytest
from bounds.naive import read_bounds, score
from protocol.conversation import execute, frames, getinfo, replies
from protocol.tables import splunkd_cell, splunkd_csv
from searchhead.head import SearchHead
from store.modelrows import HOSTILE, models

from adaptive_monitoring.bounds.derive import derive
from adaptive_monitoring.bounds.pointwise import HOST_FIELDS, METRIC_FIELDS
from adaptive_monitoring.columns import Columns
from adaptive_monitoring.commands.options import Arguments
from adaptive_monitoring.commands.pointwise import Pointwise
from adaptive_monitoring.errors import BadValue, CollectionNotFound, MissingField
from adaptive_monitoring.protocol.session import Messages, SearchInfo, run
from adaptive_monitoring.store.lookup import LookupStore

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@pytest.fixture
def app(tmp_path):
    folder = tmp_path / "app"
    for name in ("bin", "default"):  # copies: scripts find the app's lookups beside their own folder
        shutil.copytree(os.path.join(REPOSITORY, name), folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "lookups").mkdir()
    return str(folder)


def train(app, columns, keys=("host",), name="web"):
    store = LookupStore(app=app)
    store.write(name, list(keys), columns)
    store.write_bounds(name, derive(columns, keys).columns)
    return read_bounds(store.stored_bounds(name))


def arguments(fields=("cpu",), by=("host",), only="all", model="web") -> Arguments:
    found = Arguments({"model": model, "only": only, "pointwise": True})
    found.fields = [field if isinstance(field, tuple) else (field, None) for field in fields]
    found.by = list(by)
    return found


class Search:
    """One conversation. rows: dicts of the reply; messages: (level, text)."""

    def __init__(self, app, parsed, names, rows, chunks=1) -> None:
        size = -(-len(rows) // chunks) or 1
        bodies = [splunkd_csv(names, rows[i : i + size], "\n", splunkd_cell) for i in range(0, len(rows), size)]
        sent = [getinfo(), *[execute(body) for body in bodies], execute(b"", True)]
        out = io.BytesIO()
        run(lambda info, messages: Pointwise(info, messages, parsed, app), io.BytesIO(frames(*sent)), out)
        self.replies = replies(out.getvalue())
        self.described = self.replies[0][0]
        self.messages = [
            message for meta, _ in self.replies for message in meta.get("inspector", {}).get("messages", [])
        ]
        self.rows = [row for _, body in self.replies[1:] for row in _dicts(body)]

    def texts(self, level):
        return [text for found, text in self.messages if found == level]


def _dicts(body: bytes):
    text = body.decode("utf-8", "surrogateescape").replace("\0", "\ud800")  # Python 3.9's csv refuses NUL
    rows = [[cell.replace("\ud800", "\0") for cell in row] for row in csv.reader(io.StringIO(text, newline=""))]
    return [dict(zip(rows[0], row)) for row in rows[1:]]


@pytest.mark.parametrize("season", ["none", "day", "week"])
@pytest.mark.parametrize("chunks", [1, 7])
def test_scores_are_those_of_the_naive_twin(app, season, chunks) -> None:
    table = train(app, models(["a", "b", "c"], season=season))
    chance = random.Random(5)
    rows = [
        [
            str(i),
            f"{chance.uniform(1.7e9, 1.71e9):.3f}",
            chance.choice("abcd"),
            chance.choice(["", "x", f"{chance.uniform(0, 100):.2f}"]),
        ]
        for i in range(300)
    ]
    search = Search(app, arguments(), ["_chunked_idx", "_time", "host", "cpu"], rows, chunks)
    assert [row["_chunked_idx"] for row in search.rows] == [row[0] for row in rows]
    for row in search.rows:
        wanted = score(table, (row["host"],), "cpu", row["_time"], row["cpu"])
        assert {name: row[name] for name in wanted} == wanted
    assert "300 rows scored" in search.texts("INFO")[0] and not search.texts("ERROR") + search.texts("WARN")


@pytest.mark.parametrize("season", ["none", "day", "week"])
def test_plain_spl_gives_the_same_numbers(app, season) -> None:
    train(app, models(["a", "b", "c"], season=season, tz="Europe/Paris"))
    chance = random.Random(6)
    events = [
        {
            "_time": f"{chance.uniform(1.7e9, 1.71e9):.3f}",
            "host": chance.choice("abcd"),
            "cpu": chance.choice(["", "x", *[f"{chance.uniform(0, 100):.2f}"] * 8]),
        }
        for _ in range(200)
    ]
    result = SearchHead(app).search("search x | `adaptive_pointwise(web,cpu,host)`", events)
    assert not result.errors
    names = ["_time", "host", "cpu"]
    ours = Search(app, arguments(), names, [[event[name] for name in names] for event in events]).rows
    assert len(result.rows) == len(ours) == 200
    for spl, row in zip(result.rows, ours):
        for name in (*HOST_FIELDS, *METRIC_FIELDS):
            assert str(spl.get(name, "")) == row[name]


def test_several_metrics_have_prefixes_and_aliases_name_the_model(app) -> None:
    table = train(app, models(["a"], ["cpu", "mem"]))
    names = ["_time", "host", "cpu_pct", "mem"]
    search = Search(app, arguments([("cpu_pct", "cpu"), "mem"]), names, [["0", "a", "50", "9999"]])
    row = search.rows[0]
    assert (
        row["mem_score"] == row["anomaly_score"] and row["is_anomaly"] == "1" and row["reason"].startswith("mem 9999")
    )
    assert row["cpu_expected"] == table[(("a",), "cpu", "all")][1] and "expected" not in row
    assert search.described["required_fields"] == ["_time", "host", "cpu_pct", "mem", "metric_name", "_value"]
    assert search.described["type"] == "streaming"


def test_patterns_mean_the_metrics_of_the_collection(app) -> None:
    train(app, models(["a"], ["cpu.user", "cpu.sys", "mem"]))
    names = ["_time", "host", "cpu.user", "cpu.sys", "cpu.other"]
    search = Search(app, arguments(["cpu.*"]), names, [["0", "a", "5", "5", "5"]])
    assert search.described["required_fields"] == ["*"]
    assert [name for name in search.rows[0] if name.endswith("_score")] == [
        "anomaly_score",
        "cpu.sys_score",
        "cpu.user_score",
    ]
    assert (
        len(
            [
                name
                for name in Search(app, arguments([]), names, [["0", "a"] + ["5"] * 3]).rows[0]
                if name.endswith("_score")
            ]
        )
        == 4
    )


def test_long_rows_are_scored_by_the_metric_that_they_name(app) -> None:
    table = train(app, models(["a"], ["cpu", "mem"]))
    names = ["_time", "host", "metric_name", "_value"]
    rows = [["0", "a", metric, value] for metric in ("cpu", "mem", "disk", "") for value in ("1", "9999", "x")]
    for fields, scored in (
        (["_value"], {"cpu", "mem"}),
        (["cpu"], {"cpu"}),
        (["*"], {"cpu", "mem"}),
        ([("mem", "cpu")], {"mem"}),
    ):
        search = Search(app, arguments(fields), names, rows)
        for row in search.rows:
            known = row["metric_name"] in scored
            metric = "cpu" if isinstance(fields[0], tuple) else row["metric_name"]
            wanted = score(table, ("a",), metric if known else "?", "0", row["_value"])
            assert {name: row[name] for name in wanted} == wanted


def test_wide_rows_that_also_have_a_metric_name_stay_wide(app) -> None:
    table = train(app, models(["a"]))
    row = Search(
        app, arguments(), ["_time", "host", "cpu", "metric_name", "_value"], [["0", "a", "50", "x", "1"]]
    ).rows[0]
    assert row["expected"] == table[(("a",), "cpu", "all")][1]


def test_several_by_fields_in_any_order_and_none_at_all(app) -> None:
    keys = ["host", "disk"]
    table = train(app, models([("a", "c:"), ("a", "d:")], keys=keys), keys)
    for by in (["host", "disk"], ["disk", "host"], []):
        search = Search(
            app, arguments(by=by), ["_time", "disk", "host", "cpu"], [["0", "d:", "a", "5"], ["0", "a", "d:", "5"]]
        )
        assert search.rows[0]["expected"] == table[(("a", "d:"), "cpu", "all")][1]
        assert [row["model_status"] for row in search.rows] == ["trained", "cold"]
    train(app, models(["all"], keys=["entity"]), ["entity"], "one")
    assert (
        Search(app, arguments(by=[], model="one"), ["_time", "cpu"], [["0", "5"]]).rows[0]["model_status"] == "trained"
    )


def test_hostile_hosts_are_found_and_come_back_as_they_were(app) -> None:
    train(app, models(HOSTILE))
    names = ["_time", "host", "cpu", "note"]
    rows = [["0", host, "5", host] for host in HOSTILE]
    search = Search(app, arguments([("cpu", None)]), names, rows)
    assert [row["host"] for row in search.rows] == HOSTILE == [row["note"] for row in search.rows]
    assert {row["model_status"] for row in search.rows} == {"trained"}


def test_only_anomalies(app) -> None:
    train(app, models(["a"]))
    rows = [["0", "a", value] for value in ("9999", "5", "x", "-9999")]
    search = Search(app, arguments(only="anomalies"), ["_time", "host", "cpu"], rows, chunks=2)
    assert [row["cpu"] for row in search.rows] == [row["cpu"] for row in search.rows if row["is_anomaly"] == "1"]
    assert {"9999", "-9999"} <= {row["cpu"] for row in search.rows}


def test_a_field_of_the_input_is_replaced_with_one_warning(app) -> None:
    train(app, models(["a"]))
    search = Search(
        app, arguments(), ["_time", "host", "cpu", "score", "note"], [["0", "a", "5", "old", "kept"]] * 6, chunks=3
    )
    assert all(row["score"] != "old" and row["note"] == "kept" for row in search.rows) and len(search.rows) == 6
    assert search.texts("WARN") == [text for text in search.texts("WARN") if "score" in text and "replaced" in text]
    assert len(search.texts("WARN")) == 1


def test_what_is_missing_is_named_with_the_fix(app) -> None:
    train(app, models(["a"]))
    LookupStore(app=app).write("nobounds", ["host"], models(["a"]))
    info, messages = SearchInfo(getinfo()), Messages()
    with pytest.raises(CollectionNotFound, match=r"there are: web.*adaptfit"):
        Pointwise(info, messages, arguments(model="other"), app)
    with pytest.raises(CollectionNotFound, match="action=export collection=nobounds"):
        Pointwise(info, messages, arguments(model="nobounds"), app)
    with pytest.raises(BadValue, match="trained by host; got instance"):
        Pointwise(info, messages, arguments(by=["instance"]), app)
    with pytest.raises(BadValue, match="only must be all or anomalies"):
        Pointwise(info, messages, arguments(only="changes"), app)
    search = Search(app, arguments(["io*"]), ["_time", "host", "cpu"], [["0", "a", "5"]])
    assert MissingField.code in search.texts("ERROR")[0] and "it has cpu" in search.texts("ERROR")[0]


def test_a_metric_or_a_by_field_that_is_nowhere_is_a_warning(app) -> None:
    train(app, models(["a"]))
    search = Search(app, arguments(["io"]), ["_time", "cpu"], [["0", "5"]])
    assert search.rows[0]["model_status"] == "cold" and search.rows[0]["anomaly_score"] == ""
    assert any("has no io; it has cpu" in text for text in search.texts("WARN"))
    assert any("rows without host" in text for text in search.texts("WARN"))


def test_a_damaged_bounds_lookup_is_reported(app) -> None:
    train(app, models(["a"]))
    path = LookupStore(app=app).bounds_path("web")
    with open(path, "ab") as stream:
        stream.write(b"b,cpu,all,1,x,3\n")
    search = Search(app, arguments(), ["_time", "host", "cpu"], [["0", "a", "5"], ["0", "b", "5"]])
    assert search.rows[0]["score"] and not search.rows[1]["score"] and "action=export" in search.texts("WARN")[0]
    with open(path, "wb"):
        pass
    with pytest.raises(Exception, match="an empty file"):
        Pointwise(SearchInfo(getinfo()), Messages(), arguments(), app)


def test_no_rows_and_empty_chunks(app) -> None:
    train(app, models(["a"]))
    search = Search(app, arguments(), ["_time", "host", "cpu"], [])
    assert search.rows == [] and search.messages == []
    out = io.BytesIO()
    sent = frames(getinfo(), execute(b'"_time",host,cpu\n'), execute(b'"_time",host,cpu\n0,a,5\n', True))
    run(lambda info, messages: Pointwise(info, messages, arguments(), app), io.BytesIO(sent), out)
    assert _dicts(replies(out.getvalue())[2][1])[0]["model_status"] == "trained"


def test_neither_numpy_nor_rest_is_imported() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import adaptive_monitoring.commands.pointwise; "
        "bad = [m for m in ('numpy', 'splunklib', 'csv', 'hashlib', 'socket', 'ssl', 'zoneinfo', 'dataclasses', "
        "'typing', 'logging', 'argparse', 'inspect') if m in sys.modules]; sys.exit(', '.join(bad) or 0)"
    )
    path = os.path.join(REPOSITORY, "bin")
    result = subprocess.run([sys.executable, "-S", "-E", "-c", code, path], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")


def test_columns_of_an_empty_collection(app) -> None:
    train(app, models([]))
    assert isinstance(models([]), Columns)
    search = Search(app, arguments(), ["_time", "host", "cpu"], [["0", "a", "5"]])
    assert search.rows[0]["model_status"] == "cold"

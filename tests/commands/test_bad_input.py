"""What must never end a search in silence, spoil another entity or lose a stored model. Through the real scripts."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
import time

import pytest
from protocol.conversation import execute, frames, getinfo, hold, messages, replies
from searchhead.fakesplunkd import FakeSplunkd
from searchhead.table import decode, encode, from_rows

from adaptive_monitoring.commands import fitting
from adaptive_monitoring.commands.detect import Detect
from adaptive_monitoring.commands.fit import Fit
from adaptive_monitoring.store import paths
from adaptive_monitoring.store.rows import row_hash
from commands.fleet import START, STEP, later, said, wide

CPU = b'"_time",host,cpu\n'
ODD = [
    "",
    "text",
    "NaN",
    "inf",
    "-Infinity",
    "1e308",
    "-1e308",
    "1e400",
    "1e100",
    "0x10",
    ["1", "2"],
    "1e-320",
    " ",
    "'",
]
WAYS = ["model=web", "", "model=web pointwise=true"]


def odd_rows(base):
    """The rows of one more host x: numbers that are none, times twice, backwards, absurd; hosts that are none."""
    rows = [{**row, "host": "x", "cpu": ODD[i % len(ODD)], "mem": ODD[i * 5 % 13]} for i, row in enumerate(base)]
    rows += [rows[3], {**rows[3], "cpu": "5"}, rows[0], *rows[9:5:-1]]
    rows += [{**rows[0], "_time": t} for t in ("", "x", "nan", "1e308", "-1e30", "1700000000000", ["1", "2"])]
    return rows + [{**rows[0], "host": ""}, {**rows[0], "host": ["p", "q"]}]


def numbers_are_numbers(result) -> bool:
    """Every new cell that should be a number is one, or empty."""
    fields = [name for name in result.fields if name.endswith(("score", "expected", "_bound"))]
    return all(math.isfinite(float(cell)) for name in fields for cell in result.table.get(name) if cell)


def filled(row):
    """The cells that hold something: a field that is empty in every row does not exist."""
    return {name: value for name, value in row.items() if value}


@pytest.mark.parametrize("way", WAYS)
def test_odd_rows_come_out_and_change_nothing_for_others(trained, way) -> None:
    good = wide("a", 2) + wide("a", 0.2, START + 2 * 86400) if not way else later("a", 6)
    odd = odd_rows(good[: 2 * len(ODD)])
    rows = sorted(good + odd, key=lambda row: good.index({**row, "host": "a"}) if row in good else len(str(row)))
    result = trained[0].search(f"adaptdetect cpu mem by host {way}", rows)
    alone = trained[0].search(f"adaptdetect cpu mem by host {way}", good)
    assert not result.errors and len(result.rows) == len(rows) and numbers_are_numbers(result)
    assert [{name: row[name] for name in rows[0]} for row in result.rows] == rows
    mine = [filled(row) for row in result.rows if row["host"] == "a"]
    assert mine == [filled(row) for row in alone.rows]
    strange = [row for row in result.rows if row["host"] in ("", ["p", "q"]) or row["_time"] in ("", "x", "1e308")]
    assert {row["is_anomaly"] for row in strange} == {"0"}
    if "pointwise" not in way:
        assert said(result, "7 rows without a usable _time") and said(result, "1 rows without host")


def test_odd_rows_are_left_out_of_training(own) -> None:
    good = wide("a", 3)
    assert not own.search("adaptfit cpu mem by host into good", good).errors
    result = own.search("adaptfit cpu mem by host into web", good + odd_rows(good[: 2 * len(ODD)]))
    assert not result.errors and said(result, "7 rows without a usable _time") and said(result, "1 rows without host")
    found = {(row["host"], row["metric"]): row for row in result.rows}
    assert set(found) == {(host, metric) for host in ("a", "x", "p\nq") for metric in ("cpu", "mem")}
    shown = own.search("adaptmodel action=show collection=good").rows
    for row in shown:
        same = {name: value for name, value in row.items() if name not in ("config_hash", "row_hash")}
        assert same.items() <= found[("a", row["metric"])].items()
    assert {row["model_status"] for (host, _), row in found.items() if host != "a"} == {"untrainable"}


@pytest.mark.parametrize(
    "values", [["7"] * 500, ["0"] * 500, [f"{(-1) ** i}e99" for i in range(500)], ["1e-300", "2e-300"] * 250]
)
def test_degenerate_series_give_a_status_and_finite_numbers(own, values) -> None:
    rows = [{"_time": str(START + i * STEP), "host": "a", "cpu": value} for i, value in enumerate(values)]
    rows += [
        {**rows[-1], "_time": str(START + 500 * STEP), "cpu": "1e100"},
        {**rows[-1], "_time": str(START + 501 * STEP)},
    ]
    trained = own.search("adaptfit cpu by host into web", rows[:500])
    assert len(trained.rows) == 1 and not trained.errors and own.store.read("web").problems == []
    for way in WAYS[:2]:
        result = own.search(f"adaptdetect cpu by host {way}", rows)
        assert not result.errors and len(result.rows) == 502 and numbers_are_numbers(result)


@pytest.mark.parametrize("words", ["adaptfit cpu mem by host", *[f"adaptdetect cpu mem by host {way}" for way in WAYS]])
def test_no_row_and_one_row_are_enough(trained, words) -> None:
    none, one = trained[0].search(words, []), trained[0].search(words, later("a")[:1])
    assert not none.errors and none.rows == [] and not one.errors and len(one.rows) == (2 if "fit" in words else 1)
    if "fit" in words:
        assert said(none, "no rows came in") and {row["model_status"] for row in one.rows} == {"untrainable"}


def test_rows_that_cannot_be_used_at_all_are_errors_that_say_what_they_have(trained, monkeypatch) -> None:
    """In this process: fourteen searches of one row."""

    def search(words: str, row: dict, **other: str) -> str:
        command = Fit if words.startswith("adaptfit") else Detect
        body = encode(from_rows([{**row, **other}]))
        return " ".join(text for _, text in messages(hold(command, getinfo(*words.split()[1:]), execute(body, True))))

    monkeypatch.setattr(paths, "app_folder", lambda: trained[0].folder)
    row = later("a")[0]
    for words in ("adaptfit cpu by host", "adaptdetect cpu by host", "adaptdetect cpu by host model=web"):
        assert "rows need a _time; they have host, cpu, mem" in (said := search(words, dict(list(row.items())[1:])))
        assert "ADM020" in said and "| bin _time" in said
        said = search(words.replace("cpu", "cpi"), row)
        assert "no field cpi in the rows; they have _time, host, cpu, mem" in said and "ADM021" in said
        assert "1 rows without host were not used" in search(words, row, host="")
    for words in ("adaptfit cpu by hots", "adaptdetect cpu by hots"):
        assert "no field hots to group by" in search(words, row)
    named = {"_time": row["_time"], "host": "a", "metric_name": "load", "_value": "1"}
    for words in ("adaptfit cpu by host", "adaptdetect cpu by host"):
        assert "no metric_name in the rows matches cpu" in search(words, named)
    assert "rows of metrics that the collection does not have" in search("adaptdetect by host model=web", named)
    assert "it has cpu, mem" in search("adaptdetect load by host model=web", named)
    assert "would be called anomaly_score" in search("adaptdetect cpu AS anomaly mem by host", row)


def test_a_feed_that_is_down_does_not_stop_the_scoring_of_others(trained) -> None:
    rows = [{name: row[name] for name in ("_time", "host", "cpu")} for row in later("a", 1)]
    result = trained[0].search("adaptdetect mem cpu by host model=web", rows)
    assert (
        not result.errors and said(result, "no field mem in the rows") and all(row["cpu_score"] for row in result.rows)
    )
    assert "no field mem" in trained[0].search("adaptfit mem cpu by host", rows).errors[0]


def test_a_missing_collection_names_the_ones_that_exist(trained) -> None:
    for way in ("", "pointwise=true"):
        result = trained[0].search(f"adaptdetect cpu by host model=wab {way}", later("a", 1))
        assert "ADM030" in result.errors[0] and "there are: web" in result.errors[0] and result.starts == 1
    assert "ADM032" in trained[0].search("adaptfit cpu by host into x_bounds", []).errors[0]


def cut_script(app, script: str, words: list[str], data: bytes) -> tuple[list, str]:
    """(replies, stderr) of a script that hears these bytes and then the end of the stream."""
    command = [sys.executable, os.path.join(app.folder, "bin", script)]
    started = frames(getinfo(*words, session_key=""))
    done = subprocess.run(command, input=started + data, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0
    return replies(done.stdout), done.stderr.decode()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frames(execute(CPU + b"1,a,2\n"))[:-3], "ADM040"),
        (b"chunked 1.0,99999999", "ADM040"),
        (b"chunked 2.0,2,0\n{}", "ADM041"),
        (frames(execute(CPU + b"1,a\n", True)), "ADM022"),
        (frames(execute(CPU + b'1,"a,2\n', True)), "ADM022"),
    ],
)
def test_a_broken_chunk_is_an_error_and_stores_nothing(copied, data, code) -> None:
    before = copied.data("web")
    for script, words in (
        ("adaptfit.py", ["cpu", "by", "host", "into", "web"]),
        ("adaptdetect.py", ["cpu", "by", "host"]),
    ):
        told, stderr = cut_script(copied, script, words, data)
        assert code in messages(told)[-1][1] and told[-1][0]["finished"] is True and stderr == ""
    assert copied.data("web") == before and copied.store.versions("web") == []


def changed(data: bytes, host: str, metric: str, **cells: str) -> bytes:
    """The collection with other cells in one row, and the hash that fits them."""
    lines = data.decode().splitlines()
    names = lines[0].split(",")
    for i, line in enumerate(lines):
        row = line.split(",")
        if row[:2] == [host, metric]:
            row = [cells.get(name, cell) for name, cell in zip(names, row)]
            lines[i] = ",".join([*row[:-1], row_hash(row[:-1])])
    return "\n".join([*lines, ""]).encode()


def test_tampered_rows_are_not_used_and_said(copied) -> None:
    data = copied.data("web")
    copied.put("web", data.replace(b"\nb,mem,1,", b"\nb,mem,2,", 1))
    result = copied.search("adaptdetect cpu mem by host model=web", later("abc", 1))
    assert said(result, "ADM031", "model row b mem", "row_hash") and not result.errors
    last = {row["host"]: row for row in result.rows}
    assert last["b"]["mem_expected"] == "" and last["b"]["cpu_expected"] and last["a"]["mem_expected"]
    trained = copied.search("adaptfit cpu by host into web", wide("d"))
    assert said(trained, "1 stored rows", "not trusted") and b"\nb,mem,2," in copied.data("web")


FORGED = {
    "state": ["unit=1", "x=1;y=2", "", "unit=1 1 1 1;" * 6],
    "season": ["week"],
    "level": ["1e99"],
    "scale": ["1e-320", "1e99"],
    "slots": ["1 " * 95 + "1|" + "1 " * 95 + "-"],
    "detector": ["nonsense"],
}


def test_forged_rows_with_the_right_hash_harm_nobody_else(own) -> None:
    """Whoever can write the lookup can write a hash that fits: such rows cost their own host at most."""
    forged = [(name, value) for name, values in FORGED.items() for value in values]
    forged += [
        ("state", (r"peak_count=\d+", value)) for value in ("peak_count=1e9", "peak_count=-5", "peak_count=1e300")
    ]
    forged += [("state", (r"blocks=\d+", "blocks=-1e99")), ("state", (r"knots=\S+", "knots=1e308"))]
    hosts = "abcdefghijklmnopqrstuvwxyz"[: len(forged)]
    own.search("adaptfit cpu by host into web", wide(hosts + "z", 3))
    data = own.data("web")
    old = dict(zip(own.stored("web").get("host"), own.stored("web").get("state")))
    for host, (name, value) in zip(hosts, forged):
        cell = re.sub(*value, old[host]) if isinstance(value, tuple) else value
        data = changed(data, host, "cpu", **{name: cell})
    rows = wide(hosts + "z", 0.25, START + 3 * 86400)
    alone = own.search("adaptdetect cpu by host model=web", [row for row in rows if row["host"] == "z"])
    own.put("web", data)
    result = own.search("adaptdetect cpu by host model=web", rows)
    assert not result.errors and said(result, "ADM031", "is not used") and numbers_are_numbers(result)
    assert [filled(row) for row in result.rows if row["host"] == "z"] == [filled(row) for row in alone.rows]


def test_a_half_written_collection_is_an_error_until_it_is_replaced(copied) -> None:
    half = copied.data("web")[:-300]
    copied.put("web", half)
    for words in ("adaptdetect cpu by host model=web", "adaptfit cpu by host into web"):
        error = copied.search(words, wide("a", 1)).errors[0]
        assert "half-written" in error and "ADM003" in error and copied.data("web") == half
    copied.put("web", b"")
    assert "is empty" in copied.search("adaptdetect cpu by host model=web", later("a", 1)).errors[0]
    assert not copied.search("adaptfit cpu by host into web mode=replace", wide("a", 1)).errors
    assert len(copied.store.read("web")) == 1


def test_a_folder_that_cannot_be_written_leaves_the_old_collection(copied) -> None:
    before = copied.data("web")
    os.mkdir(copied.store.path("web") + ".tmp")  # a folder's permissions would not stop root
    result = copied.search("adaptfit cpu by host into web", wide("d", 1))
    assert "ADM033" in result.errors[0] and "what was stored before is unchanged" in result.errors[0]
    assert copied.data("web") == before


def test_a_killed_training_leaves_the_old_collection_and_the_next_one_works(copied) -> None:
    before = copied.data("web")
    command = [sys.executable, os.path.join(copied.folder, "bin", "adaptfit.py")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin and process.stdout and process.stderr
    process.stdin.write(frames(getinfo("cpu", "by", "host", "into", "web", session_key=""), execute(CPU + b"1,a,2\n")))
    process.stdin.flush()
    assert process.stdout.readline() and process.poll() is None
    process.kill()
    process.communicate()
    assert copied.data("web") == before
    for left in (".tmp", ".lock"):  # what a process leaves that is killed while it writes
        with open(copied.store.path("web") + left, "wb") as stream:
            stream.write(b"half")
    assert not copied.search("adaptfit cpu by host into web", wide("d", 1)).errors
    assert copied.stored("web").get("host")[-1] == "d" and os.listdir(copied.lookups).count("adaptive_web.csv") == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "ADM050"),
        (403, "ADM050"),
        (404, "ADM051"),
        (409, "ADM052"),
        (429, "ADM053"),
        (503, "ADM053"),
        (500, "ADM005"),
    ],
)
def test_a_refusal_of_splunkd_is_an_error_and_loses_nothing(copied, tmp_path, status, code) -> None:
    before = copied.data("web")
    with FakeSplunkd(str(tmp_path / "home"), copied.lookups) as splunkd:
        splunkd.fail(status, times=99)
        result = copied.search("adaptfit cpu by host into web", wide("d", 0.2), splunkd=splunkd)
    assert code in result.errors[0] and copied.data("web") == before and result.rows == []
    assert sorted(name for name in os.listdir(copied.lookups) if ".v" not in name) == [
        "adaptive_web.csv",
        "adaptive_web_bounds.csv",
        "kv_adaptive_audit.csv",  # of the training that made the collection, without splunkd
    ]


@pytest.mark.parametrize("fault", ["cut", "ignore", "gone"])
def test_no_answer_of_splunkd_is_said_and_loses_nothing(copied, tmp_path, fault) -> None:
    before = copied.data("web")
    with FakeSplunkd(str(tmp_path / "home"), copied.lookups) as splunkd:
        if fault != "gone":
            getattr(splunkd, fault)(times=99)
            result = copied.search("adaptfit cpu by host into web", wide("d", 0.2), splunkd=splunkd)
    if fault == "gone":
        result = copied.search("adaptfit cpu by host into web", wide("d", 0.2), splunkd=splunkd)
        assert said(result, "written on this machine only") and copied.stored("web").get("host")[-1] == "d"
    else:
        assert ("ADM054" if fault == "cut" else "ADM033") in result.errors[0] and copied.data("web") == before


def test_a_soft_stop_keeps_what_was_done_and_what_was_stored(copied, monkeypatch) -> None:
    """In this process, with a clock that runs fast and one entity per group."""
    clock = iter(range(0, 10**6, 40))
    monkeypatch.setattr(fitting.time, "monotonic", lambda: float(next(clock)))
    monkeypatch.setattr(fitting, "CELLS", 1)
    monkeypatch.setattr(paths, "app_folder", lambda: copied.folder)
    words = ["cpu", "by", "host", "into", "web", "max_runtime=100", "mode=replace"]
    told = hold(Fit, getinfo(*words, session_key=""), execute(encode(from_rows(wide("uvwxyz", 1))), True))
    done = decode(told[-1][1]).get("host")
    assert 0 < len(done) < 6 and any("ADM024" in text and f"{len(done)} of 6" in text for _, text in messages(told))
    assert set(copied.stored("web").get("host")) == {"a", "b", "c", *done}


def test_five_thousand_hosts_with_three_rows_each(own) -> None:
    rows = [
        {"_time": str(START + i * STEP), "host": f"h{n}", "cpu": str(n % 97 + i)} for i in range(3) for n in range(5000)
    ]
    began = time.process_time()
    trained = own.search("adaptfit cpu by host into many", rows)
    result = own.search("adaptdetect cpu by host model=many", rows, chunk_rows=4000)
    assert len(trained.rows) == 5000 and {row["model_status"] for row in trained.rows} == {"untrainable"}
    assert len(result.rows) == 15000 and not result.errors and time.process_time() - began < 20

"""The driver: what it sends, how it merges, and that it notices every breach of the protocol."""

from __future__ import annotations

import os
import shutil
import sys

import pytest

from searchhead import SearchHead, Table
from searchhead.__main__ import as_text, main
from searchhead.table import decode, encode, from_rows

FIXTURE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtureapp")
ROWS = [{"_time": str(i), "host": f"h-{i % 2}", "cpu": str(i), "note": 'a,"b"\n', "_raw": "x" * i} for i in range(1, 8)]


@pytest.fixture
def app(tmp_path):
    """A copy of the fixture app, to which a test may add commands and lookups."""
    shutil.copytree(FIXTURE, tmp_path / "app")
    commands = tmp_path / "app" / "bin" / "fixture_commands.py"
    repo = os.path.dirname(os.path.dirname(os.path.dirname(FIXTURE)))
    commands.write_text(
        f"import sys\nsys.path.insert(0, {os.path.join(repo, 'bin')!r})\n"
        + commands.read_text().replace("from __future__ import annotations\n", "")
    )
    return tmp_path / "app"


def add_command(app, name: str, source: str) -> None:
    (app / "bin" / f"{name}.py").write_text(source)
    with open(app / "default" / "commands.conf", "a") as conf:
        conf.write(f"\n[{name}]\nfilename = {name}.py\nchunked = true\n")


SPY = """
import json, sys
def read():
    header = sys.stdin.buffer.readline()
    if not header: raise SystemExit
    _, m, b = header.split(b",")
    return json.loads(sys.stdin.buffer.read(int(m))), sys.stdin.buffer.read(int(b))
def write(metadata, body=b""):
    text = json.dumps(metadata).encode()
    sys.stdout.buffer.write(b"chunked 1.0,%d,%d\\n" % (len(text), len(body)) + text + body)
    sys.stdout.buffer.flush()
"""
TELL = (
    SPY
    + """
info, _ = read()
write(dict({described}, inspector={{"messages": [["INFO", json.dumps(info)]]}}))
while True:
    request, body = read()
    said = [["INFO", json.dumps([request, body.decode()])]]
    write({{"finished": request["finished"], "inspector": {{"messages": said}}}}, body)
"""
)


def told(result) -> list:
    import json

    assert result.errors == []
    return [json.loads(text) for _, text in result.messages]


@pytest.mark.parametrize("chunk_rows", [1, 3, 50000])
@pytest.mark.parametrize("data_in_last_chunk", [False, True])
def test_streaming_reply_is_merged_into_the_whole_events(chunk_rows, data_in_last_chunk) -> None:
    head = SearchHead(FIXTURE, chunk_rows=chunk_rows, data_in_last_chunk=data_in_last_chunk)
    result = head.search("search index=x | fixadd | fixcount half", ROWS)
    assert [row["number"] for row in result.rows] == ["0", "2", "4", "6"]
    assert result.rows[0] == {**ROWS[0], "double": "2.0", "label": 'a,"b\n', "number": "0"}
    assert (result.metrics["rows"], result.starts, result.stderr, result.errors) == (7, 4, "", [])


def test_only_required_fields_cross_the_pipe_quoted_as_splunkd_quotes(app) -> None:
    add_command(app, "tell", TELL.format(described={"type": "streaming", "required_fields": ["cp*", "host", "absent"]}))
    info, *chunks = told(SearchHead(str(app), chunk_rows=4).search('tell tz="a b", c,d k = v', ROWS))
    assert info["searchinfo"]["raw_args"] == ['tz="a b"', "c", "d", "k", "=", "v"]
    assert info["searchinfo"]["args"] == ["tz=a b", "c", "d", "k", "=", "v"]
    request, body = chunks[0]
    assert request == {"action": "execute", "finished": False}
    assert body.split("\n")[:2] == [
        '"_chunked_idx",cpu,host,"__mv__chunked_idx","__mv_cpu","__mv_host"',
        '0,1,"h-1",,,',
    ]


def test_events_commands_get_all_fields_and_data_in_the_finished_chunk(app) -> None:
    add_command(app, "tell", TELL.format(described={"type": "events", "required_fields": ["cpu"]}))
    result = SearchHead(str(app), chunk_rows=5).search("tell", ROWS)
    sent = [entry for entry in told(result) if isinstance(entry, list)]
    assert [request["finished"] for request, _ in sent] == [False, True]
    assert '"_raw"' in sent[0][1] and len(result.rows) == 7


def test_no_rows_make_one_finished_chunk() -> None:
    assert SearchHead(FIXTURE).search("fixadd | fixlast | fixsum", []).rows == []


def test_multivalues_survive_a_command_that_does_not_know_them() -> None:
    rows = [{"cpu": "1", "many": ["a$", "b;", "$;$"]}, {"cpu": "2", "many": "one"}]
    assert [row["many"] for row in SearchHead(FIXTURE).search("fixadd", rows).rows] == [["a$", "b;", "$;$"], "one"]


def test_generating_and_built_in_verbs(tmp_path) -> None:
    spl = (
        "fixgen | stats count, sum(row) AS total by chunk | sort - chunk | eval x=chunk*2+1 | where x>3 | rename x AS y"
    )
    assert SearchHead(FIXTURE).search(spl).rows == [
        {"chunk": "3", "count": "2", "total": "1", "y": "7"},
        {"chunk": "2", "count": "2", "total": "1", "y": "5"},
    ]


def test_map_phase_runs_on_indexers_and_gives_the_same(app) -> None:
    alone, shared = (SearchHead(str(app), indexers=n).search("fixsum", ROWS) for n in (0, 3))
    assert sorted(row["total"] for row in alone.rows) == sorted(row["total"] for row in shared.rows) == ["12.0", "16.0"]
    assert shared.starts > alone.starts
    assert (alone.rows_from_indexers, shared.rows_from_indexers) == (0, 6)  # two hosts on each
    assert shared.bytes_from_indexers == len("host,part\n") + 6 * len('"h-1","1.0"\n')
    assert sorted(SearchHead(str(app), indexers=2).search("fixadd", ROWS).columns["double"])[0] == "10.0"


def test_preview_reaches_the_command() -> None:
    assert SearchHead(FIXTURE, preview=True).search("fixfail", ROWS).rows == []


def test_large_chunks_both_ways_do_not_dead_lock() -> None:
    table = Table({"cpu": ["1"] * 60000, "text": ["x" * 60] * 60000})
    result = SearchHead(FIXTURE).search("fixadd", table)
    assert len(result.table) == 60000 and set(result.columns["double"]) == {"2.0"}


@pytest.mark.parametrize(
    ("spl", "text"),
    [
        ("fixfail user", 'fixfail: no field "mem" in the rows (ADM021)'),
        ("fixfail user early", "ADM021"),
        ("fixfail exit", "no reply: the script ended"),
        ("nonsense", "Unknown search command"),
        ("nothere", "no chunked script"),
        ("dirty", "invalid chunk header"),
        ("forgets", "fields that were sent are missing in the reply: ['_chunked_idx']"),
        ("unfinished", "the finished chunk must have a finished reply"),
        ("ragged", "another width"),
    ],
)
def test_trouble_is_an_error_of_the_search(app, spl, text) -> None:
    add_command(app, "dirty", "print('hello')")
    loop = "read(); write({'type': 'streaming', 'required_fields': ['cpu']})\nwhile True:\n    request, body = read()\n"
    add_command(
        app, "forgets", SPY + loop + "    write({'finished': request['finished']}, b'cpu\\n1\\n' if body else b'')"
    )
    add_command(app, "unfinished", SPY + loop + "    write({'finished': False}, body)")
    add_command(app, "ragged", SPY + loop + "    write({'finished': False}, b'_chunked_idx,cpu\\n1\\n')")
    with open(app / "default" / "commands.conf", "a") as conf:
        conf.write("\n[nothere]\nfilename = nothere.py\nchunked = true\n")
    result = SearchHead(str(app)).search(spl, ROWS)
    assert any(text in error for error in result.errors), result.errors
    assert result.rows == []


def test_exit_code_and_stderr_are_seen() -> None:
    result = SearchHead(FIXTURE).search("fixfail exit", ROWS)
    assert any("non-zero error code 3" in error for error in result.errors) and "last words" in result.stderr


def test_lookups_and_macros(app) -> None:
    (app / "default" / "macros.conf").write_text(
        "[scored(2)]\nargs = lookup, limit\ndefinition = lookup $lookup$ host, slot OUTPUT upper AS bound \\\n| where "
        'value > bound*$limit$\n\n[slots]\ndefinition = eval slot=if(_time%2==0, "d".floor(_time/2), "all")\n'
    )
    (app / "default" / "transforms.conf").write_text("[bounds]\nfilename = bounds.csv\n")
    (app / "lookups").mkdir(exist_ok=True)
    head = SearchHead(str(app))
    head.search(
        "outputlookup bounds", [{"host": "a", "slot": "d1", "upper": "5"}, {"host": "b", "slot": "all", "upper": "7"}]
    )
    assert (app / "lookups" / "bounds.csv").read_text() == "host,slot,upper\na,d1,5\nb,all,7\n"
    rows = [
        {"_time": t, "host": h, "value": v}
        for t, h, v in [("2", "a", "9"), ("2", "a", "4"), ("3", "b", "8"), ("3", "a", "9")]
    ]
    found = head.search("`slots` | `scored(bounds, 1)` | fields - slot", rows).rows
    assert found == [
        {"_time": "2", "host": "a", "value": "9", "bound": "5"},
        {"_time": "3", "host": "b", "value": "8", "bound": "7"},
    ]
    assert len(head.search("inputlookup bounds.csv where host=a | head 5").rows) == 1


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1+2*3-4/2", "5"),
        ('(7%4)."x"', "3x"),
        ('if(cpu>=2 AND NOT host="b", "yes", "no")', "yes"),
        ("case(isnull(absent), coalesce(absent, cpu), true(), 0)", "2.5"),
        ("absent+1", None),
        ("1/0", None),
        ('printf("%.2f", 100*cpu/(1+cpu))', "71.43"),
        ("min(pow(10,2), max(1, cpu))", "2.5"),
        ('trim(" a ").upper(host).len(host)', "aA1"),
        ("round(-abs(cpu)*10)", "-25"),
        ("'my field'", "m"),
    ],
)
def test_eval(expression, value) -> None:
    rows = [{"cpu": "2.5", "host": "a", "my field": "m"}]
    assert SearchHead(FIXTURE).search(f"eval x={expression}", rows).rows[0].get("x") == value


def test_addinfo_gives_the_time_range() -> None:
    head = SearchHead(FIXTURE)
    (row,) = head.search("addinfo | where _time>=info_min_time", [{"_time": "9"}, {"_time": "11"}], earliest=10).rows
    assert (row["_time"], row["info_min_time"], row["info_max_time"]) == ("11", "10.000", "+Infinity")


def test_tables_round_trip_through_splunkds_csv() -> None:
    rows = [{"a": 'x,"y"\n', "b": ["1", "$2$;"], "c": "é\r"}, {"a": "", "b": "z", "c": "-"}]
    assert decode(encode(from_rows(rows))).rows() == rows


def test_search_from_the_command_line(capsys) -> None:
    assert main(["--app", FIXTURE, "fixgen | head 1"]) == 0
    assert capsys.readouterr().out.startswith("chunk  row\n1      0\n1 rows")
    assert main(["--app", FIXTURE, "nonsense"]) == 1
    assert as_text(from_rows([{"a": "1" * 100, "b": ["x", "y"]}]), 5, 10) == "a           b\n1111111111  x, y\n"


def test_children_run_with_the_python_asked_for_and_a_clean_path(app) -> None:
    source = SPY + "read(); write({'type': 'stateful', 'generating': True})\nread()\nimport os\n"
    answer = "'python,path\\n%s,%s\\n' % (sys.executable, os.environ.get('PYTHONPATH', ''))"
    add_command(app, "env", f"{source}write({{'finished': True}}, ({answer}).encode())\nread()")
    (row,) = SearchHead(str(app), python=sys.executable).search("env").rows
    assert row == {"python": sys.executable}

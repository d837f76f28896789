"""splunk-sdk is the judge: records that our reply yields = records that an SDK command yields for the same requests."""

from __future__ import annotations

import csv
import io

import pytest

from protocol.conversation import execute, getinfo, hold_script
from protocol.tables import splunkd_csv

internals = pytest.importorskip("splunklib.searchcommands.internals")

AWKWARD = [
    "plain",
    "a,b",
    'say "hi"',
    "two\nlines",
    "tab\tand space ",
    "é€😀",
    "$a$;$b$",
    "",
    "\r",
    "x\r\ny",
    "'",
    '"',
    ",",
    "\n",
]


def records(body: bytes) -> list[dict[str, object]]:
    """The rows as splunkd takes them: __mv_ columns with content win over their plain ones."""
    rows = csv.reader(io.StringIO(body.decode(), newline=""))
    names = next(rows, [])
    found = []
    for row in rows:
        cells = dict(zip(names, row))
        assert len(row) == len(names)
        values = {name: cells[name] for name in names if not name.startswith("__mv_")}
        for name in values:
            encoded = cells.get("__mv_" + name)
            if encoded:
                values[name] = [part.replace("$$", "$") for part in encoded[1:-1].split("$;$")]
        found.append(values)
    return found


def chunk(start: int, rows: int) -> bytes:
    """Full-width rows, in splunkd's order: all fields, then all their companions."""
    names = ["_chunked_idx", "_time", "host", "cpu", "note", "many"]
    table = []
    for i in range(start, start + rows):
        many = "v1\nv$2" if i % 3 == 0 else "one"
        cells = [str(i), f"{1700000000 + i}.000", f"web-{i % 5:02d}", f"{i % 97}.5", AWKWARD[i % len(AWKWARD)], many]
        table.append([*cells, "", "", "", "", "", "$v1$;$v$$2$" if i % 3 == 0 else ""])
    return splunkd_csv([*names, *("__mv_" + name for name in names)], table)


@pytest.mark.parametrize("sizes", [[1], [100, 2500, 7], [0, 5, 0, 3]], ids=str)
def test_our_reply_holds_the_records_of_the_sdk(sizes) -> None:
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    bodies = [chunk(start, size) if size else b"" for start, size in zip(starts, sizes)]
    requests = [getinfo(), *[execute(body) for body in bodies], execute(b"", True)]
    ours, stderr, code = hold_script("fixadd.py", *requests)
    theirs, sdk_stderr, sdk_code = hold_script("sdkadd.py", *requests)
    assert (stderr, code, sdk_stderr, sdk_code) == ("", 0, "", 0)
    assert [metadata.get("finished") for metadata, _ in ours] == [metadata.get("finished") for metadata, _ in theirs]
    assert [records(body) for _, body in ours] == [records(body) for _, body in theirs]
    assert sum(len(records(body)) for _, body in ours) == sum(sizes)


def test_both_answer_getinfo_with_the_same_type_and_fields() -> None:
    answers = [hold_script(script, getinfo())[0][0][0] for script in ("fixadd.py", "sdkadd.py")]
    assert answers[0]["type"] == answers[1]["type"] == "streaming"
    assert answers[0]["required_fields"] == answers[1]["required_fields"] == ["cpu"]


def test_multivalues_are_decoded_as_the_sdk_encodes_them() -> None:
    from adaptive_monitoring.protocol.body import Body

    stream = io.BytesIO()
    writer = internals.RecordWriterV2(stream)
    values = ["a$", ";", "$;$", "", "x,y", '"', "\n"]
    writer.write_record({"f": values, "g": "one"})
    writer.write_chunk(finished=True)
    data = stream.getvalue()
    body = Body(data[data.index(b"}") + 1 :])
    assert (body.values("f"), body.values("g"), len(body)) == ([values], [["one"]], 1)

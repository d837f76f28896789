"""The getinfo/execute loop: every conversation has a defined end."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys

import pytest

from adaptive_monitoring.commands.base import Command
from adaptive_monitoring.errors import MissingField
from adaptive_monitoring.protocol.session import Messages, SearchInfo, run
from protocol.conversation import FIXTURES, execute, frames, getinfo, hold, hold_script, messages

ROWS = b'"_chunked_idx",cpu,"__mv__chunked_idx","__mv_cpu"\n0,"1.5",,\n1,2,,\n'


class Echo(Command):
    """Adds a column `seen` with the finished flag."""

    closed = 0

    def execute(self, body, finished):
        self.messages.info(f"{len(body)} rows")
        return body.append(["seen"], [str(int(finished))] * len(body))

    def close(self):
        type(self).closed += 1


class Effect(Echo):
    previews = False


class Broken(Echo):
    def execute(self, body, finished):
        return {}["nothing"]


class Disk(Echo):
    def execute(self, body, finished):
        raise OSError(28, "No space left on device")


class Refuses(Echo):
    def __init__(self, info, messages):
        raise MissingField("echo: no field")


class Numbers(Echo):
    def describe(self):
        return {"type": "stateful", "generating": True}

    def execute(self, body, finished):
        self.count = getattr(self, "count", 0) + 1
        self.done = self.count == 3
        return b"n\n%d\n" % self.count


def test_streaming_conversation_with_data_in_the_finished_chunk() -> None:
    replied = hold(Echo, getinfo(), execute(ROWS), execute(ROWS, True))
    assert replied[0] == ({"type": "streaming", "required_fields": ["*"]}, b"")
    assert replied[1][0] == {"finished": False, "inspector": {"messages": [["INFO", "2 rows"]]}}
    assert replied[1][1] == b'"_chunked_idx",cpu,"__mv__chunked_idx","__mv_cpu",seen\n0,"1.5",,,0\n1,2,,,0\n'
    assert replied[2] == ({"finished": True}, replied[1][1].replace(b",0\n", b",1\n"))


def test_empty_chunks_get_empty_replies() -> None:
    replied = hold(Echo, getinfo(), execute(), execute(b"a,b\n"), execute(b"", True))
    assert [body for _, body in replied] == [b"", b"", b"a,b,seen\n", b""]
    assert [metadata.get("finished") for metadata, _ in replied] == [None, False, False, True]


def test_nothing_is_read_after_the_finished_chunk() -> None:
    assert len(hold(Echo, getinfo(), execute(ROWS, True), execute(ROWS))) == 2


def test_generating_command_goes_on_until_it_is_done_even_if_the_request_is_finished() -> None:
    replied = hold(Numbers, getinfo(), *[execute(b"", True)] * 5)
    assert [(m["finished"], body) for m, body in replied[1:]] == [
        (False, b"n\n1\n"),
        (False, b"n\n2\n"),
        (True, b"n\n3\n"),
    ]


@pytest.mark.parametrize("chunks", [[], [getinfo()], [getinfo(), execute(ROWS)]], ids=["at once", "getinfo", "data"])
def test_splunkd_may_hang_up_between_chunks(chunks) -> None:
    assert len(hold(Echo, *chunks)) == len(chunks)


def test_command_is_closed_once() -> None:
    Echo.closed = 0
    hold(Echo, getinfo(), execute(ROWS, True))
    assert Echo.closed == 1


def test_an_error_of_the_user_is_one_message_and_the_end() -> None:
    replied = hold(Refuses, getinfo(), execute(ROWS))
    assert replied == [({"finished": True, "inspector": {"messages": [["ERROR", "echo: no field (ADM021)"]]}}, b"")]


def test_a_fault_of_ours_names_type_and_place() -> None:
    replied = hold(Broken, getinfo(command="adaptecho"), execute(ROWS), execute(ROWS))
    ((level, text),) = messages(replied)
    assert level == "ERROR" and len(replied) == 2 and replied[1][0]["finished"] is True
    assert text.startswith("adaptecho: KeyError: 'nothing' at session.py:") and text.endswith("(ADM090)")


def test_a_full_disk_in_a_command_is_reported_not_taken_for_a_closed_pipe() -> None:
    assert "No space left on device" in messages(hold(Disk, getinfo(), execute(ROWS)))[0][1]


def test_broken_frames_are_reported() -> None:
    stdout = io.BytesIO()
    assert run(Echo, io.BytesIO(frames(getinfo(), execute(ROWS))[:-5]), stdout) == 0
    assert b"ADM040" in stdout.getvalue() and b'"finished":true' in stdout.getvalue()
    assert "ADM041" in messages(hold(Echo, execute(ROWS)))[0][1]
    assert "ADM022" in messages(hold(Echo, getinfo(), execute(b'a,b\n"1\n')))[0][1]


def test_preview_of_a_command_with_side_effects_runs_nothing() -> None:
    for chunks in ((getinfo(preview=True), execute(ROWS)), (getinfo(), ({"action": "execute", "preview": True}, ROWS))):
        assert hold(Effect, *chunks, execute(ROWS))[1:] == [({"finished": True}, b"")]
    assert len(hold(Echo, getinfo(preview=True), execute(ROWS, True))[1][1]) > 0


def test_finalize_file_ends_the_search_with_the_chunk_at_hand(tmp_path) -> None:
    (tmp_path / "finalize").write_text("")
    replied = hold(Echo, getinfo(dispatch_dir=str(tmp_path)), execute(ROWS), execute(ROWS))
    assert len(replied) == 2 and replied[1][0]["finished"] is True and replied[1][1].count(b",1\n") == 2
    assert [m["finished"] for m, _ in hold(Numbers, getinfo(dispatch_dir=str(tmp_path)), execute())[1:]] == [True]


def test_search_info_reads_what_splunkd_sends() -> None:
    info = SearchInfo(getinfo('tz="Europe/Paris"', "by", "host", sid="remote_sh1_1700000000.1"))
    assert (info.args, info.remote, info.preview) == (['tz="Europe/Paris"', "by", "host"], True, False)
    assert (info.earliest, info.latest, info.owner, info.session_key) == (0.0, 1700000000.0, "admin", "key")
    assert (info.app, info.splunkd_uri, info.sid[:6]) == ("adaptive_monitoring", "https://127.0.0.1:8089", "remote")


@pytest.mark.parametrize(
    "metadata", [{}, {"searchinfo": None}, {"searchinfo": {"args": ["a"], "earliest_time": "now"}}]
)
def test_search_info_survives_missing_keys(metadata) -> None:
    info = SearchInfo(metadata)
    assert (info.sid, info.earliest, info.remote) == ("", None, False)


def test_each_text_is_said_once_and_not_more_than_a_hundred() -> None:
    said = Messages()
    for i in range(300):
        said.warn(f"text {i % 200}")
        said.info("again")
    said.error("the end")
    said.metric("rows", 3.0)
    said.metric("rate", float("nan"))
    drained = said.drain()
    assert len(drained["messages"]) == 101 and drained["messages"][-1] == ["ERROR", "the end"]
    assert drained["metric.rows"] == 3 and "metric.rate" not in drained and said.drain() == {}


@pytest.mark.parametrize("early", [[], ["early"]])
def test_a_script_that_fails_says_so_and_exits_zero_with_a_silent_stderr(early) -> None:
    for how, code in (("user", "ADM021"), ("crash", "ADM090")):
        replied, stderr, exit_code = hold_script("fixfail.py", getinfo(how, *early), execute(ROWS))
        assert [level for level, _ in messages(replied)] == ["ERROR"] and code in messages(replied)[0][1]
        assert (replied[-1][0]["finished"], stderr, exit_code) == (True, "", 0)


def test_trouble_at_the_end_does_not_add_a_reply() -> None:
    replied, stderr, exit_code = hold_script("fixfail.py", getinfo("fine", "close"), execute(ROWS, True))
    assert (len(replied), stderr, exit_code) == (2, "", 0)


def test_getinfo_imports_nothing_heavy() -> None:
    heavy = {"numpy", "csv", "typing", "inspect", "logging", "argparse", "dataclasses", "splunklib", "traceback", "ssl"}
    code = (
        "import sys; before = set(sys.modules); from adaptive_monitoring.protocol import session; "
        "from adaptive_monitoring.commands import base, options, kinds; print(sorted(set(sys.modules) - before))"
    )
    path = [p for p in sys.path if p.endswith("bin")]
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {path!r}; {code}"], capture_output=True, check=True
    )
    assert not heavy & set(eval(done.stdout)), done.stdout


def test_a_cancelled_search_ends_the_script_silently() -> None:
    process = subprocess.Popen(
        [sys.executable, os.path.join(FIXTURES, "fixadd.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin and process.stdout
    process.stdin.write(frames(getinfo()))
    process.stdin.flush()
    process.stdout.read(1)
    process.stdout.close()
    body = b"cpu\n" + b"1\n" * 50000
    with contextlib.suppress(OSError):
        process.stdin.write(frames(execute(body), execute(body)))
    assert (process.communicate(timeout=30)[1], process.returncode) == (b"", 0)


def test_one_search_may_start_the_script_four_times() -> None:
    answers = [hold_script("fixadd.py", getinfo()) for _ in range(4)]
    assert all(answer == answers[0] for answer in answers) and answers[0][1:] == ("", 0)

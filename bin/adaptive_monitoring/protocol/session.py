"""The conversation of one command with splunkd: getinfo, then execute chunks, then the end.

Every trouble becomes one message in the Job Inspector, a finished reply and exit code 0: any other exit code hides the
message from users of remote searches.
"""

from __future__ import annotations

import gc
import os
import sys
import warnings

from adaptive_monitoring.errors import AdaptiveError, BadHeader, InternalError
from adaptive_monitoring.protocol.body import Body
from adaptive_monitoring.protocol.chunks import read_chunk, write_chunk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, BinaryIO, Protocol

    class Running(Protocol):
        """What the session needs of a command; commands/base.py has the words."""

        previews: bool
        done: bool

        def describe(self) -> dict[str, Any]: ...
        def execute(self, body: Body, finished: bool) -> bytes | None: ...
        def close(self) -> None: ...

    class CommandClass(Protocol):
        def __call__(self, info: SearchInfo, messages: Messages) -> Running: ...


MESSAGE_LIMIT = 100
BUFFER = 64 * 1024  # what a pipe holds; Python's own 4 kB take two system calls for 100 rows
SWEEP_OBJECTS = 100_000  # a slice makes 10,000 tuples at once; the search for cycles among them cost a quarter on 3.9
APP_FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class SearchInfo:
    """What getinfo says about the search.

    Limits: missing keys become '' ([] for args); nothing is checked, splunkd is trusted.
    args: the words behind the command, quotes kept (raw_args) where splunkd sends them. search: still percent-encoded.
    earliest, latest: seconds UTC, None when absent. remote: runs on an indexer. preview: a partial search.
    """

    def __init__(self, metadata: dict[str, Any]) -> None:
        found = metadata.get("searchinfo")
        info: dict[str, Any] = found if isinstance(found, dict) else {}

        def text(key: str) -> str:
            return str(info.get(key) or "")

        self.args: list[str] = [str(arg) for arg in info.get("raw_args") or info.get("args") or []]
        self.command = text("command")
        self.sid = text("sid")
        self.app = text("app")
        self.owner = text("owner")
        self.session_key = text("session_key")
        self.splunkd_uri = text("splunkd_uri")
        self.dispatch_dir = text("dispatch_dir")
        self.search = text("search")
        self.earliest = _seconds(info.get("earliest_time"))
        self.latest = _seconds(info.get("latest_time"))
        self.preview = metadata.get("preview") is True
        self.remote = self.sid.startswith("remote_")


class Messages:
    """What the Job Inspector will show. Limits: each distinct text once, at most 100 texts per process."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._waiting: list[list[str]] = []
        self._metrics: dict[str, float] = {}

    def info(self, text: str) -> None:
        self._say("INFO", text)

    def warn(self, text: str) -> None:
        self._say("WARN", text)

    def error(self, text: str) -> None:
        self._say("ERROR", text)

    def metric(self, name: str, number: float) -> None:
        """A figure for the Job Inspector; the last of a name within one reply counts. NaN and infinity are left out."""
        value = float(number)
        if value - value == 0:
            self._metrics[f"metric.{name}"] = int(value) if value == int(value) else value

    def drain(self) -> dict[str, Any]:
        """The `inspector` part of the next reply, {} when there is nothing to say."""
        inspector: dict[str, Any] = {"messages": self._waiting} if self._waiting else {}
        inspector.update(self._metrics)
        self._waiting, self._metrics = [], {}
        return inspector

    def _say(self, level: str, text: str) -> None:
        if text in self._seen or (len(self._seen) >= MESSAGE_LIMIT and level != "ERROR"):
            return
        self._seen.add(text)
        self._waiting.append([level, text])


class PipeClosed(Exception):
    """splunkd closed the pipe: the search was cancelled and nobody listens any more."""


def run(command_class: CommandClass, stdin: BinaryIO | None = None, stdout: BinaryIO | None = None) -> int:
    """Holds one conversation. Streams default to those of the process. Returns the exit code, always 0."""
    if stdout is None:
        gc.set_threshold(SWEEP_OBJECTS, 20, 20)
        if not sys.warnoptions:
            warnings.simplefilter("ignore")  # splunkd logs every line on stderr as an error
    stream = stdout or _private_stdout()
    Session(stdin or os.fdopen(0, "rb", buffering=BUFFER, closefd=False), stream).hold(command_class)
    try:
        if stdout is None:
            stream.close()
    except OSError:  # what a closed pipe did not take is still in the buffer; at exit Python would complain on stderr
        return 0
    return 0


class Session:
    """One conversation; hold() raises nothing."""

    def __init__(self, stdin: BinaryIO, stdout: BinaryIO) -> None:
        self.stdin = stdin
        self.stdout = stdout
        self.messages = Messages()
        self.command: Running | None = None
        self.name = "command"

    def hold(self, command_class: CommandClass) -> None:
        """Talks until splunkd or the command has finished; what goes wrong becomes a message and a finished reply."""
        try:
            self._guard(lambda: self._talk(command_class))
        except PipeClosed:
            self.messages.drain()
        self._close()

    def _guard(self, act: Callable[[], None]) -> None:
        """Runs act; its error ends the conversation with an answer."""
        try:
            act()
        except PipeClosed:
            raise
        except AdaptiveError as error:
            self._fail(str(error))
        except Exception as error:
            self._fail(str(InternalError(f"{self.name}: {describe_fault(error)}; please report this")))

    def _fail(self, text: str) -> None:
        self.messages.error(text)
        self._reply({"finished": True})

    def _talk(self, command_class: CommandClass) -> None:
        chunk = self._read("getinfo")
        if chunk is None:
            return
        info = SearchInfo(chunk[0])
        self.name = info.command or getattr(command_class, "__name__", self.name).lower()
        self.command = command_class(info, self.messages)
        described = self.command.describe()
        self._reply(described)
        generating, finished = described.get("generating") is True, False
        while not finished:
            chunk = self._read("execute")
            if chunk is None:
                return
            finished = self._execute(self.command, info, generating, *chunk)

    def _execute(
        self, command: Running, info: SearchInfo, generating: bool, metadata: dict[str, Any], data: bytes
    ) -> bool:
        """Answers one execute chunk; True when nothing comes after it."""
        if not command.previews and (info.preview or metadata.get("preview") is True):
            self._reply({"finished": True})
            return True
        finalized = bool(info.dispatch_dir) and os.path.exists(info.dispatch_dir + "/finalize")
        last = finalized or metadata.get("finished") is True
        reply = command.execute(Body(data), last)
        finished = (command.done or finalized) if generating else last
        self._reply({"finished": finished}, reply or b"")
        return finished

    def _close(self) -> None:
        try:
            if self.command is not None:
                self.command.close()
        except Exception:  # the last reply is out: splunkd would not listen to another one
            return

    def _read(self, action: str) -> tuple[dict[str, Any], bytes] | None:
        try:
            chunk = read_chunk(self.stdin)
        except OSError as error:
            raise PipeClosed from error
        if chunk is not None and chunk[0].get("action") != action:
            raise BadHeader(f"protocol: the next action must be {action}; got {chunk[0].get('action')!r}")
        return chunk

    def _reply(self, metadata: dict[str, Any], body: bytes = b"") -> None:
        inspector = self.messages.drain()
        try:
            write_chunk(self.stdout, {**metadata, "inspector": inspector} if inspector else metadata, body)
        except OSError as error:
            raise PipeClosed from error


def describe_fault(error: BaseException) -> str:
    """`ValueError: text at file.py:12 in score`: the innermost place inside this app, else the innermost of all."""
    codes, trace = [], error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        codes.append((code.co_filename, f"{os.path.basename(code.co_filename)}:{trace.tb_lineno} in {code.co_name}"))
        trace = trace.tb_next
    ours = [place for file, place in codes if file.startswith(APP_FOLDER)] or [place for _, place in codes]
    return f"{type(error).__name__}: {str(error)[:300]} at {ours[-1] if ours else 'an unknown place'}"


def _seconds(value: object) -> float | None:
    try:
        return float(str(value))
    except ValueError:
        return None


def _private_stdout() -> BinaryIO:
    """The process's stdout for the protocol alone: what a library prints goes nowhere instead of into a chunk.

    At the end of the process Python flushes and closes its own sys.stdout, which is then the null device.
    """
    private = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)
    return private

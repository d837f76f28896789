"""One conversation with a script as a child process: one request, one reply, as splunkd does; and what it cost."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Callable, NamedTuple, Optional

KB = 1024 if sys.platform != "darwin" else 1


class Failed(Exception):
    """The script did not answer as it should; the text says what it said."""


class Cost(NamedTuple):
    """cpu_s: user and system time of the process. peak_mb: its largest resident memory. received: bytes of replies."""

    cpu_s: float
    wall_s: float
    peak_mb: float
    received: int
    messages: list[str]


def getinfo(words: list[str], dispatch_dir: str, where: str = "") -> bytes:
    """The first request. words: as typed behind the command. where: in front of the sid, `remote_` for an indexer."""
    info = {
        "args": [word.replace('"', "") for word in words], "raw_args": words, "dispatch_dir": dispatch_dir,
        "sid": f"{where}1700000000.1",
        "app": "adaptive_monitoring", "owner": "admin", "username": "admin", "session_key": "",
        "splunkd_uri": "", "splunk_version": "9.4.0", "search": "bench", "command": "bench", "maxresultrows": 50000,
        "earliest_time": "0", "latest_time": "0",
    }  # fmt: skip
    return frame({"action": "getinfo", "preview": False, "streaming_command_will_restart": False, "searchinfo": info})


def execute(bodies: Iterable[bytes], last_with_data: bool = False) -> Iterator[bytes]:
    """Requests for these bodies. last_with_data: as reporting and events commands get it; else a header-only end."""
    waiting: Optional[bytes] = None
    for body in bodies:
        if waiting is not None:
            yield frame({"action": "execute", "finished": False}, waiting)
        waiting = body
    if waiting is not None and not last_with_data:
        yield frame({"action": "execute", "finished": False}, waiting)
        waiting = None
    yield frame({"action": "execute", "finished": True}, waiting or b"")


def frame(metadata: dict[str, Any], body: bytes = b"") -> bytes:
    text = json.dumps(metadata).encode()
    return b"chunked 1.0,%d,%d\n" % (len(text), len(body)) + text + body


def stored(path: Path) -> Iterator[bytes]:
    """The frames of a file, one by one."""
    with open(path, "rb") as file:
        while True:
            header = file.readline()
            if not header:
                return
            _, size, length = header.split(b",")
            yield header + file.read(int(size) + int(length))


def hold(
    command: list[str],
    frames: Iterable[bytes],
    environment: dict[str, str],
    take: Optional[Callable[[bytes], None]] = None,
    watch: Optional[Callable[[int], None]] = None,
) -> Cost:
    """Sends the frames in lockstep. take: gets every reply body. watch: gets the process id after every reply.

    Raises Failed for an ERROR, a broken reply, words on stderr, an exit code.
    """
    own_peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    errors = open_scratch()
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=environment)
    talk = _Talk(child, take, watch)
    try:
        for request in frames:
            talk.ask(request)
    except (Failed, OSError) as failure:
        talk.trouble = str(failure)
    talk.end()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)
    wall = time.perf_counter() - started
    said = _read_back(errors)
    if talk.trouble or said or child.returncode:
        raise Failed(
            f"{' '.join(command[1:])}: {talk.trouble or 'ended'}; exit code {child.returncode}; {said[-2000:]}"
        )
    # A child's ru_maxrss starts with what its parent had at that moment: below that it says nothing.
    peak = usage.ru_maxrss * KB / 1e6 if usage.ru_maxrss > own_peak else talk.peak_mb
    return Cost(usage.ru_utime + usage.ru_stime, wall, peak, talk.received, talk.messages)


class _Talk:
    def __init__(
        self,
        child: subprocess.Popen[bytes],
        take: Optional[Callable[[bytes], None]],
        watch: Optional[Callable[[int], None]],
    ) -> None:
        self.child, self.take, self.watch = child, take, watch
        self.received, self.peak_mb, self.trouble = 0, 0.0, ""
        self.messages: list[str] = []

    def ask(self, request: bytes) -> None:
        """Writes while reading, so that no pipe fills up."""
        assert self.child.stdin and self.child.stdout
        writer = threading.Thread(target=_write, args=(self.child.stdin, request))
        writer.start()
        try:
            body = self._reply(self.child.stdout)
        finally:
            writer.join()
        if self.trouble:
            raise Failed(self.trouble)
        self.received += len(body)
        self.peak_mb = max(self.peak_mb, memory_mb(self.child.pid, "VmHWM"))
        if self.watch:
            self.watch(self.child.pid)
        if self.take:
            self.take(body)

    def _reply(self, stream: BinaryIO) -> bytes:
        header = stream.readline(200)
        if not header.startswith(b"chunked 1.0,"):
            self.child.kill()
            raise Failed(f"no reply but {header[:200]!r}")
        _, size, length = header.split(b",")
        metadata = json.loads(stream.read(int(size)))
        for level, text in metadata.get("inspector", {}).get("messages", []):
            self.messages.append(f"{level} {text}")
            if level in ("ERROR", "FATAL"):
                self.trouble = text
        return stream.read(int(length))

    def end(self) -> None:
        assert self.child.stdin and self.child.stdout
        with contextlib.suppress(OSError):
            self.child.stdin.close()
        self.child.stdout.read()
        self.child.stdout.close()


def _write(stream: BinaryIO, request: bytes) -> None:
    try:
        stream.write(request)
        stream.flush()
    except (OSError, ValueError):
        return  # the script is gone; reading its reply says so


def memory_mb(pid: int, what: str = "VmRSS") -> float:
    """Resident memory of a process, VmRSS now or VmHWM its largest so far; 0 where the system does not say."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            found = [line.split()[1] for line in file if line.startswith(what + ":")]
    except OSError:
        return 0.0
    return int(found[0]) * 1024 / 1e6 if found else 0.0


def open_scratch() -> BinaryIO:
    """A file for what a child says on stderr."""
    import tempfile

    return tempfile.TemporaryFile()  # type: ignore[return-value]


def _read_back(file: BinaryIO) -> str:
    with file:
        file.seek(0)
        return file.read().decode("utf-8", "replace").strip()

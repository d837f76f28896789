"""One command script as a child process, spoken to as splunkd speaks: one request, one reply, nothing dead-locks."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
from typing import IO, Any


class ChildFailed(Exception):
    """The script did not answer as the protocol demands."""


class Child:
    """A running script. stderr: what it wrote there, complete after close()."""

    def __init__(self, command: list[str], environment: dict[str, str], cwd: str, timeout_s: float = 300.0) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, cwd=cwd
        )
        self.stderr = ""
        self._timer = threading.Timer(timeout_s, self.process.kill)
        self._timer.daemon = True
        self._timer.start()
        self._reader = threading.Thread(target=self._read_stderr, daemon=True)
        self._reader.start()

    def ask(self, metadata: dict[str, Any], body: bytes = b"") -> tuple[dict[str, Any], bytes]:
        """The reply to one chunk, read while the chunk is still being written. Raises ChildFailed."""
        assert self.process.stdin and self.process.stdout
        writer = threading.Thread(target=_write, args=(self.process.stdin, metadata, body), daemon=True)
        writer.start()
        reply = _read(self.process.stdout)
        writer.join()
        return reply

    def close(self) -> int:
        """Closes the pipe as splunkd does, waits, returns the exit code. Raises ChildFailed for bytes after the end."""
        assert self.process.stdin and self.process.stdout
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        left = self.process.stdout.read()
        code = self.process.wait()
        self._timer.cancel()
        self._reader.join()
        self.process.stdout.close()
        if left:
            raise ChildFailed(f"{len(left)} bytes after the last reply: {left[:200]!r}")
        return code

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self._timer.cancel()
        self._reader.join()
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                if stream:
                    stream.close()

    def _read_stderr(self) -> None:
        assert self.process.stderr
        with self.process.stderr as stream:
            self.stderr = stream.read().decode("utf-8", "replace")


def _write(stream: IO[bytes], metadata: dict[str, Any], body: bytes) -> None:
    text = json.dumps(metadata).encode()
    try:
        stream.write(b"chunked 1.0,%d,%d\n" % (len(text), len(body)) + text)
        stream.write(body)
        stream.flush()
    except (OSError, ValueError):
        return  # the script is gone; reading its reply says so


def _read(stream: IO[bytes]) -> tuple[dict[str, Any], bytes]:
    header = stream.readline(200)
    if not header:
        raise ChildFailed("no reply: the script ended")
    parts = header.rstrip(b"\n").split(b",")
    if len(parts) != 3 or parts[0] != b"chunked 1.0" or not (parts[1] + parts[2]).isdigit():
        raise ChildFailed(f"invalid chunk header {header!r}")
    text, body = stream.read(int(parts[1])), stream.read(int(parts[2]))
    if len(text) != int(parts[1]) or len(body) != int(parts[2]):
        raise ChildFailed("a reply is cut off: the script ended")
    metadata = json.loads(text)
    if not isinstance(metadata, dict):
        raise ChildFailed(f"metadata is no object: {text[:200]!r}")
    return metadata, body

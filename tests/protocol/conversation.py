"""Conversations with a command script: what splunkd would say, and what came back."""

from __future__ import annotations

import io
import os
import subprocess
import sys

from adaptive_monitoring.protocol.chunks import read_chunk, write_chunk
from adaptive_monitoring.protocol.session import run

FIXTURES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "searchhead", "fixtureapp", "bin")


def getinfo(*words: str, **changes: object) -> dict:
    """A getinfo request with every key that splunkd 8.2 to 10 is documented to send."""
    searchinfo = {
        "args": [word.replace('"', "") for word in words],
        "raw_args": list(words),
        "dispatch_dir": "/nowhere/dispatch/1700000000.1",
        "sid": "1700000000.1",
        "app": "adaptive_monitoring",
        "owner": "admin",
        "username": "admin",
        "session_key": "key",
        "splunkd_uri": "https://127.0.0.1:8089",
        "splunk_version": "9.4.0",
        "search": "%7C%20inputlookup%20x",
        "command": "fix",
        "maxresultrows": 50000,
        "earliest_time": "0",
        "latest_time": "1700000000",
    }
    preview = changes.pop("preview", False)
    searchinfo.update(changes)
    return {
        "action": "getinfo",
        "preview": preview,
        "streaming_command_will_restart": False,
        "searchinfo": searchinfo,
    }


def execute(body: bytes = b"", finished: bool = False) -> tuple[dict, bytes]:
    return {"action": "execute", "finished": finished}, body


def frames(*chunks: tuple[dict, bytes] | dict) -> bytes:
    stream = io.BytesIO()
    for chunk in chunks:
        write_chunk(stream, *(chunk if isinstance(chunk, tuple) else (chunk,)))
    return stream.getvalue()


def replies(data: bytes) -> list[tuple[dict, bytes]]:
    stream, found = io.BytesIO(data), []
    while True:
        chunk = read_chunk(stream)
        if chunk is None:
            return found
        found.append(chunk)


def hold(command_class, *chunks) -> list[tuple[dict, bytes]]:
    """The replies of a command run in this process."""
    stdout = io.BytesIO()
    assert run(command_class, io.BytesIO(frames(*chunks)), stdout) == 0
    return replies(stdout.getvalue())


def hold_script(script: str, *chunks, folder: str = FIXTURES) -> tuple[list[tuple[dict, bytes]], str, int]:
    """(replies, stderr, exit code) of a real script in its own process, all requests sent at once."""
    command = [sys.executable, os.path.join(folder, script)]
    done = subprocess.run(command, input=frames(*chunks), capture_output=True, timeout=60, check=False)
    return replies(done.stdout), done.stderr.decode(), done.returncode


def messages(replied: list[tuple[dict, bytes]]) -> list[tuple[str, str]]:
    return [tuple(message) for metadata, _ in replied for message in metadata.get("inspector", {}).get("messages", [])]

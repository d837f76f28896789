"""Runs one command of an app over events: parse, execution, chunks, and the merge of replies into the events."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from searchhead import spl
from searchhead.child import Child, ChildFailed
from searchhead.table import Table, concat, decode, encode
from searchhead.verbs import Verbs, matching

if TYPE_CHECKING:
    from searchhead.head import SearchHead

LEVELS = ("DEBUG", "INFO", "WARN", "ERROR", "FATAL")
TYPES = ("streaming", "stateful", "events", "reporting")


class SearchFailed(Exception):
    """The search ends here, with this text as its error."""


class Runner:
    """The commands of one search. context: the searchinfo that all of them get. peer: the app's folder on indexers."""

    def __init__(self, head: SearchHead, dispatch_dir: str, context: dict[str, Any], peer: str = "") -> None:
        self.head = head
        self.dispatch_dir = dispatch_dir
        self.context = context
        self.messages: list[tuple[str, str]] = []
        self.metrics: dict[str, Any] = {}
        self.stderr = ""
        self.starts = self.rows_from_indexers = self.bytes_from_indexers = 0
        self.peer = peer

    def say(self, level: str, text: str) -> None:
        if (level, text) not in self.messages:
            self.messages.append((level, text))

    def kind(self, verb: str, rest: str) -> str:
        """The type that a command has with these words; splunkd starts the script to know."""
        child, described = self._start(verb, rest, "")
        self._stop(child)
        return str(described.get("type", "streaming"))

    def call(self, verb: str, rest: str, table: Table, sid: str = "", shares: list[Table] | None = None) -> Table:
        """The events behind the command. shares: the rows on each indexer, for the map phase of a reporting command."""
        child, described = self._start(verb, rest, sid)
        self._stop(child)
        preop = described.get("streaming_preop")
        if shares:
            done = [self._preop(preop, share, f"remote_sh1_{i}") for i, share in enumerate(shares)] if preop else shares
            table = self._sent(concat(self.head.arrived(done)), described)
        elif preop and self.head.map_on_head:
            table = self._preop(preop, table, sid)
        child, described = self._start(verb, rest, sid)
        try:
            return self._execute(child, described, table)
        except (ChildFailed, ValueError) as failure:
            raise SearchFailed(f"Error in '{verb}' command: {failure}{self._last_words(child)}") from None
        finally:
            self._stop(child)

    def _preop(self, text: str, share: Table, sid: str) -> Table:
        verbs = Verbs(self.peer or self.head.app, self.context)
        for verb, rest in spl.pipeline(text):
            built_in = not self.head.commands.has_section(verb)
            share = verbs.known[verb](rest, share) if built_in else self.call(verb, rest, share, sid)
        return share

    def _sent(self, table: Table, described: dict[str, Any]) -> Table:
        """What leaves the indexers: for a reporting command, the fields that it requires."""
        required = described.get("required_fields") or ["*"]
        if described.get("type") == "reporting" and "*" not in required:
            table = table.select(matching(required, table.fields))
        self.rows_from_indexers += len(table)
        self.bytes_from_indexers += len(encode(table, multivalues=False))
        return table

    def _execute(self, child: Child, described: dict[str, Any], table: Table) -> Table:
        kind = described.get("type", "streaming")
        if kind not in TYPES:
            raise ChildFailed(f"unknown type {kind!r}")
        if described.get("generating"):
            return self._generate(child)
        if kind in ("streaming", "stateful"):
            return self._stream(child, table, described.get("required_fields") or ["*"])
        return self._collect(child, table)

    def _generate(self, child: Child) -> Table:
        replies, finished = [], False
        while not finished:
            metadata, body = self._ask(child, False)
            replies.append(decode(body))
            finished = metadata.get("finished") is True
        return concat(replies)

    def _collect(self, child: Child, table: Table) -> Table:
        """events and reporting: every field of every row, data in the finished chunk too."""
        replies = []
        starts = range(0, max(1, len(table)), self.head.chunk_rows)
        for start in starts:
            piece = table.slice(start, start + self.head.chunk_rows)
            metadata, body = self._ask(child, start == starts[-1], encode(piece))
            replies.append(decode(body))
            if metadata.get("finished") is True:
                break
        return concat(replies)

    def _stream(self, child: Child, table: Table, required: list[str]) -> Table:
        """streaming and stateful: the required fields and a row number go out, the reply is merged into the events."""
        selected = "*" not in required
        replies, finished = [], False
        for piece, last in self._pieces(table):
            sent = piece.select(matching(required, piece.fields)) if selected else piece
            if selected:
                sent = Table({"_chunked_idx": list(map(str, range(len(piece)))), **sent.columns}, len(piece))
            metadata, body = self._ask(child, last, encode(sent) if len(piece) else b"")
            replies.append(_merged(piece, sent, decode(body)) if selected and len(piece) else decode(body))
            finished = metadata.get("finished") is True
            if finished:
                break
        return concat(replies)

    def _pieces(self, table: Table) -> Iterator[tuple[Table, bool]]:
        """Chunks of rows, then the header-only finished one, unless the last rows come with it."""
        size = self.head.chunk_rows
        for start in range(0, len(table), size):
            yield table.slice(start, start + size), self.head.data_in_last_chunk and start + size >= len(table)
        if not (self.head.data_in_last_chunk and len(table)):
            yield Table(), True

    def _ask(self, child: Child, finished: bool, body: bytes = b"") -> tuple[dict[str, Any], bytes]:
        request: dict[str, Any] = {"action": "execute", "finished": finished}
        if self.head.preview:
            request["preview"] = True
        metadata, reply = child.ask(request, body)
        self._listen(metadata)
        if finished and metadata.get("finished") is not True:
            raise ChildFailed("the finished chunk must have a finished reply")
        return metadata, reply

    def _start(self, verb: str, rest: str, sid: str) -> tuple[Child, dict[str, Any]]:
        """A new process that has answered getinfo."""
        conf, raw = self.head.commands, spl.words(rest)
        remote = sid.startswith("remote_") and self.peer
        app, file = self.peer if remote else self.head.app, conf.get(verb, "filename", fallback=f"{verb}.py")
        script = os.path.join(app, "bin", file)
        if not os.path.exists(script) or conf.get(verb, "chunked", fallback="false").lower() not in ("true", "1"):
            raise SearchFailed(f"Error in '{verb}' command: no chunked script {script}")
        info = {**self.context, "command": verb, "args": list(map(spl.unquoted, raw)), "raw_args": raw}
        if sid:
            info.update(sid=f"{sid}_{info['sid']}", search="litsearch%20" + info["search"])
        self.starts += 1
        python = [self.head.python, "-S", "-E"] if remote else [self.head.python]  # no site-packages: no numpy there
        child = Child([*python, script], self._environment(), self.dispatch_dir)
        request = {"action": "getinfo", "preview": self.head.preview, "streaming_command_will_restart": False}
        try:
            described, body = child.ask({**request, "searchinfo": info})
            self._listen(described)
            if body:
                raise ChildFailed("a getinfo reply has no body")
        except (ChildFailed, SearchFailed) as failure:
            self._stop(child)
            where = "" if isinstance(failure, SearchFailed) else f"Error in '{verb}' command: "
            raise SearchFailed(f"{where}{failure}{self._last_words(child)}") from None
        return child, described

    def _stop(self, child: Child) -> None:
        if child.process.returncode is not None:
            return
        try:
            code = child.close()
        except ChildFailed as failure:
            child.kill()
            raise SearchFailed(str(failure)) from None
        self.stderr += child.stderr
        if code:
            self.say("ERROR", f"External search command exited unexpectedly with non-zero error code {code}.")

    def _listen(self, metadata: dict[str, Any]) -> None:
        """Takes messages and metrics. Raises SearchFailed for an ERROR."""
        inspector = metadata.get("inspector") or {}
        for level, text in inspector.get("messages", []):
            if level not in LEVELS:
                raise ChildFailed(f"unknown message level {level!r}")
            self.say(level, text)
        self.metrics.update({key[7:]: value for key, value in inspector.items() if key.startswith("metric.")})
        failed = [text for level, text in inspector.get("messages", []) if level in ("ERROR", "FATAL")]
        if failed or metadata.get("error"):
            raise SearchFailed(str((failed or [metadata["error"]])[0]))

    def _environment(self) -> dict[str, str]:
        """What splunkd hands down: its home, no foreign Python settings but the one that keeps the tree clean."""
        kept = {name: value for name, value in os.environ.items() if not re.match("PYTHON(PATH|HOME|STARTUP)", name)}
        home = getattr(self.head.splunkd, "home", "")
        return {**kept, **({"SPLUNK_HOME": home} if home else {}), "TZ": self.head.tz, **self.head.environment}

    def _last_words(self, child: Child) -> str:
        return f" ({child.stderr.strip()[-500:]})" if child.stderr.strip() else ""


def _merged(events: Table, sent: Table, reply: Table) -> Table:
    """The events with the reply's fields, row by row by _chunked_idx; events without a reply row are gone.

    Strict where splunkd's behaviour is unknown: a field that was sent must come back. A map phase that makes new rows
    must therefore ask for all fields ("*"), with `fields` before it to keep _raw out.
    """
    if not reply.columns:
        return Table()
    lost = [name for name in sent.columns if name not in reply.columns]
    if lost:
        raise ChildFailed(f"fields that were sent are missing in the reply: {lost}")
    indexes = [int(index) for index in reply.columns["_chunked_idx"]]
    merged = events.take(indexes)
    columns = {**merged.columns, **reply.columns}
    del columns["_chunked_idx"]
    return Table(columns, len(indexes))

"""SearchHead: runs searches over an app's own command scripts, speaking to them as splunkd does."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Union

from searchhead import spl
from searchhead.bundle import replicate
from searchhead.runner import Runner, SearchFailed
from searchhead.table import Row, Table, concat, from_rows
from searchhead.verbs import Verbs

#: The indexer of each of n rows, as a list or made by a function of (rows, indexers).
Split = Union[Sequence[int], Callable[[int, int], Sequence[int]]]


class Result:
    """What a search gave.

    messages: (level, text) of the Job Inspector, each once. metrics: name → number. stderr: of all scripts. starts: how
    many processes were started. rows_from_indexers, bytes_from_indexers: what the search head was sent by them, as CSV
    without multivalue columns.
    """

    def __init__(self, table: Table, runner: Runner, seconds: float) -> None:
        self.table = table
        self.fields = table.fields
        self.columns = table.columns
        self.messages: list[tuple[str, str]] = runner.messages
        self.metrics: dict[str, Any] = runner.metrics
        self.stderr = runner.stderr
        self.starts = runner.starts
        self.rows_from_indexers = runner.rows_from_indexers
        self.bytes_from_indexers = runner.bytes_from_indexers
        self.seconds = seconds

    @property
    def rows(self) -> list[Row]:
        return self.table.rows()

    @property
    def errors(self) -> list[str]:
        return [text for level, text in self.messages if level in ("ERROR", "FATAL")]


class SearchHead:
    """Plays splunkd for the scripts of one app tree (default/commands.conf, bin/, lookups/).

    Limits: knows the verbs in verbs.py and the app's own commands, nothing else; no time range, no subsearch.
    splunkd: a FakeSplunkd whose uri, session key and home the scripts get. indexers: 0 = all on the search head; n = a
    streaming command in front, and the map phase of a reporting one, run on n shares of the rows with a remote_ sid,
    from a replicated bundle and by a Python without site-packages. split: which rows are whose, default round robin.
    order: the order in which the indexers' results arrive, default theirs. data_in_last_chunk: streaming commands get
    their last rows in the finished chunk instead of an empty one. map_on_head: without indexers too, a map phase runs.
    """

    def __init__(
        self,
        app: str,
        python: str = sys.executable,
        splunkd: Any = None,
        chunk_rows: int = 50000,
        tz: str = "UTC",
        indexers: int = 0,
        preview: bool = False,
        data_in_last_chunk: bool = False,
        split: Split | None = None,
        order: Sequence[int] | None = None,
        map_on_head: bool = False,
    ) -> None:
        self.app = os.path.abspath(app)
        self.python = python
        self.splunkd = splunkd
        self.chunk_rows = chunk_rows
        self.tz = tz
        self.indexers = indexers
        self.preview = preview
        self.data_in_last_chunk = data_in_last_chunk
        self.split = split
        self.order = order
        self.map_on_head = map_on_head
        self.environment: dict[str, str] = {}
        self.commands = spl.read_conf(self.app, "commands")
        self.macros = spl.read_conf(self.app, "macros")
        self._sids = 0

    def search(
        self, text: str, rows: Iterable[Row] | Table | None = None, earliest: float = 0, latest: float | None = None
    ) -> Result:
        """Runs one search. rows: events in place of what a leading `search` or generating verb would find.

        An ERROR in the Job Inspector ends the search: errors are in the result, which holds no rows then.
        """
        started = time.perf_counter()
        table = rows if isinstance(rows, Table) else from_rows(rows or [])
        text = spl.expand_macros(text, self.macros)
        with tempfile.TemporaryDirectory(prefix="dispatch_") as dispatch_dir:
            peer = replicate(self.app, os.path.join(dispatch_dir, "peer")) if self.indexers else ""
            runner = Runner(self, dispatch_dir, self._context(text, earliest, latest, dispatch_dir), peer)
            try:
                table = self._pipe(spl.pipeline(text), table, runner, rows is not None)
            except SearchFailed as failure:
                runner.say("ERROR", str(failure))
                table = Table()
        return Result(table, runner, time.perf_counter() - started)

    def _pipe(self, pipeline: list[tuple[str, str]], table: Table, runner: Runner, given: bool) -> Table:
        collections = getattr(self.splunkd, "collections", None)
        verbs = Verbs(self.app, runner.context, collections and collections.store)
        shares = self._shares(table)
        for position, (verb, rest) in enumerate(pipeline):
            if position == 0 and verb == "search" and given:
                continue
            if self.commands.has_section(verb):
                if shares and runner.kind(verb, rest) == "streaming":
                    shares = [runner.call(verb, rest, share, f"remote_sh1_{i}") for i, share in enumerate(shares)]
                    table = concat(self.arrived(shares))
                    continue
                table, shares = runner.call(verb, rest, table, "", shares), []
            elif verb in verbs.known:
                table, shares = verbs.known[verb](rest, table), []
            else:
                raise SearchFailed(f"Unknown search command '{verb}'.")
        return table.without_empty() if len(table) else table

    def _shares(self, table: Table) -> list[Table]:
        """The rows of each indexer, [] without any."""
        if not self.indexers:
            return []
        n = len(table)
        owner = self.split(n, self.indexers) if callable(self.split) else self.split
        if owner is None:
            return [table.take(range(i, n, self.indexers)) for i in range(self.indexers)]
        return [table.take([row for row in range(n) if owner[row] == i]) for i in range(self.indexers)]

    def arrived(self, shares: list[Table]) -> list[Table]:
        """The indexers' results in the order in which they arrive."""
        return [shares[i] for i in self.order] if self.order else shares

    def _context(self, text: str, earliest: float, latest: float | None, dispatch_dir: str) -> dict[str, Any]:
        from urllib.parse import quote

        self._sids += 1
        return {
            "dispatch_dir": dispatch_dir,
            "sid": f"{time.time():.0f}.{self._sids}",
            "app": "adaptive_monitoring",
            "owner": "admin",
            "username": "admin",
            "session_key": getattr(self.splunkd, "session_key", ""),
            "splunkd_uri": getattr(self.splunkd, "uri", ""),
            "splunk_version": "9.4.0",
            "search": quote(text),
            "maxresultrows": 50000,
            "earliest_time": f"{earliest:.3f}",
            "latest_time": "0" if latest is None else f"{latest:.3f}",
        }

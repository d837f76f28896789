"""What a new file of a collection is made of: the rows that are stored, and those that come.

A line is the text of one row as it stands in the file. Nothing is read here but one stored file, and nothing written.
"""

from __future__ import annotations

import os

from adaptive_monitoring.errors import InternalError, Locked, ModelError
from adaptive_monitoring.store.base import SCHEMA
from adaptive_monitoring.store.index import Index
from adaptive_monitoring.store.rows import Checker, cells, rendered, row_hash

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from adaptive_monitoring.columns import Columns
    from adaptive_monitoring.store.base import Key, Written

    Rows = dict[Key, list[str]]
    Lines = dict[Key, bytes]

BATCH_ROWS = 500
ROW_WARN_BYTES = 2048
VERSION, HASH, LOCK = (SCHEMA.index(name) - len(SCHEMA) for name in ("model_version", "row_hash", "lock"))


class Stored:
    """The file as the writer finds it: every row that can be read, trusted or not, as the line it will be again.

    path: of a collection or of a kept version. keys: the by-fields that the writer has, None = those of the file.
    lines, trusted, locked: by entity and metric. version: the highest model_version. Without a file all of it is empty.
    Limits: a row that cannot be trusted is not locked, whatever its lock cell says; nor is any row of a file that
    cannot be read as a whole, which only mode "replace" takes.
    Raises ModelError for a file that cannot be read or has other by-fields, unless mode is "replace"; Locked for locked
    rows of other by-fields, which no writer with these by-fields could keep.
    """

    def __init__(self, path: str, keys: Sequence[str] | None, mode: str) -> None:
        self.lines: Lines = {}
        self.trusted: set[Key] = set()
        self.locked: set[Key] = set()
        self.keys = list(keys or [])
        self.version = self.problems = 0
        self.exists = os.path.exists(path)
        try:
            self._read(Index(path), keys)
        except FileNotFoundError:
            return
        except ModelError as error:
            if mode != "replace" or isinstance(error, Locked):
                raise

    def _read(self, index: Index, keys: Sequence[str] | None) -> None:
        checker = Checker(index.form, thorough=True)
        width = len(index.keys) + 1
        for part in checker.batches(index.records(), BATCH_ROWS):
            self.version = max(self.version, newest(part))
            for row in zip(*part.data):
                self.lines[row[:width]] = rendered(row)
                if row[LOCK] == "1":
                    self.locked.add(row[:width])
        if keys is not None and list(keys) != index.keys:
            raise self._other(index, keys)
        self.keys = index.keys
        self.trusted = set(self.lines)
        self.lines = {**{key: rendered(row) for key, row in checker.doubtful.items()}, **self.lines}
        self.problems = len(index.problems) + len(checker.problems)

    def _other(self, index: Index, keys: Sequence[str]) -> ModelError:
        """The error for other by-fields; what was read is forgotten."""
        text = f"store: {index.path} was trained by {', '.join(index.keys)}; got by {', '.join(keys)}"
        locked, self.lines, self.locked = len(self.locked), {}, set()
        if locked:
            return Locked(
                f"{text}, and {locked} of its models are locked. Unlock them (| adaptmodel action=unlock), or use "
                "another collection"
            )
        return ModelError(f"{text}. Use the same by-fields, another collection, or mode=replace")


def keyed(keys: Sequence[str], columns: Columns) -> Rows:
    """The trained rows in canonical columns, by entity and metric. Raises InternalError for a row that occurs twice."""
    blank = [""] * len(columns)
    data = [columns.get(name) if columns.has(name) else blank for name in [*keys, *SCHEMA]]
    width = len(keys) + 1
    rows = {tuple(row[:width]): list(row) for row in zip(*data)}
    if len(rows) != len(columns):
        raise InternalError(f"store: {len(columns) - len(rows)} of {len(columns)} trained rows occur twice")
    return rows


def merge(stored: Stored, trained: Rows, written: Written, mode: str) -> list[bytes]:
    """All lines of the new file, in the order of their keys. Fills changed, locked, kept and warnings."""
    fixed = stored.locked
    merged: Lines = {key: line for key, line in stored.lines.items() if mode == "update" or key in fixed}
    written.locked = len(fixed & trained.keys())
    written.kept = len(merged.keys() - (trained.keys() - fixed))
    written.changed = bool(stored.lines.keys() - merged.keys() - trained.keys())
    fresh: Rows = {}
    for key in trained.keys() - fixed:
        old = split(stored.lines[key]) if key in stored.trusted else None
        fresh[key] = old if old is not None and _same(old, trained[key]) else trained[key]
        written.changed |= fresh[key] is not old
    if written.changed:
        _stamp(fresh.values(), written.version)
        merged.update((key, rendered(row)) for key, row in fresh.items())
    if stored.problems:
        written.warnings.append(
            f'store: {stored.problems} stored rows of "{written.name}" are not trusted; see | adaptmodel action=verify'
        )
    return [merged[key] for key in sorted(merged)]


def split(line: bytes) -> list[str]:
    """The cells of a line."""
    return cells(line.decode("utf-8", "surrogateescape"))


def with_lock(line: bytes, locked: bool) -> bytes:
    """The same line with another lock cell, and the hash that belongs to it; the very same when it has it already."""
    row, cell = split(line), "1" if locked else "0"
    if (row[LOCK] or "0") == cell:
        return line
    row[LOCK] = cell
    row[HASH] = row_hash(row[:-1])
    return rendered(row)


def _same(old: list[str], new: list[str]) -> bool:
    return [*old[:VERSION], *old[VERSION + 1 : LOCK], *old[LOCK + 1 : HASH]] == [
        *new[:VERSION],
        *new[VERSION + 1 : LOCK],
        *new[LOCK + 1 : HASH],
    ]


def _stamp(rows: Iterable[list[str]], version: int) -> None:
    """Gives trained rows their version and hash."""
    for row in rows:
        row[VERSION] = str(version)
        row[LOCK] = row[LOCK] or "0"
        row[HASH] = row_hash(row[:-1])


def newest(columns: Columns) -> int:
    """The highest model_version, 0 when there is no row."""
    return max(map(int, map(float, set(columns.get("model_version")))), default=0)


def remark(lines: list[bytes], written: Written) -> None:
    """Warnings about rows that are too long, and about locked ones."""
    long = sum(1 for line in lines if len(line) >= ROW_WARN_BYTES)
    if long:
        written.warnings.append(f"store: {long} model rows are longer than {ROW_WARN_BYTES} bytes")
    if written.locked:
        written.warnings.append(f"store: {written.locked} locked models were not changed (lock=1)")

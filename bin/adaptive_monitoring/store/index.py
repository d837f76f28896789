"""Where the rows of a collection are: one pass over its bytes, then only the blocks that hold what is wanted.

The pass cuts the file into blocks of whole records and looks at the keys and the number of cells of each; nothing is
decoded, hashed or kept but a line per block. As the store writes rows in the order of their keys, an entity is then
found by its key; in a file that somebody has put in another order all blocks are searched. Blocks with \\r, empty
lines, quotes in keys or records of another length are cut with care (rows.records), the others at \\n and commas.

There is no second file: an index beside the collection could disagree with it.

Limits: the pass takes 2.6 us a row (100,000 rows, 126 MB: 0.26 s) when the file is in the memory of the system.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from contextlib import contextmanager
from itertools import repeat

from adaptive_monitoring.errors import ModelError
from adaptive_monitoring.store import files
from adaptive_monitoring.store.base import Problem
from adaptive_monitoring.store.rows import Checker, Form, cells, ends_in_crlf, records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

    from adaptive_monitoring.columns import Columns
    from adaptive_monitoring.store.base import Key

    Bytes = tuple[bytes, ...]

BLOCK_BYTES = 65_536
MANY = 10  # entities per block from which on looking for their blocks costs more than it saves
CODEC = ("utf-8", "surrogateescape")
QUOTED = re.compile(rb',"(?:[^"\n]|"")*"(?=[,\n])').sub  # a cell in quotes, as csv wants it, on one line


class Block:
    """Some whole records. offset, size: in bytes. line: number of its first line. first: key of its first record."""

    __slots__ = ("offset", "size", "line", "has_header", "first")

    def __init__(self, offset: int, size: int, line: int, has_header: bool) -> None:
        self.offset, self.size, self.line, self.has_header = offset, size, line, has_header
        self.first: Bytes = ()


class Index:
    """The file of one collection.

    Limits: when the file is replaced, the index is made anew by the next call that reads.
    keys: the by-fields. total: records of the file. problems: records that are no rows.
    Raises FileNotFoundError, NotWritable, ModelError (the file as a whole is no collection, or it is half-written).
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._scan()

    @property
    def keys(self) -> list[str]:
        return self.form.keys

    def records(self, wanted: Iterable[Key] | None = None) -> Iterator[tuple[int, str]]:
        """(line, text) of the records of these entities, None = all, in the order of the file.

        Of a block that must be cut with care all records come.
        """
        names = None if wanted is None else set(_encoded(wanted))
        with self._opened() as stream:
            for block in self._visited(names):
                yield from self._of_block(block, _part(stream, block), names)

    def holds(self, text: bytes) -> bool:
        """Whether this text, without quotes and commas, stands anywhere in the file."""
        with self._opened() as stream:
            return any(text in _part(stream, block) for block in self._blocks)

    def batches(self, wanted: frozenset[Key] | None, checker: Checker, rows: int) -> Iterator[Columns]:
        """Checked rows of these entities in tables of about so many, all rows of an entity in one table.

        Entities come in the order of the file, in that of their keys when it has none. wanted: None = all, in any case
        in the order of the file.
        """
        found: Iterable[tuple[int, str]] = self.records(wanted)
        if wanted is not None and not self._in_order:
            found = sorted(found, key=self._entity)
        return checker.batches(found, rows)

    def _entity(self, record: tuple[int, str]) -> Key:
        row = cells(record[1])
        return self.form.key(row) if len(row) == len(self.form.names) else ()

    def metrics(self, checker: Checker) -> list[str]:
        """The metrics of which there is a row that can be trusted, in order. Checks only as many rows as needed."""
        known: set[str] = set()
        with self._opened() as stream:
            for block in self._blocks:
                known.update(checker.columns(self._unknown(block, _part(stream, block), known)).get("metric"))
        return sorted(known)

    def _unknown(self, block: Block, data: bytes, known: set[str]) -> Iterable[tuple[int, str]]:
        """The records of metrics that are not known yet."""
        cut = self._cut(block, data)
        if cut is None:
            return self._with_care(block, data)
        lines, at = cut[0], len(self.keys)
        names = [line.split(b",", at + 1)[at] for line in lines]
        new = set(names) - {name.encode(*CODEC) for name in known}
        return ((i, line.decode(*CODEC)) for i, line in enumerate(lines, block.line) if names[i - block.line] in new)

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        """The file; where everything is has been looked up again when it is another one now. Raises ModelError."""
        try:
            with files.opened(self.path) as stream:
                if files.stamp(stream) != self._stamp:
                    names = self.form.names
                    self._scan()
                    if self.form.names != names:
                        raise ModelError(f"store: {self.path} got other columns during the search. Run it again")
                yield stream
        except FileNotFoundError:
            raise ModelError(f"store: {self.path} was deleted during the search. Train it, and run it again") from None

    def _scan(self) -> None:
        self.form: Form
        self.total, self.problems = 0, list[Problem]()
        self._blocks: list[Block] = []
        self._in_order, self._crlf = True, False
        last: Bytes = ()
        with files.opened(self.path) as stream:
            self._stamp = files.stamp(stream)
            offset, line, form = 0, 1, None
            for data in blocks(stream):
                block = Block(offset, len(data), line, form is None)
                if offset == 0:
                    self._crlf = ends_in_crlf(_text(block, data))
                if form is None:
                    form = self._header(block, data)
                if form is not None:
                    last = self._take(block, data, last)
                offset += len(data)
                line += data.count(b"\n")
        if form is None:
            Form("", self.path)

    def _header(self, block: Block, data: bytes) -> Form | None:
        """The form of the collection, None when there are only empty lines so far."""
        for _, text in records(_text(block, data), block.line, self._crlf):
            self.form = Form(text, self.path)
            return self.form
        return None

    def _take(self, block: Block, data: bytes, last: Bytes) -> Bytes:
        """Remembers a block that has rows. last: the key before. Returns the last key."""
        cut = self._cut(block, data)
        if cut is None:
            keys = self._careful_keys(block, data)
        else:
            keys = cut[1]
            self.total += len(keys)
        if not keys:
            return last
        self._in_order = self._in_order and keys[0] >= last and keys == sorted(keys)
        block.first = keys[0]
        self._blocks.append(block)
        return keys[-1]

    def _careful_keys(self, block: Block, data: bytes) -> list[Bytes]:
        """Counts the records and tells of those that are no rows. Raises ModelError when the last one was cut off."""
        found = list(self._with_care(block, data))
        self.total += len(found)
        rows, width = [], len(self.form.names)
        for line, text in found:
            row = cells(text)
            if len(row) == width:
                rows.append(self.form.key(row))
            elif line == found[-1][0] and not data.endswith(b"\n"):
                raise ModelError(
                    f"store: {self.path} is half-written: line {line} has {len(row)} of {width} cells. "
                    f"Restore a version (adaptive_<collection>.v<NNN>.csv beside it) or train with mode=replace"
                )
            else:
                name = " ".join(row[: len(self.keys) + 1])[:200]
                self.problems.append(Problem("unreadable", line, name, f"{len(row)} cells; the header has {width}"))
        return _encoded(rows)

    def _cut(self, block: Block, data: bytes) -> tuple[list[bytes], list[Bytes]] | None:
        """The records of a block and their keys; None when it must be cut with care."""
        if block.has_header or not self.form.straight or b"\r" in data or not data.endswith(b"\n"):
            return None
        lines, bare = data.split(b"\n"), data
        if b'"' in data:
            bare = QUOTED(b",", data)
            if b'"' in bare:
                return None
        del lines[-1]
        counted = lines if bare is data else bare.split(b"\n")[:-1]
        if set(map(bytes.count, counted, repeat(b","))) != {len(self.form.names) - 1}:
            return None
        n = len(self.keys)
        keys = [tuple(line.split(b",", n)[:n]) for line in lines]
        if bare is not data and any(b'"' in part for key in keys for part in key):
            return None
        return lines, keys

    def _with_care(self, block: Block, data: bytes) -> Iterator[tuple[int, str]]:
        found = records(_text(block, data), block.line, self._crlf)
        if block.has_header:
            next(found, None)
        return found

    def _of_block(self, block: Block, data: bytes, names: set[Bytes] | None) -> Iterable[tuple[int, str]]:
        cut = self._cut(block, data)
        if cut is None:
            return self._with_care(block, data)
        lines, keys = cut
        if names is None:
            return enumerate(data.decode(*CODEC).split("\n")[:-1], block.line)
        found = zip(keys, enumerate(lines, block.line))
        return [(number, line.decode(*CODEC)) for key, (number, line) in found if key in names]

    def _visited(self, names: set[Bytes] | None) -> list[Block]:
        """The blocks in which these entities may be."""
        if names is None or not self._in_order or len(names) > MANY * len(self._blocks):
            return self._blocks
        first = [block.first for block in self._blocks]
        places: set[int] = set()
        for name in names:  # the end of the block before the first that begins with it may have it, too
            places.update(range(max(bisect_left(first, name) - 1, 0), bisect_right(first, name)))
        return [self._blocks[i] for i in sorted(places)]


def blocks(stream: BinaryIO) -> Iterator[bytes]:
    """Whole records, about 64 KB at a time. An open quote goes on in the next line, at worst to the end."""
    waiting: list[bytes] = []
    quotes = 0
    for data in iter(lambda: stream.read(BLOCK_BYTES), b""):
        cut = data.rfind(b"\n") + 1
        if cut and (quotes + data.count(b'"', 0, cut)) % 2 == 0:
            yield b"".join([*waiting, data[:cut]])
            waiting, quotes = [data[cut:]], 0
            data = data[cut:]
        else:
            waiting.append(data)
        quotes += data.count(b'"')
    if any(waiting):
        yield b"".join(waiting)


def _part(stream: BinaryIO, block: Block) -> bytes:
    stream.seek(block.offset)
    return stream.read(block.size)


def _text(block: Block, data: bytes) -> str:
    text = data.decode(*CODEC)
    return text if block.offset else text.lstrip("\ufeff")


def _encoded(keys: Iterable[Key]) -> list[Bytes]:
    """The same names as bytes; names that no file can hold are left out."""
    out = []
    for key in keys:
        try:
            out.append(tuple([part.encode(*CODEC) for part in key]))
        except UnicodeEncodeError:
            continue
    return out

"""The rows of a training until all are in: by entity inside each chunk, in as few bytes as hold them exactly.

A model needs the whole history of its entity, and rows may come in any order, so nothing can be learned before the last
chunk. 12 to 16 bytes a row keep 100 million rows below two gigabytes; what exceeds MEMORY goes to a temporary file.
Training then takes a group of entities at a time.
"""
from __future__ import annotations

import os
import tempfile

import numpy as np

from adaptive_monitoring.commands.rows import Batch, widened
from adaptive_monitoring.engine.numbers import Floats, Ints
from adaptive_monitoring.errors import NotWritable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO, Union

    #: An array in memory, or its type, place and length in the file.
    Kept = Union[np.ndarray, tuple[np.dtype[np.generic], int, int]]

MEMORY = 2_500_000_000  # bytes of rows that stay in memory
_DECIMALS = (2, 0, 4, 6)  # numbers of decimals that are tried, the likeliest first
_MISSING = np.iinfo(np.int32).min
_LARGEST = 2.0**31 - 1
_TRIED_FIRST = 200  # values that tell most columns of other decimals


class Shelf:
    """Rows of one training.

    folder: for the temporary file, None = the system's. rows: per entity, usable ones only (with a time and an entity).
    command: for messages.
    """

    def __init__(self, folder: str | None = None, memory: int = MEMORY, command: str = "adaptfit") -> None:
        self.folder, self.memory, self.command = folder, memory, command
        self.rows: Ints = np.zeros(0, dtype=np.int64)
        self.bytes = 0
        self.file: BinaryIO | None = None
        self.end = 0
        self.chunks: list[tuple[Ints, Ints, list[Kept]]] = []  # entities, their first rows, columns

    def add(self, batch: Batch) -> None:
        """Keeps the rows of a chunk. Raises NotWritable when the temporary file cannot take them."""
        usable = np.isfinite(batch.t) & (batch.entity >= 0)
        if batch.metric is not None:
            usable &= batch.metric >= 0
        rows = np.flatnonzero(usable)
        if not len(rows):
            return
        entity = batch.entity.take(rows)
        if entity.max() < 65536:
            entity = entity.astype(np.uint16)  # sorted in linear time
        order = np.argsort(entity, kind="stable")
        rows, entity = rows.take(order), entity.take(order).astype(np.int64)
        first = np.concatenate([[0], np.flatnonzero(entity[1:] != entity[:-1]) + 1])
        columns = [_times(batch.t.take(rows)), *(_small(values) for values in batch.x.take(rows, axis=0).T)]
        if batch.metric is not None:
            columns.append(batch.metric.take(rows).astype(np.int32))
        who = entity.take(first)
        self._count(who, np.diff(np.append(first, len(rows))))
        self.chunks.append((who.astype(np.int32), np.append(first, len(rows)).astype(np.int32),
                            [self._keep(column) for column in columns]))

    def take(self, a: int, b: int, d: int, metric: Ints | None) -> Batch:
        """All rows of entities a … b - 1, which get the numbers 0 … b - a - 1.

        d: metrics of wide rows by now. metric: the new numbers of the metrics of long rows, None for wide ones.
        """
        parts: list[tuple[Floats, Ints, Floats, Ints]] = []
        for who, first, columns in self.chunks:
            i, j = np.searchsorted(who, (a, b)).tolist()
            if i == j:
                continue
            low, high = int(first[i]), int(first[j])
            t, *x = (self._read(column, low, high) for column in columns)
            numbers = x.pop().astype(np.int64) if metric is not None else np.zeros(0, dtype=np.int64)
            lengths = np.diff(first[i : j + 1])
            values = widened(np.stack([_large(column) for column in x], axis=1), d if metric is None else 1)
            parts.append((t.astype(np.float64), np.repeat(who[i:j].astype(np.int64) - a, lengths), values, numbers))
        t, entity, values, numbers = (np.concatenate(column) for column in zip(*parts))
        return Batch(t, entity, values, None if metric is None else metric[numbers])

    def close(self) -> None:
        """Removes the temporary file."""
        if self.file is not None:
            self.file.close()
            self.file = None

    def _count(self, who: Ints, lengths: Ints) -> None:
        more = int(who[-1]) + 1 - len(self.rows)
        if more > 0:
            self.rows = np.concatenate([self.rows, np.zeros(more, dtype=np.int64)])
        self.rows[who] += lengths

    def _keep(self, column: np.ndarray) -> Kept:
        if self.bytes + column.nbytes <= self.memory:
            self.bytes += column.nbytes
            return column
        try:
            if self.file is None:
                self.file = tempfile.TemporaryFile(dir=self.folder, prefix="adaptfit_")  # noqa: SIM115  until close()
            assert self.file is not None
            self.file.write(column.tobytes())
            self.file.flush()
        except OSError as error:
            where = self.folder or tempfile.gettempdir()
            raise NotWritable(
                f"{self.command}: rows beyond {self.memory / 1e9:g} GB go to a temporary file in {where}, which could "
                f"not be written: {error.strerror}. Make room there, or take fewer hosts or days at once; nothing was "
                "stored"
            ) from None
        at = self.end
        self.end += column.nbytes
        return column.dtype, at, len(column)

    def _read(self, kept: Kept, low: int, high: int) -> np.ndarray:
        if isinstance(kept, np.ndarray):
            return kept[low:high]
        assert self.file is not None
        kind, at, _ = kept
        data = os.pread(self.file.fileno(), (high - low) * kind.itemsize, at + low * kind.itemsize)
        return np.frombuffer(data, dtype=kind)


def _times(t: Floats) -> np.ndarray:
    """Whole seconds since 1970 in four bytes, others in eight."""
    if t.min() >= 0 and t.max() < 2.0**32:
        small = t.astype(np.uint32)
        if (small == t).all():
            return small
    return t


def _small(values: Floats) -> np.ndarray:
    """The same numbers as 32-bit integers with a number of decimals, if they all are; else as they are.

    The number of decimals is the first element.
    """
    known = ~np.isnan(values)
    for decimals in _DECIMALS:
        power = 10.0**decimals
        for part, mask in ((values[:_TRIED_FIRST], known[:_TRIED_FIRST]), (values, known)):
            with np.errstate(invalid="ignore", over="ignore"):
                scaled = np.rint(part * power)
                exact = (scaled / power == part) & (np.abs(scaled) <= _LARGEST) & ((scaled != 0) | ~np.signbit(part))
            if not (exact | ~mask).all():
                break
        else:
            whole = np.where(known, scaled, _MISSING).astype(np.int32)
            return whole.view(_KINDS[decimals])
    return values


#: A 32-bit integer type for each number of decimals.
_KINDS = {decimals: np.dtype([(f"e{decimals}", np.int32)]) for decimals in _DECIMALS}


def _large(column: np.ndarray) -> Floats:
    """The numbers that _small() was given."""
    if column.dtype.names is None:
        return column
    decimals = int(column.dtype.names[0][1:])
    whole = column[column.dtype.names[0]]
    out = whole / 10.0**decimals
    missing = whole == _MISSING
    if missing.any():
        out[missing] = np.nan
    return out

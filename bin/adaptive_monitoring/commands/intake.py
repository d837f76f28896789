"""What comes in to adaptfit, as batches: rows as they are, rows that indexers packed, or both; span= gathers them.

Packed rows are kept as they came until the end, because only then all of their fields are known: an indexer whose rows
lack a metric does not decide what the others have.
"""

from __future__ import annotations

import numpy as np

from adaptive_monitoring.commands.buckets import Buckets, Sums
from adaptive_monitoring.commands.packed import MARK, PAYLOAD, Packet
from adaptive_monitoring.commands.rows import Batch, Reader, joined
from adaptive_monitoring.commands.unpacking import Unpacked, unpack
from adaptive_monitoring.errors import BadPacked
from adaptive_monitoring.protocol.body import Body

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from adaptive_monitoring.commands.windows import Windows
    from adaptive_monitoring.protocol.session import Messages

    Note = Callable[[Body, Batch], None]


class Intake:
    """Reads the chunks of one training.

    windows: those of suppress= and exclude=, None = not given; values inside are taken out. With span= a bucket is
    inside when its start is. span: seconds, 0 = none. note: sees the rows of each chunk as they came.
    rows: events so far, those that a packed row stands for included.
    """

    def __init__(
        self, reader: Reader, windows: list[Windows | None], span: int, note: Note | None = None
    ) -> None:
        self.reader, self.note = reader, note
        self.windows = [found for found in windows if found is not None]
        self.buckets = Buckets(span) if span else None
        self.span = span
        self.packets: list[Packet] = []
        self.rows = self.bytes = 0

    def read(self, body: Body) -> list[Batch]:
        """What one chunk gives at once. Raises NoTime, MissingField, BadValue, BadPacked."""
        if MARK in body.names:
            body = self._keep(body)
        _, start, end = body.span()
        if start == end:
            return []
        self._look(body.names)
        batch = joined([self.reader.read(piece) for piece in body.slices()])
        self.rows += len(batch.t)
        if self.note is not None:
            self.note(body, batch)
        return self._take(batch)

    def finish(self, messages: Messages) -> Iterator[Batch]:
        """What is left when the last chunk is in. Raises as read()."""
        if self.packets:
            messages.info(f"adaptfit: indexers sent {sum(p.rows for p in self.packets)} rows as {len(self.packets)} "
                          f"packed rows of {self.bytes} bytes")
            messages.metric("bytes_packed", self.bytes)
            self._look(list(dict.fromkeys(name for packet in self.packets for name in packet.names)))
        for packet in self.packets:
            self.reader.look(packet.names)
            yield from self._unpacked(packet)
        self.packets.clear()
        if self.buckets is not None and self.buckets.parts:
            yield self._outside(self.buckets.batch(self.reader.long is True))

    def _look(self, names: list[str]) -> None:
        """Settles the metrics. Those of patterns in the order of their names: that of the fields differs by indexer."""
        fields = [field for field, _ in self.reader.arguments.fields]
        if self.reader.long is None:
            self.reader.look(sorted(names) if not fields or any("*" in field for field in fields) else names)

    def _keep(self, body: Body) -> Body:
        """Takes the packed rows out. Returns the others without the packed rows' fields."""
        marks, payloads = body.columns([MARK, PAYLOAD]).data
        packed = list(filter(None, marks))
        for mark, payload in zip(marks, payloads):
            if mark:
                packet = Packet(mark, payload)
                if packet.span not in (0, self.span):
                    raise BadPacked(f"adaptfit: indexers packed rows with span={packet.span}s; the search says "
                                    f"span={self.span}s. Leave phase=map out of the search: it is added by itself")
                self.packets.append(packet)
                self.rows += packet.rows
                self.bytes += len(mark) + len(payload)
        if len(packed) == len(marks):
            return Body()
        rest = Body(body.append([], [], [not mark for mark in marks])) if packed else body
        return rest.drop([MARK, PAYLOAD])

    def _take(self, batch: Batch) -> list[Batch]:
        if self.buckets is None:
            return [self._outside(batch)]
        self.buckets.add(batch)
        return []

    def _outside(self, batch: Batch) -> Batch:
        for windows in self.windows:
            batch.x[windows.find(batch.t, batch.entity, self.reader.keys) >= 0] = np.nan
        return batch

    def _unpacked(self, packet: Packet) -> list[Batch]:
        found = unpack(packet)
        reader, groups = self.reader, len(found.sizes)
        if found.by != reader.by:
            raise BadPacked(f"adaptfit: indexers packed rows by {', '.join(found.by) or 'nothing'}; the search says by "
                            f"{', '.join(reader.by) or 'nothing'}. Leave phase=map out of the search: it is added by "
                            "itself")
        each = np.repeat(np.arange(groups), found.sizes)
        stands_for = np.bincount(each, weights=found.stands_for, minlength=groups).astype(np.int64).tolist()
        keys = found.keys[: len(reader.by)]
        reader.count_incomplete(keys, stands_for)
        entity = reader.entities_of(keys, groups)[each]
        reader.without_time += int(found.stands_for[np.isnan(found.t)].sum())
        metric = None
        if reader.long:
            names = found.keys[-1] if found.long else [""] * groups
            metric = np.maximum(reader.metrics_of(names), -1)[each]
        columns = self._places(found)
        if not packet.span:
            return self._take(Batch(found.t, entity, _chosen(found.x, columns, np.nan), metric))
        assert self.buckets is not None
        good = np.isfinite(found.t) & (entity >= 0)
        if metric is not None:
            good &= metric >= 0
        series = np.zeros(len(good), dtype=np.int64) if metric is None else metric
        counts, whole, parts = (_chosen(table, columns, 0)[good] for table in (found.counts, found.whole, found.parts))
        self.buckets.add_sums(Sums(entity[good], series[good], found.t[good], counts, whole, parts))
        return []

    def _places(self, found: Unpacked) -> list[int]:
        """Where the reader's columns stand in the packed row, −1 = nowhere."""
        if self.reader.long:
            return [0] if found.long else [-1]
        return [found.values.index(name) if name in found.values and not found.long else -1
                for name in self.reader.columns]


def _chosen(table: Any, columns: list[int], nothing: float) -> Any:
    """These columns; nothing in those that are nowhere."""
    if columns == list(range(table.shape[1])):
        return table
    out = np.full((len(table), len(columns)), nothing, dtype=table.dtype)
    for i, place in enumerate(columns):
        if place >= 0:
            out[:, i] = table[:, place]
    return out

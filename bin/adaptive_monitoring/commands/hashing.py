"""The fingerprint of the numbers that a training has seen."""
from __future__ import annotations

import hashlib

import numpy as np

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from adaptive_monitoring.engine.base import Panel


class DataHash:
    """SHA-256 over entities, metrics, times and values; the order of rows, entities and metrics decides nothing.

    Values that suppress= or exclude= took out count as missing. -0 is 0, every NaN is the same.
    Limits: rows of one entity and time must stand in a fixed order, as rows.in_value_order puts them.
    """

    def __init__(self) -> None:
        self.digests: list[bytes] = []

    def add(self, keys: Sequence[tuple[str, ...]], metrics: Sequence[str], panel: Panel) -> None:
        """keys: of the panel's entities, each added once. metrics: names of its columns."""
        order = sorted(range(len(metrics)), key=metrics.__getitem__)
        head = repr([metrics[i] for i in order]).encode("utf-8", "surrogateescape")
        x = panel.x[:, order] + 0.0
        x[np.isnan(x)] = np.nan
        rows = np.concatenate([panel.t[:, None], x], axis=1).astype("<f8")
        ends = panel.indptr.tolist()
        for key, start, end in zip(keys, ends, ends[1:]):
            found = hashlib.sha256(head)
            found.update(repr(key).encode("utf-8", "surrogateescape"))
            found.update(rows[start:end].tobytes())
            self.digests.append(found.digest())

    def text(self) -> str:
        """64 hex digits."""
        return hashlib.sha256(b"".join(sorted(self.digests))).hexdigest()

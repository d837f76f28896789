"""What commands tell the audit trail, in one line each.

No command waits for an audit that does not come, and none fails for it: what could not be recorded is a warning.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from adaptive_monitoring.protocol.session import Messages, SearchInfo
    from adaptive_monitoring.store.base import Written

NAMED = 10  # windows that a record names one by one


def tell(info: SearchInfo, messages: Messages, event: str, app: str | None = None, **cells: object) -> bool:
    """One record. event, cells: as store.audit.Audit.record. False when it could not be written."""
    from adaptive_monitoring.store.audit import Audit

    return Audit(info, messages.warn, app).record(event, **cells)


def of_write(written: Written) -> dict[str, object]:
    """The cells of a record that a write fills."""
    return {
        "collection": written.name,
        "version": written.version,
        "version_before": written.before or None,
        "changed": written.changed,
        "locked": written.locked,
        "file_hash": written.hash,
    }


class Suppressions:
    """Counts rows that a lookup of windows kept from alerting, and tells of them once, when the search ends.

    Nothing is done for a search in which no row was suppressed, in previews, and on indexers.
    """

    def __init__(self) -> None:
        self.rows: dict[int, int] = {}
        self.entities: set[int] = set()

    def count(self, window: Any, entity: Any) -> None:
        """window: (n,) window of each row, -1 = none; None without windows. entity: (n,) whose row it is."""
        if window is None:
            return
        import numpy as np

        inside = window >= 0
        if not inside.any():
            return
        for number, rows in zip(*np.unique(window[inside], return_counts=True)):
            self.rows[int(number)] = self.rows.get(int(number), 0) + int(rows)
        self.entities.update(np.unique(entity[inside]).tolist())

    def tell(self, info: SearchInfo, messages: Messages, lookup: str, names: Sequence[str], model: str | None) -> None:
        """The record. lookup: of the windows; names: of the windows, by number. model: the collection, None = none."""
        if not self.rows or info.preview or info.remote:
            return
        by_name: dict[str, int] = {}
        for number, rows in self.rows.items():
            by_name[names[number]] = by_name.get(names[number], 0) + rows
        tell(
            info,
            messages,
            "suppression",
            collection=model,
            source=lookup,
            rows=sum(self.rows.values()),
            entities=len(self.entities),
            reason=_most(by_name),
        )


def _most(by_name: Mapping[str, int]) -> str:
    """`patching (12 rows), move (3 rows) and 4 more`, most first."""
    order = sorted(by_name, key=lambda name: (-by_name[name], name))
    more = f" and {len(order) - NAMED} more" if len(order) > NAMED else ""
    return ", ".join(f"{name} ({by_name[name]} rows)" for name in order[:NAMED]) + more

"""What adaptfit owes to verdicts: alerts that are left out of training, and models that stay eased after it.

Limits: read once, when the training starts; a verdict that is given meanwhile counts from the next training on, or from
the next verdict on the same entity.
"""
from __future__ import annotations

from adaptive_monitoring.commands import verdicts
from adaptive_monitoring.commands.windows import Windows
from adaptive_monitoring.errors import AdaptiveError
from adaptive_monitoring.store.base import DEFAULT_KEY
from adaptive_monitoring.store.lookup import LookupStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from adaptive_monitoring.columns import Columns
    from adaptive_monitoring.commands.verdicts import Record
    from adaptive_monitoring.protocol.session import Messages, SearchInfo


class Judged:
    """The verdicts on one collection during one training. name: None = nothing is stored, so there are none."""

    def __init__(self, info: SearchInfo, messages: Messages, name: str | None, by: Sequence[str]) -> None:
        self.info, self.messages, self.name = info, messages, name
        self.by = list(by) or [DEFAULT_KEY]
        self.records: dict[str, dict[str, Record]] | None = {}
        if name is not None:
            self._read(name)

    def _read(self, name: str) -> None:
        shelved = verdicts.Shelved(name, self.info)
        try:
            self.records = shelved.by_entity()
        except AdaptiveError as problem:
            self.records = None
            self.messages.warn(f'adaptfit: verdicts on "{name}" cannot be read: {problem.text}. Models stay eased as '
                               f"they are stored, and no alert is left out of training ({problem.code})")

    def windows(self) -> Windows | None:
        """Alerts called true_alert or expected: their rows are not learned. None without any."""
        rows = []
        for entity, records in (self.records or {}).items():
            key = verdicts.key_in(entity, self.by)
            rows += [(float(record["start"]), float(record["end"]), key) for record in records.values()
                     if key is not None and record["verdict"] in verdicts.LEFT_OUT]
        if not rows:
            return None
        self.messages.info(f'adaptfit: {len(rows)} alerts called true_alert or expected are left out of training '
                           f'"{self.name}"')
        return Windows.of(self.by, sorted(rows), "verdict")

    def ease(self, columns: Columns, target: str) -> None:
        """Puts what verdicts ask for into freshly trained rows. target: the collection that will be written."""
        if self.name is None or (self.records == {} and not verdicts.any_eased(columns)):
            return
        keys = columns.names[: columns.names.index("metric")]
        if self.records is None:
            store = LookupStore(self.info)
            if target not in store.names():
                return
            stored = store.read(target, set(zip(*columns.select(keys).data))).columns
            eased = verdicts.keep_eased(columns, stored, keys)
        else:
            eased = verdicts.ease(columns, keys, self.records)
        if eased:
            self.messages.info(f'adaptfit: {eased} models of "{target}" are eased by verdicts')

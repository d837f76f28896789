"""Storing what adaptfit has trained."""
from __future__ import annotations

from itertools import compress

from adaptive_monitoring.columns import Columns
from adaptive_monitoring.store.lookup import LookupStore
from adaptive_monitoring.store.rows import row_hash

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from adaptive_monitoring.protocol.session import Messages, SearchInfo
    from adaptive_monitoring.store.base import Written


class Storing:
    """One collection of one search. name: of the collection; keys: its by-fields. Raises as LookupStore.write."""

    def __init__(self, info: SearchInfo, messages: Messages, name: str, keys: Sequence[str]) -> None:
        self.info, self.messages, self.name, self.keys = info, messages, name, keys

    def store(self, columns: Columns, mode: str) -> Written:
        """Writes the collection and puts its version and hashes into the rows that come out. mode: of LookupStore."""
        store = LookupStore(self.info)
        fresh = self._without_losses(store, columns) if mode == "update" else columns
        written = store.write(self.name, self.keys, fresh, mode)
        for text in written.warnings:
            self.messages.warn(text)
        if written.locked or not written.changed or len(fresh) < len(columns):
            self._as_stored(store, columns)
        else:
            columns.add("model_version", [str(written.version)] * len(columns))
            hashed(columns)
        what = f"version {written.version} has these models already"
        if written.changed:
            size = f"{written.rows} rows, {written.bytes / 1e3:.0f} kB"
            what = f"version {written.version} written ({size}, by {written.route})"
        self.messages.info(f'adaptfit: collection "{self.name}": {what}')
        return written

    def _without_losses(self, store: LookupStore, columns: Columns) -> Columns:
        """The rows to write: where nothing could be learned, a stored model that has numbers stays."""
        name, width = self.name, len(self.keys)
        keys = list(zip(*columns.data[:width + 1]))
        useless = {key for key, word in zip(keys, columns.get("model_status")) if word == "untrainable"}
        if not useless or name not in store.names():
            return columns
        stored = store.read(name, {key[:width] for key in useless}).columns
        states = zip(stored.get("state"), stored.get("model_status"))
        numbers = [bool(state) and word != "untrainable" for state, word in states]
        good = {row[:width + 1] for row in compress(zip(*stored.data), numbers)}
        kept = [key not in useless & good for key in keys]
        lost = len(kept) - sum(kept)
        if lost:
            self.messages.warn(f'adaptfit: nothing could be learned for {lost} models of "{name}"; the stored ones '
                               "stay (mode=replace drops them)")
        return Columns(columns.names, [list(compress(values, kept)) for values in columns.data])

    def _as_stored(self, store: LookupStore, columns: Columns) -> None:
        """Puts the stored rows in place of the trained ones: locked models and older versions stay as they are."""
        width = len(self.keys)
        stored = store.read(self.name, set(zip(*columns.data[:width]))).columns
        rows = {row[:width + 1]: row for row in zip(*stored.data)}
        table = [rows.get(row[:width + 1], row) for row in zip(*columns.data)]
        columns.data = list(map(list, zip(*table)))


def hashed(columns: Columns) -> Columns:
    """The same columns with the hash of each row in the last one."""
    columns.add("row_hash", [row_hash(row) for row in zip(*columns.data[:-1])])
    return columns

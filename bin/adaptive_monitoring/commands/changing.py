"""What adaptmodel changes: rollback, lock and unlock, promote, delete. Each is told to the audit trail."""

from __future__ import annotations

from adaptive_monitoring.columns import Columns
from adaptive_monitoring.commands.auditing import of_write, tell
from adaptive_monitoring.errors import AdaptiveError
from adaptive_monitoring.store.versions import Versions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from adaptive_monitoring.protocol.session import Messages, SearchInfo
    from adaptive_monitoring.store.base import StoredModels, Written


class Changing:
    """The changing actions of one search on one collection. Raises as store.versions.Versions."""

    def __init__(self, info: SearchInfo, messages: Messages, name: str, app: str | None = None) -> None:
        self.info, self.messages, self.name, self.app = info, messages, name, app
        self.store = Versions(info, app)

    def rollback(self, version: int | None) -> Columns:
        """The bytes of a kept version in place of the collection, as one row. None: the version before."""
        seen = self.store.content(self.name)
        restored, written = self.store.rollback(self.name, version, seen)
        if not written.changed:
            self.messages.info(f'adaptmodel: "{self.name}" has the content of version {restored} already')
        if written.locked:
            self.messages.warn(
                f"adaptmodel: {written.locked} locked models stay as they are; in these rows the collection differs "
                f"from version {restored}. To have it byte for byte, unlock them and roll back again"
            )
        bounds = self._done(written)
        if written.changed:
            models = self.store.read(self.name, only=("metric",))
            self._tell("rollback", written, **_size(models), source=self.name, source_version=restored)
        return _row(written, restored=restored, locked=written.locked, bounds=bounds)

    def lock(self, choose: Callable[[Columns], Columns], locked: bool) -> Columns:
        """Locks or unlocks the chosen rows, and returns them. choose: the rows of the collection that are meant."""
        models = self.store.read(self.name)
        chosen = choose(models.columns)
        names = [*models.keys, "metric"]
        keys = set(zip(*chosen.select(names).data)) if len(chosen) else set()
        word = "lock" if locked else "unlock"
        if not keys:
            self.messages.warn(f'adaptmodel: no model of "{self.name}" fulfils the conditions; nothing was {word}ed')
            return chosen
        written = self.store.set_lock(self.name, keys, locked)
        self._warn(written)
        self.messages.info(f'adaptmodel: {written.locked} of {len(keys)} models of "{self.name}" were {word}ed')
        if written.changed:
            entities = len(set(zip(*chosen.select(models.keys).data)))
            self._tell(word, written, rows=written.locked, entities=entities, reason=_first(keys))
        now = self.store.read(self.name, {key[:-1] for key in keys}).columns
        return _table(now.names, [list(row) for row in zip(*now.data) if row[: len(names)] in keys])

    def promote(self) -> Columns:
        """The rows of the shadow in place of those of the collection, as one row."""
        version, written = self.store.promote(self.name)
        bounds = self._done(written)
        shadow = f"{self.name}_shadow"
        models = self.store.read(self.name, only=("metric",))
        self._tell("promote", written, **_size(models), source=shadow, source_version=version)
        return _row(written, source=shadow, source_version=version, locked=written.locked, bounds=bounds)

    def delete(self) -> Columns:
        """Removes the collection with its bounds and versions: one row per file."""
        before, hashed = 0, self.store.content(self.name)
        figures: dict[str, int] = {}
        try:
            models = self.store.read(self.name, only=("metric",))
            before, figures = self.store.number(self.name, models.version), _size(models)
        except AdaptiveError:
            before = self.store.number(self.name, 0)  # what cannot be read can still be deleted
        removed = self.store.delete(self.name)
        tell(
            self.info, self.messages, "delete", self.app, collection=self.name, version_before=before, **figures,
            file_hash=hashed, changed=True, reason=f"{len(removed)} files",
        )  # fmt: skip
        return _table(("collection", "removed"), [[self.name, path] for path in removed])

    def _done(self, written: Written) -> str:
        """What is due after a write: warnings, and the bounds lookup where there is one. Returns what became of it."""
        self._warn(written)
        if not written.changed or self.store.stored_bounds(self.name) is None:
            return ""
        from adaptive_monitoring.bounds.derive import derive

        try:
            models = self.store.read(self.name)
            bounds = self.store.write_bounds(self.name, derive(models.columns, models.keys).columns)
        except AdaptiveError as error:
            self.messages.warn(f"{error}; the bounds lookup is outdated: | adaptmodel action=export "
                               f"collection={self.name}")  # fmt: skip
            return "outdated"
        self._warn(bounds)
        return "rewritten" if bounds.changed else "unchanged"

    def _warn(self, written: Written) -> None:
        for text in written.warnings:
            self.messages.warn(text)

    def _tell(self, event: str, written: Written, **cells: object) -> None:
        tell(self.info, self.messages, event, self.app, **{**of_write(written), **cells})


def _size(models: StoredModels) -> dict[str, int]:
    return {"rows": models.total, "entities": len(set(zip(*models.columns.select(models.keys).data)))}


def _row(written: Written, **more: object) -> Columns:
    names = ("collection", "version", "version_before", "changed", *more, "rows", "route", "path")
    cells = [written.name, written.version, written.before, int(written.changed), *more.values(), written.rows]
    return _table(names, [[*map(str, cells), written.route, written.path]])


def _first(keys: set[tuple[str, ...]], most: int = 20) -> str:
    """Names of the rows, the first few one by one."""
    names = ["/".join(key) for key in sorted(keys)]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _table(names: Sequence[str], rows: list[list[str]]) -> Columns:
    return Columns(names, list(map(list, zip(*rows))) if rows else [[] for _ in names])

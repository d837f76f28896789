"""Kept versions of a collection: read, brought back, compared with; locks; the way from a shadow to the collection.

A version is the whole file as it was before a write. Every write of models makes one, a rollback too, so that a
rollback can itself be taken back. Locking is no write of models: it changes one cell and keeps no version, or six locks
would push out all that a rollback could bring back.

Limits: versions lie on the machine that wrote; five are kept (and one more, right after a rollback to the oldest).
"""

from __future__ import annotations

import os

from adaptive_monitoring.columns import Columns
from adaptive_monitoring.errors import Changed, CollectionNotFound, Locked, ModelError, NotReplayable, VersionNotFound
from adaptive_monitoring.store import files
from adaptive_monitoring.store.base import SCHEMA, Written
from adaptive_monitoring.store.index import Index
from adaptive_monitoring.store.lookup import LookupStore
from adaptive_monitoring.store.merging import Stored, with_lock
from adaptive_monitoring.store.rows import rendered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from adaptive_monitoring.store.base import Key, StoredModels

SHADOW = "_shadow"  # behind the name of a collection: models that nobody is paged by yet


class Versions(LookupStore):
    """What adaptmodel does with the collections of one app, beside reading, deleting and writing bounds."""

    def content(self, name: str) -> str:
        """What tells one content of a collection from another: its SHA-256, '' without a file. Raises NotWritable."""
        return files.sha256_of(self.path(name))

    def shadow(self, name: str) -> str:
        """The collection that waits to be promoted into this one, '' when there is none."""
        found = name + SHADOW
        return found if f"adaptive_{found}.csv" in self.listing() else ""

    def number_now(self, name: str) -> int:
        """The version that the collection is now. Raises as read."""
        return self.number(name, self.read(name, only=()).version)

    def last(self, name: str) -> int:
        """The version that was kept last. Raises VersionNotFound, CollectionNotFound."""
        return self._kept(name, None)

    def read_version(self, name: str, version: int) -> StoredModels:
        """A kept version, as read gives the collection. Raises VersionNotFound, ModelError."""
        path = self.version_path(name, version)
        try:
            return self.read_from(Index(path), name)
        except FileNotFoundError:
            raise self._no_version(name, version) from None

    def rollback(self, name: str, version: int | None, seen: str) -> tuple[int, Written]:
        """Puts the bytes of a kept version in place of the collection. Returns its number, and what was done.

        version: None = the one before. seen: content() when the decision was made. A row that is locked now stays as it
        is, also where that version has none; only then the bytes are others than the version's (written.locked).
        Raises Changed when the content is another by now, VersionNotFound, ModelError for a version that is no
        collection, Locked, and as write; nothing is changed then.
        """
        path = self.path(name)
        with self._locked(name):
            self._check_seen(name, seen)
            version = self._kept(name, version)
            now = Stored(path, None, "replace")
            number = self.number(name, now.version)
            written = Written(name, path, number, 0)
            written.before = number if now.exists else 0
            data = self._brought_back(name, version, now, written)
            if files.read(path) == data:
                written.bytes, written.hash = len(data), files.sha256(data)
                return version, written
            written.version, written.changed = number + 1, True
            self._exchange(name, data, written, number, spare=version)
        return version, written

    def set_lock(self, name: str, chosen: set[Key], locked: bool) -> Written:
        """Writes the lock cell of these entities and metrics. written.locked: how many rows were changed.

        Rows that cannot be trusted are left as they are. Raises CollectionNotFound and as write.
        """
        path = self.path(name)
        if not os.path.exists(path):
            raise self.not_found(name)
        with self._locked(name):
            stored = Stored(path, None, "update")
            number = self.number(name, stored.version)
            written = Written(name, path, number, len(stored.lines))
            written.before = number
            for key in chosen & stored.trusted:
                line = with_lock(stored.lines[key], locked)
                written.locked += line != stored.lines[key]
                stored.lines[key] = line
            if not written.locked:
                return written
            written.changed = True
            data = _file(stored.keys, stored.lines)
            written.bytes, written.hash = len(data), files.sha256(data)
            self._put(path, data, written)
        return written

    def promote(self, name: str) -> tuple[int, Written]:
        """Writes the rows of <name>_shadow into the collection, as mode=update does, and removes the shadow.

        Returns the shadow's version, and what was written. An untrainable row of the shadow does not replace a model
        with numbers. When the shadow cannot be removed, it is told. Raises CollectionNotFound, Locked, ModelError
        for a shadow with rows that cannot be trusted, and as write; nothing is changed then.
        """
        shadow = name + SHADOW
        if not self.shadow(name):
            raise CollectionNotFound(
                f'store: there is no shadow of "{name}": no collection "{shadow}" in {self.folder}. Train one first: '
                f"... | adaptfit <fields> by <entity> into {name} mode=shadow"
            )
        with self._locked(shadow):
            found = self.read(shadow, thorough=True)
            version = self.number(shadow, found.version)
            self._check_shadow(found)
            written = self._promoted(name, found)
            try:
                self._remove(shadow)
            except Exception as error:
                written.warnings.append(f'{error}; "{name}" has the new models, its shadow is still there')
        return version, written

    def base_path(self, name: str, version: int) -> str | None:
        """The file that a training which became this version began with; None when it began with nothing.

        Raises NotReplayable when that file is not kept any more.
        """
        path = self.version_path(name, version - 1)
        if os.path.exists(path):
            return path
        if version <= 1:
            return None
        raise NotReplayable(
            f'store: version {version} of "{name}" was learned on from version {version - 1}, which is not kept any '
            f"more; {self._kept_text(name)}. Train anew with mode=replace to have one that can be repeated"
        )

    def version_of(self, name: str, version: int) -> StoredModels:
        """The collection if that is its version now, else the kept one. Raises VersionNotFound and as read."""
        if not os.path.exists(self.version_path(name, version)) and self.number_now(name) == version:
            return self.read(name)
        return self.read_version(name, version)

    def _check_seen(self, name: str, seen: str) -> None:
        if self.content(name) != seen:
            raise Changed(
                f'store: another search has changed the collection "{name}" since this one began; nothing was '
                f"written. Look at it (| adaptmodel action=diff collection={name}) and decide again"
            )

    def _kept(self, name: str, version: int | None) -> int:
        """The version meant. Raises VersionNotFound, CollectionNotFound."""
        kept = self.versions(name)
        if not kept and not os.path.exists(self.path(name)):
            raise self.not_found(name)
        if not kept or (version is not None and version not in kept):
            raise self._no_version(name, version)
        return kept[-1] if version is None else version

    def _no_version(self, name: str, version: int | None) -> VersionNotFound:
        what = "no version before the one in use" if version is None else f"no version {version}"
        return VersionNotFound(f'store: {what} of "{name}" is kept in {self.folder}; {self._kept_text(name)}')

    def _kept_text(self, name: str) -> str:
        kept = self.versions(name)
        return f"kept are {', '.join(map(str, kept))}" if kept else "none is kept"

    def _brought_back(self, name: str, version: int, now: Stored, written: Written) -> bytes:
        """The file to write. Fills rows, locked and warnings."""
        path = self.version_path(name, version)
        old = Stored(path, None, "update")
        stay = {key: now.lines[key] for key in now.locked if old.lines.get(key) != now.lines[key]}
        if now.locked and old.keys != now.keys:
            raise Locked(
                f'store: version {version} of "{name}" has the by-fields {", ".join(old.keys)}, and {len(now.locked)} '
                f"models of today's ({', '.join(now.keys)}) are locked; nothing was written. Unlock them first"
            )
        written.rows, written.locked = len(old.lines.keys() | stay.keys()), len(stay)
        if old.problems:
            written.warnings.append(
                f'store: {old.problems} rows of version {version} of "{name}" are not trusted; '
                "see | adaptmodel action=verify"
            )
        if stay:
            return _file(old.keys, {**old.lines, **stay})
        return files.read(path) or b""

    def _check_shadow(self, found: StoredModels) -> None:
        """Raises ModelError, Locked."""
        if found.problems:
            raise ModelError(
                f'store: {len(found.problems)} rows of "{found.name}" are not trusted, the first: {found.problems[0]}; '
                "nothing was promoted. Train the shadow again"
            )
        locked = found.columns.get("lock").count("1")
        if locked:
            raise Locked(
                f'store: {locked} models of "{found.name}" are locked, so the shadow cannot be removed; nothing was '
                f"promoted. Unlock them first: | adaptmodel action=unlock collection={found.name} where metric=*"
            )

    def _promoted(self, name: str, found: StoredModels) -> Written:
        keys, width = found.keys, len(found.keys) + 1
        good: set[Key] = set()
        if os.path.exists(self.path(name)):
            target = self.read(name, only=("metric", "model_status"))
            if target.keys == keys:
                good = {row[:width] for row in zip(*target.columns.data) if row[-1] != "untrainable"}
        rows = list(zip(*found.columns.data))
        status = found.columns.names.index("model_status")
        chosen = [row for row in rows if row[status] != "untrainable" or row[:width] not in good]
        data = list(map(list, zip(*chosen))) if chosen else [[] for _ in found.columns.names]
        written = self.write(name, keys, Columns(found.columns.names, data), "update")
        if len(chosen) < len(rows):
            written.warnings.append(
                f'store: nothing could be learned for {len(rows) - len(chosen)} models of "{found.name}"; those of '
                f'"{name}" stay'
            )
        return written


def _file(keys: list[str], lines: dict[Key, bytes]) -> bytes:
    """The bytes of a collection with these lines."""
    return b"\n".join([rendered([*keys, *SCHEMA]), *(lines[key] for key in sorted(lines)), b""])


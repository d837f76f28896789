"""Models in CSV lookups: lookups/adaptive_<collection>.csv, and adaptive_<collection>_bounds.csv beside it.

Writing: the whole file is made, staged and handed to splunkd, which moves it into place and tells the other members of
a search-head cluster. Without a session key, or when nothing listens at splunkd's address, the file is replaced in one
step on this machine's disk, with a warning. Both are read back. Writers of one collection take turns (a lock file).

Old versions: before a collection is replaced it is copied to adaptive_<collection>.v<NNN>.csv in the same folder, the
last 5 are kept. That folder survives an upgrade of the app and shows them to `| inputlookup`; copies stay on the
machine that trained. Collections and versions must be kept out of the knowledge bundle (distsearch.conf denies them),
the bounds lookup goes in.

Limits: a warning from 25 MB on; a collection is refused from 500 MB on, bounds from 100 MB on; two search heads that
train one collection at the same moment are not kept apart, the last one wins.
"""

from __future__ import annotations

import os

from adaptive_monitoring.columns import Columns
from adaptive_monitoring.errors import (
    BadValue,
    InternalError,
    ModelError,
    NotWritable,
    SplunkdError,
    TooLarge,
    Unreachable,
)
from adaptive_monitoring.store import files
from adaptive_monitoring.store.base import SCHEMA, StoredModels, Written, check_keys
from adaptive_monitoring.store.index import Index
from adaptive_monitoring.store.paths import Places
from adaptive_monitoring.store.rows import Checker, cells, render, rendered, row_hash

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager

    from adaptive_monitoring.splunkd.client import Client
    from adaptive_monitoring.store.base import Key, Session

    Rows = dict[Key, list[str]]
    Lines = dict[Key, bytes]

WARN_BYTES = 25_000_000
REFUSE_BYTES = 500_000_000  # 100,000 models with a weekly season are 180 MB
REFUSE_BOUNDS_BYTES = 100_000_000  # bounds travel to every indexer
COSTS = (
    "every training that changes it writes all of it and keeps 5 old versions as large; a search passes over it once, "
    "0.2 s for each 100 MB"
)
BOUNDS_COSTS = "all of it travels to every indexer whenever it changes"
BATCH_ROWS = 500
ROW_WARN_BYTES = 2048
VERSIONS_KEPT = 5
VERSION, HASH, LOCK = (SCHEMA.index(name) - len(SCHEMA) for name in ("model_version", "row_hash", "lock"))


class LookupStore(Places):
    """Collections of one app folder.

    session: of the running search, for writing through splunkd; None writes files. app: its folder, default this app.
    """

    def __init__(self, session: Session | None = None, app: str | None = None) -> None:
        self.session = session
        super().__init__(app)

    def read(
        self,
        name: str,
        wanted: Iterable[Key] | None = None,
        thorough: bool = False,
        only: Sequence[str] | None = None,
    ) -> StoredModels:
        """The rows that can be trusted; the others are in `problems`.

        wanted: entities (tuples of the key columns), the rows of others are neither verified nor returned; of them only
        records that are no rows are told. thorough: see rows.Checker. only: the columns to keep beside the keys, None =
        all; a row has 1.3 kB as text and three times as much as cells.
        Raises CollectionNotFound, BadCollectionName, ModelError (the file as a whole is no collection).
        """
        index = self.index(name)
        entities = None if wanted is None else frozenset(wanted)
        checker = Checker(index.form, entities, thorough)
        names = [*index.keys, *(SCHEMA if only is None else only)]
        columns, version = Columns(names, [[] for _ in names]), 0
        for part in checker.batches(index.records(entities), BATCH_ROWS):
            version = max(version, newest(part))
            for values, name_of in zip(columns.data, names):
                values.extend(part.get(name_of))
        return StoredModels(
            name, index.keys, columns, [*index.problems, *checker.problems], version, index.path, index.total
        )

    def index(self, name: str, path: str | None = None) -> Index:
        """Where the rows of a collection are. path: another file of the same kind. Raises as read."""
        try:
            return Index(path or self.path(name))
        except FileNotFoundError:
            raise self.not_found(name) from None

    def write(
        self,
        name: str,
        keys: Sequence[str],
        columns: Columns,
        mode: str = "update",
        check: Callable[[], None] | None = None,
    ) -> Written:
        """Stores trained rows; model_version and row_hash are filled here.

        columns: keys and SCHEMA (model_version, row_hash, lock may be missing). mode: update keeps the stored rows
        of other entities and metrics, replace drops them. A locked row is never changed. Rows stored already
        are not written again: nothing changes, no new version, no push to the indexers. check: called when nobody else
        can write any more; what it raises stops the write.
        Raises ModelError, NotWritable, TooLarge, SplunkdError; what was stored before is then unchanged.
        """
        check_keys(keys)
        if mode not in ("update", "replace"):
            raise BadValue(f'store: mode must be update or replace; got "{mode}"')
        path = self.path(name)
        trained = _keyed(keys, columns)
        with self._locked(name):
            if check is not None:
                check()
            stored = _Stored(path, keys, mode)
            stored.version = max([stored.version, *self.versions(name)])
            written = Written(name, path, stored.version + 1, 0)
            lines = _merge(stored, trained, written, mode)
            written.rows = len(lines)
            if stored.exists and not written.changed:
                written.version, written.bytes = stored.version, os.path.getsize(path)
                return written
            written.changed = True
            _remark(lines, written)
            data = b"\n".join([rendered([*keys, *SCHEMA]), *lines, b""])
            version, written.bytes = stored.version, len(data)
            del stored, lines  # as large as the file
            self._check_size(path, data, written, REFUSE_BYTES, COSTS)
            self._keep(name, version)
            self._put(path, data, written)
            self._prune(name)
        return written

    def write_bounds(self, name: str, columns: Columns) -> Written:
        """Stores the bounds lookup of a collection, whole. Raises as write."""
        path = self.bounds_path(name)
        data = self.rendered(columns)
        written = Written(name, path, 0, len(columns))
        written.bytes = len(data)
        with self._locked(name):
            if files.read(path) != data:
                written.changed = True
                self._check_size(path, data, written, REFUSE_BOUNDS_BYTES, BOUNDS_COSTS)
                self._put(path, data, written)
        return written

    def stored_bounds(self, name: str) -> bytes | None:
        """The bounds lookup as it is, None when there is none."""
        return files.read(self.bounds_path(name))

    @staticmethod
    def rendered(bounds: Columns) -> bytes:
        """The bytes of a bounds lookup: rows of one series together, in the order of the keys."""
        return render(bounds.names, sorted(zip(*bounds.data)))

    def delete(self, name: str) -> list[str]:
        """Removes a collection, its bounds and its versions. Returns what was removed.

        Raises CollectionNotFound; when a part cannot be removed, what was removed before it is put back.
        """
        if not os.path.isdir(self.folder):
            raise self.not_found(name)
        with self._locked(name):
            paths = [path for path in (self.bounds_path(name), self.path(name)) if os.path.exists(path)]
            if not paths:
                raise self.not_found(name)
            gone: list[tuple[str, bytes]] = []
            client = self._client([])
            try:
                for path in paths:
                    gone.append((path, files.read(path) or b""))
                    _delete(client, path)
            except Exception:
                for path, data in gone:
                    if not os.path.exists(path):
                        self._put(path, data, Written(name, path, 0, 0))
                raise
            versions = [self.version_path(name, version) for version in self.versions(name)]
            for path in versions:
                with files.explained(path):
                    files.remove(path)
            return paths + versions

    def _locked(self, name: str) -> AbstractContextManager[None]:
        path = self.path(name)
        with files.explained(self.folder):
            os.makedirs(self.folder, exist_ok=True)
        return files.locked(path + ".lock")

    def _check_size(self, path: str, data: bytes, written: Written, limit: int, costs: str) -> None:
        """Raises TooLarge."""
        size = f"{len(data) / 1e6:.0f} MB"
        if len(data) > limit:
            raise TooLarge(
                f"store: {path} would have {size}; allowed are {limit / 1e6:.0f} MB. "
                "Split the collection, for example one per site, or train fewer metrics"
            )
        if len(data) > WARN_BYTES:
            written.warnings.append(f"store: {path} has {size}; {costs}. Split it if that hurts")

    def _put(self, path: str, data: bytes, written: Written) -> None:
        """Writes by the best road there is, and looks whether it arrived."""
        client = self._client(written.warnings)
        if client is None:
            files.replace(path, data)
            written.route = "file"
        else:
            self._upload(client, path, data, written)
            written.route = "splunkd"

    def _client(self, warnings: list[str]) -> Client | None:
        """splunkd, or None when the file road must do."""
        if self.session is None or not self.session.session_key:
            return None
        from adaptive_monitoring.splunkd.client import connect

        if files.staging_folder(self.app) is None:
            warnings.append("store: SPLUNK_HOME is not known; the lookup was written on this machine only")
            return None
        try:
            return connect(self.session)
        except Unreachable as error:
            warnings.append(f"{error}; the lookup was written on this machine only, other search heads do not have it")
            return None

    def _upload(self, client: Client, path: str, data: bytes, written: Written) -> None:
        """Stages, hands over, shares, reads back. Raises SplunkdError, NotWritable."""
        name = os.path.basename(path)
        staged = files.stage(files.staging_folder(self.app) or "", name, data)
        try:
            client.upload_lookup(name, staged)
        finally:
            with files.explained(staged):
                files.remove(staged)
        where = client.lookup_path(name)
        if where is None or not _arrived(where, data):
            raise NotWritable(
                f'store: splunkd took the lookup "{name}" but does not have its content ({where}). '
                "Another search may have written it meanwhile; run the search again"
            )
        _share(client, name, path, where, written)

    def _keep(self, name: str, version: int) -> None:
        """Copies the collection as it was to its version file."""
        old = files.read(self.path(name))
        if old is not None:
            files.replace(self.version_path(name, version), old)

    def _prune(self, name: str) -> None:
        """Removes the oldest versions."""
        for version in self.versions(name)[:-VERSIONS_KEPT]:
            path = self.version_path(name, version)
            with files.explained(path):
                files.remove(path)


class _Stored:
    """The file as the writer finds it: every row that can be read, trusted or not, as the line it will be again."""

    def __init__(self, path: str, keys: Sequence[str], mode: str) -> None:
        self.lines: Lines = {}
        self.trusted: set[Key] = set()
        self.locked: set[Key] = set()
        self.version = self.problems = 0
        self.exists = os.path.exists(path)
        try:
            self._read(Index(path), keys)
        except FileNotFoundError:
            return
        except ModelError:
            if mode != "replace":
                raise

    def _read(self, index: Index, keys: Sequence[str]) -> None:
        checker = Checker(index.form, thorough=True)
        width = len(index.keys) + 1
        for part in checker.batches(index.records(), BATCH_ROWS):
            self.version = max(self.version, newest(part))
            for row in zip(*part.data):
                self.lines[row[:width]] = rendered(row)
                if row[LOCK] == "1":
                    self.locked.add(row[:width])
        if list(keys) != index.keys:
            self.lines, self.locked = {}, set()
            raise ModelError(
                f"store: {index.path} was trained by {', '.join(index.keys)}; got by {', '.join(keys)}. "
                "Use the same by-fields, another collection, or mode=replace"
            )
        self.trusted = set(self.lines)
        self.lines = {**{key: rendered(row) for key, row in checker.doubtful.items()}, **self.lines}
        self.problems = len(index.problems) + len(checker.problems)


def _keyed(keys: Sequence[str], columns: Columns) -> Rows:
    """The trained rows in canonical columns, by entity and metric. Raises ModelError for a row that occurs twice."""
    blank = [""] * len(columns)
    data = [columns.get(name) if columns.has(name) else blank for name in [*keys, *SCHEMA]]
    width = len(keys) + 1
    rows = {tuple(row[:width]): list(row) for row in zip(*data)}
    if len(rows) != len(columns):
        raise InternalError(f"store: {len(columns) - len(rows)} of {len(columns)} trained rows occur twice")
    return rows


def _merge(stored: _Stored, trained: Rows, written: Written, mode: str) -> list[bytes]:
    """All lines of the new file, in the order of their keys. Fills changed, locked, kept and warnings."""
    fixed = stored.locked
    merged: Lines = {key: line for key, line in stored.lines.items() if mode == "update" or key in fixed}
    written.locked = len(fixed & trained.keys())
    written.kept = len(merged.keys() - (trained.keys() - fixed))
    written.changed = len(merged) != len(stored.lines)
    fresh: Rows = {}
    for key in trained.keys() - fixed:
        old = _cells(stored.lines[key]) if key in stored.trusted else None
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


def _cells(line: bytes) -> list[str]:
    return cells(line.decode("utf-8", "surrogateescape"))


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


def _remark(lines: list[bytes], written: Written) -> None:
    long = sum(1 for line in lines if len(line) >= ROW_WARN_BYTES)
    if long:
        written.warnings.append(f"store: {long} model rows are longer than {ROW_WARN_BYTES} bytes")
    if written.locked:
        written.warnings.append(f"store: {written.locked} locked models were not changed (lock=1)")


def _arrived(path: str, data: bytes) -> bool:
    """Whether splunkd's file has this content."""
    try:
        return files.holds(path, data)
    except OSError:
        return False


def _delete(client: Client | None, path: str) -> None:
    if client is not None:
        client.delete_lookup(os.path.basename(path))
    with files.explained(path):
        files.remove(path)


def _share(client: Client, name: str, path: str, where: str, written: Written) -> None:
    """Makes the lookup everybody's; when that is refused it is stored all the same, so only a warning."""
    try:
        client.own_lookup(name)
    except SplunkdError as error:
        written.warnings.append(f'{error}; the lookup "{name}" is stored, but other users may not see it')
    if os.path.realpath(where) != os.path.realpath(path):
        written.warnings.append(f"store: splunkd keeps the lookup in {where}; commands read {path}. Move it to the app")

"""`| adaptmodel action=list|show|verify|delete|export [collection=<name>] [format=bounds|proposal] [where <f>=<v>...]`

list: one row per collection. show: the model rows. verify: one row per finding, or one that says ok. delete: removes a
collection with its bounds and versions. export: writes the bounds lookup and says so in one row; format=proposal gives
static thresholds per entity and metric as rows instead, and writes nothing.
"""

from __future__ import annotations

import os
import re

from adaptive_monitoring.commands.base import Command
from adaptive_monitoring.commands.kinds import name, word
from adaptive_monitoring.commands.options import Spec, parse
from adaptive_monitoring.errors import AdaptiveError, BadGrammar, BadValue, MissingArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from adaptive_monitoring.columns import Columns
    from adaptive_monitoring.protocol.body import Body
    from adaptive_monitoring.protocol.session import Messages, SearchInfo
    from adaptive_monitoring.store.base import StoredModels
    from adaptive_monitoring.store.lookup import LookupStore

ACTIONS = ("list", "show", "verify", "delete", "export")
SPEC = Spec(
    "adaptmodel",
    [
        word("action", ACTIONS, "list", "what to do"),
        name("collection", None, "which collection; list and verify take all when it is missing"),
        word("format", ("bounds", "proposal"), "bounds", "what export gives"),
    ],
    usage="adaptmodel action=list|show|verify|delete|export collection=<name> where <field>=<value>",
)
CONDITION = re.compile(r'\s*("(?:[^"\\]|\\.)+"|[^\s=,"]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s",]+)\s*,?')
LIST_FIELDS = (
    "collection",
    "by",
    "entities",
    "metrics",
    "rows",
    "version",
    "trained_to",
    "statuses",
    "bytes",
    "tampered",
    "problems",
    "bounds_bytes",
    "versions_kept",
    "status",
)
FINDING_FIELDS = ("collection", "finding", "line", "row", "detail", "path")


class Model(Command):
    """One such search. app: folder of the app, for tests."""

    def __init__(self, info: SearchInfo, messages: Messages, app: str | None = None) -> None:
        super().__init__(info, messages)
        words, conditions = split_where(info.args)
        self.arguments = parse(words, SPEC)
        self.action: str = self.arguments.action
        self.collection: str | None = self.arguments.collection
        self.conditions = conditions
        self.previews = self.action not in ("delete", "export")
        self.app = app
        self._check()

    def describe(self) -> dict[str, Any]:
        return {"type": "stateful", "generating": True}

    def execute(self, body: Body, finished: bool) -> bytes | None:
        from adaptive_monitoring.protocol.body import render
        from adaptive_monitoring.store.lookup import LookupStore

        self.done = True
        store = LookupStore(self.info, self.app)
        found: Columns = getattr(self, f"_{self.action}")(store)
        return render(found) if len(found) else None

    def _check(self) -> None:
        """Raises MissingArgument, BadGrammar."""
        if self.action not in ("list", "verify") and self.collection is None:
            raise MissingArgument(f"adaptmodel: collection= is missing; action={self.action} needs one")
        if self.conditions and self.action != "show" and self.arguments.format != "proposal":
            raise BadGrammar(f"adaptmodel: WHERE goes with action=show or format=proposal; got action={self.action}")

    def _names(self, store: LookupStore) -> list[str]:
        if self.collection is None:
            return store.names()
        if not os.path.exists(store.path(self.collection)):
            raise store.not_found(self.collection)
        return [self.collection]

    def _list(self, store: LookupStore) -> Columns:
        names = self._names(store)
        if not names:
            self.messages.info("adaptmodel: no collection yet. Train one: ... | adaptfit <f> by <entity> into <name>")
        return table(LIST_FIELDS, [self._summary(store, collection) for collection in names])

    def _summary(self, store: LookupStore, collection: str) -> list[str]:
        """The cells of one collection; an unreadable one has its error as status."""
        from adaptive_monitoring.bounds.peers import of_entities

        try:
            models = store.read(collection, only=("metric", "trained_to", "peer", "model_status"))
        except AdaptiveError as error:
            sizes = str(_size(store.path(collection))), str(_size(store.bounds_path(collection)) or "")
            return [collection, *[""] * 7, sizes[0], "", "", sizes[1], "", str(error)]
        hosts = of_entities(models.columns, models.keys)
        entities = set(zip(*map(hosts.get, models.keys)))
        tampered = sum(problem.kind == "tampered" for problem in models.problems)
        return [
            collection,
            " ".join(models.keys),
            str(len(entities)),
            " ".join(sorted(set(models.columns.get("metric")))),
            str(models.total),
            str(models.version),
            max(filter(None, models.columns.get("trained_to")), key=float, default=""),
            _counts(hosts.get("model_status")),
            str(_size(models.path)),
            str(tampered),
            str(len(models.problems)),
            str(_size(store.bounds_path(collection)) or ""),
            str(len(store.versions(collection))),
            "problems: see action=verify" if models.problems else "ok",
        ]

    def _show(self, store: LookupStore) -> Columns:
        models = self._read(store)
        return matching(models.columns, self.conditions)

    def _read(self, store: LookupStore) -> StoredModels:
        """The collection that was named; rows that were left out become a warning."""
        models = store.read(str(self.collection))
        if models.problems:
            self.messages.warn(
                f'adaptmodel: {len(models.problems)} of {models.total} rows of "{self.collection}" are not trusted and '
                f"were left out; the first: {models.problems[0]}. See them: | adaptmodel action=verify"
            )
        return models

    def _verify(self, store: LookupStore) -> Columns:
        rows = [row for collection in self._names(store) for row in self._findings(store, collection)]
        return table(FINDING_FIELDS, rows)

    def _findings(self, store: LookupStore, collection: str) -> Iterator[list[str]]:
        path = store.path(collection)
        try:
            without = store.stored_bounds(collection) is None
            models = store.read(collection, thorough=True, only=() if without else None)
        except AdaptiveError as error:
            yield [collection, "unreadable", "", "", str(error), path]
            return
        found = [[p.kind, str(p.line), p.row, p.detail, path] for p in models.problems]
        stale = self._stale_bounds(store, models)
        if stale:
            found.append(["bounds_outdated", "", "", stale, store.bounds_path(collection)])
        for finding in found or [["ok", "", "", f"{models.total} rows, version {models.version}", path]]:
            yield [collection, *finding]

    def _stale_bounds(self, store: LookupStore, models: StoredModels) -> str:
        """Why the bounds lookup is not that of the models, '' when it is, or when there is none."""
        from adaptive_monitoring.bounds.derive import derive

        stored = store.stored_bounds(models.name)
        if stored is None or stored == store.rendered(derive(models.columns, models.keys).columns):
            return ""
        return f"not the bounds of these models. Write it again: | adaptmodel action=export collection={models.name}"

    def _delete(self, store: LookupStore) -> Columns:
        removed = store.delete(str(self.collection))
        return table(("collection", "removed"), [[str(self.collection), path] for path in removed])

    def _export(self, store: LookupStore) -> Columns:
        from adaptive_monitoring.bounds.derive import derive, thresholds

        models = self._read(store)
        derived = derive(models.columns, models.keys)
        for warning in derived.warnings:
            self.messages.warn(warning)
        if self.arguments.format == "proposal":
            return matching(thresholds(derived.columns, models.keys), self.conditions)
        written = store.write_bounds(str(self.collection), derived.columns)
        for warning in written.warnings:
            self.messages.warn(warning)
        fields = ("collection", "path", "models", "skipped", "rows", "bytes", "version", "changed", "route")
        figures = (derived.models, derived.skipped, written.rows, written.bytes, models.version)
        cells = [*map(str, figures), str(int(written.changed)), written.route]
        return table(fields, [[str(self.collection), written.path, *cells]])


def split_where(args: Sequence[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """The words before WHERE, and the conditions behind it. Raises BadGrammar, MissingArgument."""
    places = [i for i, arg in enumerate(args) if arg.lower() == "where"]
    if not places:
        return list(args), []
    text, end = " ".join(args[places[0] + 1 :]), 0
    conditions = []
    while end < len(text.rstrip()):
        found = CONDITION.match(text, end)
        if not found:
            raise BadGrammar(f"adaptmodel: WHERE takes <field>=<value>, a * stands for any text; got {text[end:]}")
        conditions.append((_unquoted(found.group(1)), _unquoted(found.group(2))))
        end = found.end()
    if not conditions:
        raise MissingArgument("adaptmodel: nothing follows WHERE; write where <field>=<value>")
    return list(args[: places[0]]), conditions


def matching(columns: Columns, conditions: Sequence[tuple[str, str]]) -> Columns:
    """The rows that fulfil every condition. Raises BadValue for a field that they do not have."""
    from adaptive_monitoring.columns import Columns

    rows = range(len(columns))
    keep = set(rows)
    for field, pattern in conditions:
        if not columns.has(field):
            raise BadValue(f'adaptmodel: WHERE must name one of {", ".join(columns.names)}; got "{field}"')
        match = re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL).fullmatch
        values = columns.get(field)
        keep = {i for i in keep if match(values[i])}
    order = sorted(keep)
    return Columns(columns.names, [[values[i] for i in order] for values in columns.data])


def table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Columns:
    """Columns from rows."""
    from adaptive_monitoring.columns import Columns

    return Columns(names, list(map(list, zip(*rows))) if rows else [[] for _ in names])


def _counts(values: Sequence[str]) -> str:
    """`trained=10 untrainable=2`"""
    return " ".join(f"{value}={values.count(value)}" for value in sorted(set(values)))


def _size(path: str) -> int:
    return os.path.getsize(path) if os.path.exists(path) else 0


def _unquoted(text: str) -> str:
    return re.sub(r'\\(["\\])', r"\1", text[1:-1]) if text.startswith('"') else text

"""`| adaptmodel action=<what> [collection=<name>] [where <field>=<value>…]`: stored models, their versions, exports.

list: one row per collection. show: the model rows. diff: what moved between two versions, or to another collection.
rollback: a kept version in place of the collection. lock, unlock: no writer changes a locked row. promote: the shadow
in place of the collection. delete: removes a collection with its bounds and versions. verify: one row per finding, or
one that says ok; replay=true trains again and compares. export: writes the bounds lookup; format=proposal gives static
thresholds as rows instead, and writes nothing.
"""

from __future__ import annotations

import os
import re

from adaptive_monitoring.commands import kinds
from adaptive_monitoring.commands.base import Command
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
    from adaptive_monitoring.store.versions import Versions

ACTIONS = ("list", "show", "diff", "rollback", "lock", "unlock", "promote", "delete", "verify", "export")
CHANGING = ("rollback", "lock", "unlock", "promote", "delete")
SPEC = Spec(
    "adaptmodel",
    [
        kinds.word("action", ACTIONS, "list", "what to do"),
        kinds.name("collection", None, "which collection; list and verify take all when it is missing"),
        kinds.versions("version", "which kept version; diff takes two"),
        kinds.name("against", None, "diff: the collection that this one is compared with, such as its shadow"),
        kinds.boolean("replay", False, "verify: train again and compare"),
        kinds.word("format", ("bounds", "proposal"), "bounds", "what export gives"),
        kinds.k_of_n("open", 100, (2, 3), "proposal: as in adaptdetect; a threshold must be passed for k steps"),
    ],
    usage="adaptmodel action=list|show|diff|rollback|lock|unlock|promote|delete|verify|export collection=<name> "
    "where <field>=<value>",
)
#: actions that an option goes with, and those that take a WHERE
GOES_WITH = {
    "version": ("show", "diff", "rollback", "verify"),
    "against": ("diff",),
    "replay": ("verify",),
    "format": ("export",),
    "open": ("export",),
}
CONDITIONAL = ("show", "diff", "lock", "unlock")
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
    "versions",
    "locked",
    "calendar",
    "shadow",
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
        self.previews = self.action not in (*CHANGING, "export") and not self.arguments.replay
        self.app = app
        self._check()

    def describe(self) -> dict[str, Any]:
        return {"type": "stateful", "generating": True}

    def execute(self, body: Body, finished: bool) -> bytes | None:
        from adaptive_monitoring.protocol.body import render
        from adaptive_monitoring.store.versions import Versions

        self.done = True
        store = Versions(self.info, self.app)
        found = self._change() if self.action in CHANGING else getattr(self, f"_{self.action}")(store)
        return render(found) if len(found) else None

    def _check(self) -> None:
        """Raises MissingArgument, BadGrammar."""
        given, version = self.arguments.given, self.arguments.version
        if self.collection is None and self.action not in ("list", "verify"):
            raise MissingArgument(f"adaptmodel: collection= is missing; action={self.action} needs one")
        for option, actions in GOES_WITH.items():
            if option in given and self.action not in actions:
                raise BadGrammar(f"adaptmodel: {option}= goes with action={' or '.join(actions)}; got {self.action}")
        if len(version) > (1 if self.action != "diff" or "against" in given else 2):
            raise BadGrammar(f"adaptmodel: one version is enough here; got version={','.join(map(str, version))}")
        if version and self.action == "verify" and (not self.arguments.replay or self.collection is None):
            raise BadGrammar("adaptmodel: action=verify takes version= with collection= and replay=true only")
        self._check_where()

    def _check_where(self) -> None:
        if self.conditions and self.action not in CONDITIONAL and self.arguments.format != "proposal":
            raise BadGrammar(
                f"adaptmodel: WHERE goes with action={', '.join(CONDITIONAL)} or format=proposal; got {self.action}"
            )
        if self.action in ("lock", "unlock") and not self.conditions:
            raise MissingArgument(
                f"adaptmodel: action={self.action} needs WHERE, such as where host=web01; all models: where metric=*"
            )

    def _change(self) -> Columns:
        from adaptive_monitoring.commands.changing import Changing

        changing = Changing(self.info, self.messages, str(self.collection), self.app)
        if self.action == "rollback":
            return changing.rollback(*(self.arguments.version or (None,)))
        if self.action in ("lock", "unlock"):
            return changing.lock(lambda rows: matching(rows, self.conditions), self.action == "lock")
        return changing.promote() if self.action == "promote" else changing.delete()

    def _names(self, store: Versions) -> list[str]:
        if self.collection is None:
            return store.names()
        if not os.path.exists(store.path(self.collection)):
            raise store.not_found(self.collection)
        return [self.collection]

    def _list(self, store: Versions) -> Columns:
        names = self._names(store)
        if not names:
            self.messages.info("adaptmodel: no collection yet. Train one: ... | adaptfit <f> by <entity> into <name>")
        return table(LIST_FIELDS, [self._summary(store, collection) for collection in names])

    def _summary(self, store: Versions, collection: str) -> list[str]:
        """The cells of one collection; an unreadable one has its error as status."""
        from adaptive_monitoring.bounds.peers import of_entities

        try:
            models = store.read(collection, only=("metric", "trained_to", "peer", "model_status", "lock", "calendar"))
        except AdaptiveError as error:
            sizes = str(_size(store.path(collection))), str(_size(store.bounds_path(collection)) or "")
            kept = store.versions(collection)
            return [collection, *[""] * 7, sizes[0], "", "", sizes[1], *_kept(kept), "", "", "", str(error)]
        hosts = of_entities(models.columns, models.keys)
        entities = set(zip(*map(hosts.get, models.keys)))
        tampered = sum(problem.kind == "tampered" for problem in models.problems)
        return [
            collection,
            " ".join(models.keys),
            str(len(entities)),
            " ".join(sorted(set(models.columns.get("metric")))),
            str(models.total),
            str(store.number(collection, models.version)),
            max(filter(None, models.columns.get("trained_to")), key=float, default=""),
            _counts(hosts.get("model_status")),
            str(_size(models.path)),
            str(tampered),
            str(len(models.problems)),
            str(_size(store.bounds_path(collection)) or ""),
            *_kept(store.versions(collection)),
            str(models.columns.get("lock").count("1")),
            " ".join(sorted(set(filter(None, models.columns.get("calendar"))))),
            store.shadow(collection),
            "problems: see action=verify" if models.problems else "ok",
        ]

    def _show(self, store: Versions) -> Columns:
        from adaptive_monitoring.commands.statecell import eased

        columns = (self._read(store) if not self.arguments.version else self._version(store)).columns
        if not columns.has("eased"):
            columns.add("eased", list(map(eased, columns.get("state"))))
        return matching(columns, self.conditions)

    def _version(self, store: Versions) -> StoredModels:
        return store.version_of(str(self.collection), self.arguments.version[0])

    def _diff(self, store: Versions) -> Columns:
        from adaptive_monitoring.commands.differing import differences
        from adaptive_monitoring.store.audit import Audit

        before, after = self._compared(store)
        if before.keys != after.keys:
            raise BadValue(
                f'adaptmodel: "{before.name}" has the by-fields {", ".join(before.keys)}, "{after.name}" has '
                f"{', '.join(after.keys)}; only collections with the same can be compared"
            )
        try:
            records = Audit(self.info, self.messages.warn, self.app).records(collection=after.name, event="promote")
        except AdaptiveError as error:
            self.messages.warn(f"{error}; what was promoted is told as if it had been trained")
            records = []
        promoted = {record["version"]: record["source"] for record in records}
        return matching(differences(before, after, promoted), self.conditions)

    def _compared(self, store: Versions) -> tuple[StoredModels, StoredModels]:
        """What stands before and what after. Raises VersionNotFound."""
        collection, version, against = str(self.collection), self.arguments.version, self.arguments.against
        if against is not None:
            return (self._version(store) if version else store.read(collection)), store.read(against)
        if len(version) == 2:
            return store.version_of(collection, version[0]), store.version_of(collection, version[1])
        now = self._read(store)
        return store.read_version(collection, version[0] if version else store.last(collection)), now

    def _read(self, store: Versions) -> StoredModels:
        """The collection that was named; rows that were left out become a warning."""
        models = store.read(str(self.collection))
        if models.problems:
            self.messages.warn(
                f'adaptmodel: {len(models.problems)} of {models.total} rows of "{self.collection}" are not trusted and '
                f"were left out; the first: {models.problems[0]}. See them: | adaptmodel action=verify"
            )
        return models

    def _verify(self, store: Versions) -> Columns:
        rows = [row for collection in self._names(store) for row in self._findings(store, collection)]
        if self.arguments.replay:
            rows += [row for collection in self._names(store) for row in self._replay(store, collection)]
        return table(FINDING_FIELDS, rows)

    def _findings(self, store: Versions, collection: str) -> Iterator[list[str]]:
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

    def _stale_bounds(self, store: Versions, models: StoredModels) -> str:
        """Why the bounds lookup is not that of the models, '' when it is, or when there is none."""
        from adaptive_monitoring.bounds.derive import derive

        stored = store.stored_bounds(models.name)
        if stored is None or stored == store.rendered(derive(models.columns, models.keys).columns):
            return ""
        return f"not the bounds of these models. Write it again: | adaptmodel action=export collection={models.name}"

    def _replay(self, store: Versions, collection: str) -> Iterator[list[str]]:
        from adaptive_monitoring.commands.replaying import Replay

        version = self.arguments.version[0] if self.arguments.version else None
        for finding in Replay(self.info, self.messages, store, collection, version).findings():
            yield [collection, *finding, store.path(collection)]

    def _export(self, store: Versions) -> Columns:
        from adaptive_monitoring.bounds.derive import derive
        from adaptive_monitoring.commands.auditing import tell
        from adaptive_monitoring.store import files

        models = self._read(store)
        derived = derive(models.columns, models.keys)
        for warning in derived.warnings:
            self.messages.warn(warning)
        about: dict[str, Any] = {"collection": models.name, "version": store.number(models.name, models.version)}
        if self.arguments.format == "proposal":
            rows = self._proposal(models, derived.columns)
            tell(self.info, self.messages, "export", self.app, **about, rows=len(rows), reason="proposal")
            return rows
        written = store.write_bounds(str(self.collection), derived.columns)
        for warning in written.warnings:
            self.messages.warn(warning)
        about.update(rows=written.rows, changed=written.changed)
        about["file_hash"] = files.sha256_of(written.path)
        tell(self.info, self.messages, "export", self.app, **about, reason="bounds")
        fields = ("collection", "path", "models", "skipped", "rows", "bytes", "version", "changed", "route")
        figures = (derived.models, derived.skipped, written.rows, written.bytes, models.version)
        cells = [*map(str, figures), str(int(written.changed)), written.route]
        return table(fields, [[str(self.collection), written.path, *cells]])

    def _proposal(self, models: StoredModels, bounds: Columns) -> Columns:
        from adaptive_monitoring.bounds.proposal import thresholds

        return matching(thresholds(bounds, models.columns, models.keys, self.arguments.open[0]), self.conditions)


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


def _kept(versions: Sequence[int]) -> tuple[str, str]:
    """How many, and which."""
    return str(len(versions)), " ".join(map(str, versions))


def _size(path: str) -> int:
    return os.path.getsize(path) if os.path.exists(path) else 0


def _unquoted(text: str) -> str:
    return re.sub(r'\\(["\\])', r"\1", text[1:-1]) if text.startswith('"') else text

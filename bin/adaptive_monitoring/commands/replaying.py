"""`| adaptmodel action=verify replay=true`: trains again what is stored, and compares.

The audit trail knows the search of the training and its range of time. That search runs again through splunkd, up to
adaptfit, which gets replay=<version>: it trains as it did then and stores nothing. Every cell of every row is compared
but those that are not learned: model_version, lock, row_hash, author, and in the state cell what verdicts have eased.

Limits: the search runs with the rights of who asks. Verdicts given since leave other rows out of training: the data are
then told to be others. It proves that these data and this program give these numbers; not that the data were right, nor
that the audit trail was not rewritten together with the collection.
"""

from __future__ import annotations

import re

from adaptive_monitoring.commands.options import parse
from adaptive_monitoring.commands.statecell import learned
from adaptive_monitoring.errors import AdaptiveError, NotReplayable, SplunkdError, VersionNotFound
from adaptive_monitoring.store.audit import LONGEST, Audit
from adaptive_monitoring.store.base import SCHEMA

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from adaptive_monitoring.protocol.session import Messages, SearchInfo
    from adaptive_monitoring.store.base import StoredModels
    from adaptive_monitoring.store.documents import Record
    from adaptive_monitoring.store.versions import Versions

    Key = tuple[str, ...]
    Row = dict[str, str]

CHANGING = ("train", "promote", "rollback", "lock", "unlock", "verdict")
MAKING = ("train", "promote", "verdict")  # give rows a new model_version
NOT_LEARNED = ("model_version", "lock", "row_hash", "author")
COMPARED = tuple(name for name in SCHEMA if name not in NOT_LEARNED)
WORD = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^\s"])+')
SHOWN = 40  # characters of a cell in a message


class Replay:
    """One repetition. name: the collection; version: None = the one in use."""

    def __init__(
        self, info: SearchInfo, messages: Messages, store: Versions, name: str, version: int | None = None
    ) -> None:
        self.info, self.store, self.name = info, store, name
        self.records = Audit(info, messages.warn, store.app).records(collection=name)
        self.version, self.mark = version, 0
        self.audit = Audit(info, messages.warn, store.app)

    def findings(self) -> Iterator[list[str]]:
        """Cells finding, line, row, detail of each model. Raises SplunkdError where splunkd cannot be asked."""
        try:
            models = self._models()
            record = self._record(models.version)
            again = self._again(record)
        except (NotReplayable, VersionNotFound) as error:
            yield ["not_replayable", "", "", str(error)]
            return
        yield from self._compared(models, again, record)
        if self.version is None:
            yield from self._unrecorded()

    def _models(self) -> StoredModels:
        if self.version is None:
            return self.store.read(self.name)
        return self.store.version_of(self.name, self.version)

    def _record(self, version: int) -> Record:
        """The training behind the rows; of promoted ones that of the shadow. Raises NotReplayable."""
        made = {row["version"]: row for row in self.records if row["event"] in MAKING and row["changed"] == "1"}
        self.mark = version
        while made.get(str(self.mark), {}).get("event") == "verdict":  # the training that the verdicts are about
            self.mark -= 1
        record = made.get(str(self.mark))
        if record is not None and record["event"] == "promote":
            source = self.audit.records(collection=record["source"], event="train", changed="1")
            trained = {row["version"]: row for row in source}
            record = trained.get(record["source_version"])
        if record is None:
            raise NotReplayable(
                f'adaptmodel: the audit trail has no record of the training of version {self.mark} of "{self.name}": '
                "it was trained before there was one or on another machine, or the record was removed"
            )
        return record

    def _again(self, record: Record) -> list[Row]:
        """What the training gives today. Raises NotReplayable, SplunkdError."""
        from adaptive_monitoring.splunkd.client import SEARCH_TIMEOUT_S, connect

        search = self._search(record)
        client = connect(self.info, timeout_s=SEARCH_TIMEOUT_S)
        owner, app = self.info.owner or "nobody", record["app"] or "adaptive_monitoring"
        try:
            rows = list(client.export(search, record["earliest"], record["latest"], owner, app))
        except SplunkdError as error:
            if type(error) is not SplunkdError:  # a refusal or silence of splunkd, not what the search said
                raise
            raise NotReplayable(f"adaptmodel: the search of the training fails today: {error}") from None
        if not rows:
            raise NotReplayable(
                "adaptmodel: the search of the training finds nothing today: its data are gone, or you may not see them"
            )
        return rows

    def _search(self, record: Record) -> str:
        """Raises NotReplayable when the record does not tell all that is needed, or the version before is gone."""
        if not record["earliest"] or float(record["latest"] or 0) <= 0:
            raise NotReplayable(
                f"adaptmodel: the training by search {record['sid']} had no range of time with an end, so other data "
                "would come now. Train with a fixed range, such as -29d@d to -1d@d"
            )
        number = int(record["version"])
        search, mode = replay_search(record["search"], record["collection"], number)
        if mode == "update":
            self.store.base_path(record["collection"], number)
        return search

    def _compared(self, models: StoredModels, again: list[Row], record: Record) -> Iterator[list[str]]:
        keys = [*models.keys, "metric"]
        stored = dict(zip(zip(*models.columns.select(keys).data), _dicts(models)))
        newer = {key for key, row in stored.items() if float(row["model_version"]) >= self.mark}
        other_data = again[0].get("data_hash", "") != record["data_hash"]
        found = {tuple(row.get(name, "") for name in keys): row for row in again}
        told = []
        for key in sorted({*found, *newer}):
            told.append([*judged(stored.get(key), found.get(key), other_data, self.mark), " ".join(key)])
        for finding, detail, row in told:
            yield [finding, "", row, detail]
        if other_data and all(finding != "replay_data_changed" for finding, _, _ in told):
            yield ["replay_data_changed", "", "", "the data are not those trained on, although no model moved"]

    def _unrecorded(self) -> Iterator[list[str]]:
        """A finding when the file is not what the newest record about it says."""
        changing = [row for row in self.records if row["event"] in CHANGING and row["file_hash"]]
        if changing and changing[-1]["file_hash"] != self.store.content(self.name):
            detail = f"the file is not what the newest record ({changing[-1]['event']}) says; somebody else wrote it"
            yield ["unrecorded_change", "", "", detail]


def judged(stored: Row | None, again: Row | None, other_data: bool, version: int) -> tuple[str, str]:
    """(finding, detail) of one model. other_data: the data hash is another; version: that the training became."""
    if stored is None:
        return "replay_differs", "there is no such row that can be trusted; the training gives one"
    if again is None:
        return "replay_differs", "the training gives no such row"
    cells = [name for name in COMPARED if _learned(stored, name) != _learned(again, name)]
    if not cells:
        return "replay_ok", ""
    if float(stored["model_version"]) < version:
        kept = "it was locked, or nothing could be learned, or another training wrote it"
        return "replay_skipped", f"the stored row is of version {stored['model_version']}: {kept}"
    detail = "; ".join(f"{name} {_short(stored[name])} is {_short(again.get(name, ''))} today" for name in cells)
    return ("replay_data_changed" if other_data else "replay_differs"), f"{len(cells)} cells differ: {detail}"


def _learned(row: Row, name: str) -> str:
    text = row.get(name, "")
    return learned(text) if name == "state" else text


def replay_search(search: str, collection: str, version: int) -> tuple[str, str]:
    """The search up to the adaptfit that wrote the collection, with replay=<version>; and its mode.

    collection: <name>, or <name>_shadow of a training with mode=shadow. Raises NotReplayable.
    """
    from adaptive_monitoring.commands.fit import SPEC

    pieces = pipeline(search)
    for i in range(len(pieces) - 1, -1, -1):
        verb, _, rest = pieces[i].partition(" ")
        if verb.lower() != "adaptfit" or len(search) >= LONGEST:
            continue
        try:
            typed = parse(WORD.findall(rest), SPEC)
        except AdaptiveError:
            continue
        if collection == (f"{typed.into}_shadow" if typed.mode == "shadow" else typed.into):
            if pieces[0] and not pieces[0].lower().startswith("search "):
                pieces[0] = f"search {pieces[0]}"
            return " | ".join([*pieces[:i], f"{pieces[i]} replay={version}"]).strip(), str(typed.mode)
    raise NotReplayable(
        f'adaptmodel: the recorded search has no adaptfit that writes "{collection}" in plain sight (it may stand in a '
        f"macro, or the search was too long to be kept whole): {_short(search)}"
    )


def pipeline(search: str) -> list[str]:
    """The commands of a search: cut at pipes that are not in quotes, brackets, parentheses or macros. '' in front of a
    leading pipe."""
    pieces, depth, inside, start, i = [], 0, "", 0, 0
    while i < len(search):
        char = search[i]
        if inside:
            i += char == "\\"
            inside = "" if char == inside else inside
        elif char in "\"`":
            inside = char
        elif char in "[(" or char in "])":
            depth += 1 if char in "[(" else -1
        elif char == "|" and depth == 0:
            pieces.append(search[start:i].strip())
            start = i + 1
        i += 1
    return [*pieces, search[start:].strip()]


def _dicts(models: StoredModels) -> list[Row]:
    names = models.columns.names
    return [dict(zip(names, row)) for row in zip(*models.columns.data)]


def _short(text: str) -> str:
    return f'"{text[:SHOWN]}…"' if len(text) > SHOWN else f'"{text}"'

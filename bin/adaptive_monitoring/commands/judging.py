"""The work of adaptfeedback: rows with verdicts → records → models that are eased.

Limits: a row shows the level after the verdicts of its chunk and those before; what is stored in the end does not
depend on how the rows were cut.
"""
from __future__ import annotations

import time

from adaptive_monitoring.commands import verdicts
from adaptive_monitoring.commands.auditing import of_write, tell
from adaptive_monitoring.commands.modelling import ALERT_FIELDS, VERDICT_FIELDS
from adaptive_monitoring.commands.reasons import cause_of
from adaptive_monitoring.commands.recalibrating import Models
from adaptive_monitoring.engine.base import CAUSES
from adaptive_monitoring.errors import AdaptiveError, BadValue, BadVerdict, MissingField, ModelError, Unreachable
from adaptive_monitoring.store.base import DEFAULT_KEY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from adaptive_monitoring.commands.options import Arguments
    from adaptive_monitoring.commands.verdicts import Eased, Record
    from adaptive_monitoring.protocol.body import Body
    from adaptive_monitoring.protocol.session import Messages, SearchInfo
    from adaptive_monitoring.store.base import Key

    Given = tuple[int, Key, Record]  # row of the chunk, entity, its record

SHOWN = 5  # rows and entities that cannot be used are named one by one up to here


class Judging:
    """One search. Raises SplunkdError, NotWritable when verdicts cannot be recorded; no model was changed then."""

    def __init__(self, info: SearchInfo, messages: Messages, arguments: Arguments) -> None:
        self.info, self.messages, self.arguments = info, messages, arguments
        self.name, self.by = arguments.model, sorted(arguments.by)
        self.names = self.by or [DEFAULT_KEY]
        self.models = Models(info, self.name, self.names)
        self.shelved = verdicts.Shelved(self.name, info)
        self.now, self.author = f"{time.time():.3f}", arguments.author or info.owner
        self.given: dict[str, Record] = {}
        self.before: dict[tuple[Key, str], Eased] = {}
        self.moved: set[tuple[Key, str]] = set()
        self.rows, self.told = 0, dict.fromkeys(("rows", "entities"), 0)
        self.asked = False

    def execute(self, body: Body, finished: bool) -> bytes | None:
        """The reply to one chunk: its rows, and the level of their kind of deviation before and after."""
        reply = self._chunk(body) if body.names else None
        if finished and self.rows:
            self._close()
        return reply

    def _chunk(self, body: Body) -> bytes:
        found = self._read(body)
        levels = self._judge(found) if found else {}
        self.rows += len(body)
        taken = [name for name in VERDICT_FIELDS if name in body.names]
        if taken:
            self.messages.warn(f"adaptfeedback: fields {', '.join(taken)} of the input were replaced. "
                               "Rename them before to keep them")
            body = body.drop(taken)
        return body.append(VERDICT_FIELDS, [levels.get(row, ",") for row in range(len(body))])

    def _read(self, body: Body) -> list[Given]:
        """The verdicts of a chunk that can be recorded; the others are told."""
        verdict, comment = self.arguments.verdict, self.arguments.comment
        self.asked |= verdict in body.names
        names = list(dict.fromkeys([verdict, *self.by, *ALERT_FIELDS, *filter(None, [comment])]))
        columns = body.columns(names)
        out: list[Given] = []
        for row, word in enumerate(map(str.strip, columns.get(verdict))):
            if not word:
                continue
            cells = {name: values[row] for name, values in zip(names, columns.data)}
            key = tuple(cells[name] for name in self.by) or ("all",)
            try:
                out.append((row, key, self._record(word, key, cells)))
            except ValueError as problem:
                self._tell("rows", f"adaptfeedback: row {self.rows + row + 1} is no verdict that can be recorded: "
                                   f"{problem}")
        return out

    def _record(self, word: str, key: Key, cells: dict[str, str]) -> Record:
        """Raises ValueError with the words for the message."""
        if word not in verdicts.WORDS:
            allowed = ", ".join(verdicts.WORDS)
            raise ValueError(f'{self.arguments.verdict} must be {allowed} or empty; got "{word[:60]}"')
        empty = [name for name, value in zip(self.names, key) if not value]
        if empty:
            raise ValueError(f"it has no {', '.join(empty)}")
        alert = cells["anomaly_id"]
        if not alert:
            raise ValueError("it has no anomaly_id; take rows of an alert as adaptdetect model= gives them")
        start = verdicts.number(cells["anomaly_start"] or alert.rpartition("-")[2], 0.0)
        if start <= 0:
            raise ValueError(f'anomaly_start must be epoch seconds; got "{cells["anomaly_start"][:60]}"')
        entity = verdicts.entity_of(self.names, key)
        record = dict.fromkeys(verdicts.FIELDS, "")
        record.update(
            _key=verdicts.key_of(self.name, entity, alert), collection=self.name, entity=entity, anomaly_id=alert,
            verdict=word, author=self.author, time=self.now, start=f"{start:.15g}",
            end=f"{max(start, verdicts.number(cells['_time'], start)):.15g}", score=cells["anomaly_score"],
            cause=cells["reason"], contributors=cells["contributors"], comment=cells[self.arguments.comment or "_time"]
            if self.arguments.comment else "")
        return record

    def _judge(self, found: Sequence[Given]) -> dict[int, str]:
        """Records and applies the verdicts. Returns the two cells of each of these rows."""
        self._look({key for _, key, _ in found})
        for _, key, record in found:
            self._settle(key, record)
        stored = self._recorded({record["_key"] for _, _, record in found})
        before = self.models.written
        after = self._eased(stored)
        self._audit(len({key for _, key, _ in found}), self.models.written is not before)
        return {row: self._levels(key, self.given[record["_key"]], after) for row, key, record in found}

    def _audit(self, entities: int, wrote: bool) -> None:
        """Tells the audit trail of the verdicts of a chunk, about so many entities. wrote: they moved a model."""
        told = of_write(self.models.written) if wrote and self.models.written else {"collection": self.name}
        tell(self.info, self.messages, "verdict", None, **told, entities=entities, source="adaptive_verdicts",
             rows=len(self.given), reason=self._counts())

    def _counts(self) -> str:
        """`2 false_alert, 1 unsure`, of all alerts so far."""
        words = [record["verdict"] for record in self.given.values()]
        return ", ".join(f"{words.count(word)} {word}" for word in verdicts.WORDS if word in words) or "none"

    def _look(self, keys: set[Key]) -> None:
        """The models of these entities; what is missing is told."""
        try:
            self.models.read(keys)
        except (ModelError, BadValue) as problem:
            self.messages.warn(f"{problem.text}. The verdicts are recorded all the same ({problem.code})")
            return
        for row in self.models.problems[:SHOWN]:
            self.messages.warn(f'adaptfeedback: model row {row.row} of "{self.name}" is not used: {row.detail}')
        for key in sorted(keys - self.models.found.keys()):
            why = f"only models of detector {verdicts.DETECTOR} that are trained use them"
            if key not in self.models.known:
                why = "there is no model of that entity"
            self._tell("entities", f'adaptfeedback: verdicts on {"/".join(key)} are recorded but change nothing in '
                                   f'"{self.name}": {why}')
        for key, models in self.models.found.items():
            for model in models:
                self.before.setdefault((key, model.metric), model.eased)

    def _settle(self, key: Key, record: Record) -> None:
        """Takes a row into what this search says about its alert: of several rows the strongest one counts."""
        models = self.models.found.get(key, [])
        metrics = [model.metric for model in models]
        shares = verdicts.shares_of(record["contributors"], metrics)
        top = metrics[shares[0][0]] if shares and shares[0][0] >= 0 else ""
        cause = cause_of(record["cause"], top)
        record["cause"] = "" if cause is None else CAUSES[cause]
        record["threshold"] = f"{models[0].threshold:.6g}" if models else ""
        if models and any(place < 0 for place, _ in shares):
            self._tell("rows", f'adaptfeedback: contributors "{record["contributors"][:80]}" of {"/".join(key)} name a '
                               f'metric that "{self.name}" has no model of; the others count')
        before = self.given.get(record["_key"])
        if before is not None and before["verdict"] != record["verdict"]:
            self._tell("rows", f"adaptfeedback: rows of alert {record['anomaly_id']} have several verdicts; that of "
                               "the strongest row counts")
            record["verdict"] = verdicts.stronger(before, record)["verdict"]
        self.given[record["_key"]] = verdicts.joined(before, record)

    def _recorded(self, keys: set[str]) -> dict[str, dict[str, Record]] | None:
        """Records these alerts' verdicts. Returns all records of the collection, None when they cannot be read."""
        try:
            stored = self.shelved.by_entity()
        except Unreachable:
            stored = None
        for key in sorted(keys):
            record = self.given[key]
            of_entity = {} if stored is None else stored.setdefault(record["entity"], {})
            of_entity[key] = self.given[key] = verdicts.joined(of_entity.get(key), record)
        self.shelved.add([self.given[key] for key in sorted(keys)])
        for text in self.shelved.warnings:
            self.messages.warn(text)
        return stored

    def _eased(self, stored: dict[str, dict[str, Record]] | None) -> dict[Key, list[Eased]]:
        """Applies all verdicts to the entities that are looked at. {} when that failed; it is told then."""
        if stored is None:
            self.messages.warn(f'adaptfeedback: earlier verdicts on "{self.name}" cannot be read, so its models stay '
                               "as they are. Give the verdicts again when splunkd answers")
            return {}
        try:
            after = self.models.ease(stored)
        except AdaptiveError as problem:
            self.messages.warn(f"{problem.text}. The verdicts are recorded, the models stay as they are "
                               f"({problem.code})")
            return {}
        for key, metric in sorted(self.models.locked):
            self._tell("entities", f'adaptfeedback: model {"/".join(key)} {metric} of "{self.name}" is locked and '
                                   "stays as it is; the verdicts are recorded")
        for text in self.models.written.warnings if self.models.written else ():
            if "locked" not in text:
                self.messages.warn(text)
        return after

    def _levels(self, key: Key, record: Record, after: dict[Key, list[Eased]]) -> str:
        """threshold_before and threshold_after of an alert's kind of deviation: its first contributor and its cause."""
        models = self.models.found.get(key, [])
        if not models:
            return ","
        shares = verdicts.shares_of(record["contributors"], [model.metric for model in models])
        place = shares[0][0] if shares and shares[0][0] >= 0 else 0
        model, cause = models[place], record["cause"]
        old = self.before[key, model.metric]
        new = after[key][place] if key in after else model.eased
        if new != old:
            self.moved.add((key, model.metric))
        return ",".join(f"{verdicts.level(model.threshold, eased, cause):.6g}" for eased in (old, new))

    def _tell(self, kind: str, text: str) -> None:
        """A warning, as long as there are few of its kind."""
        self.told[kind] += 1
        if self.told[kind] <= SHOWN:
            self.messages.warn(str(BadVerdict(text)))

    def _close(self) -> None:
        if not self.asked:
            raise MissingField(f'adaptfeedback: no row has the field "{self.arguments.verdict}" that verdict= names')
        for kind, count in self.told.items():
            if count > SHOWN:
                self.messages.warn(str(BadVerdict(f"adaptfeedback: {count} {kind} were told about; {SHOWN} by name")))
        version = f"version {self.models.written.version}" if self.models.written else "its models stay as they are"
        what = f'{len(self.given)} verdicts on "{self.name}" recorded by {self.shelved.route}'
        self.messages.info(f"adaptfeedback: {what}: {self._counts()}; {len(self.moved)} models moved, {version}")
        if self.moved:
            self.messages.info(f"adaptfeedback: bounds for pointwise=true follow with "
                               f"| adaptmodel action=export collection={self.name}")
        self.messages.metric("verdicts", len(self.given))
        self.messages.metric("models_moved", len(self.moved))

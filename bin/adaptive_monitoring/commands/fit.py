"""adaptfit: learns one model per entity and metric, stores them as a lookup, returns the rows.

On raw events splunkd runs reducing.py on the indexers first (phase=map); what arrives here may be packed rows, raw
rows, or both.
"""
from __future__ import annotations

from adaptive_monitoring.commands import kinds
from adaptive_monitoring.commands.base import Command
from adaptive_monitoring.commands.modelling import OPTIONS, PEER, check_peer, required_fields
from adaptive_monitoring.commands.options import Spec, parse
from adaptive_monitoring.commands.packed import MARK, PAYLOAD
from adaptive_monitoring.commands.reducing import MAP, PHASE, SPAN, Map, preop
from adaptive_monitoring.errors import BadGrammar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from adaptive_monitoring.commands.fitting import Fitting
    from adaptive_monitoring.protocol.body import Body
    from adaptive_monitoring.protocol.session import Messages, SearchInfo

SPEC = Spec(
    "adaptfit",
    options=(
        *OPTIONS,
        PEER,
        SPAN,
        MAP,
        kinds.name("exclude", None, "lookup of past incidents (start, end, by-fields): left out of training"),
        kinds.word("mode", ("update", "replace", "shadow"), "update",
                   "update learns on and keeps the models of others, replace learns anew and drops them, shadow writes "
                   "<collection>_shadow, which pages nobody until adaptmodel action=promote"),
        kinds.integer("replay", 1, 1_000_000_000, None, "train as this version was trained, and store nothing"),
    ),
    fields="optional", by="optional", into="optional",
    usage="adaptfit <fields> [by <fields>] [into <collection>] [name=value …]",
)


class Fit(Command):
    """The command; its work is done by Fitting once rows arrive, or by Map in the map phase."""

    previews = False  # writes a lookup

    def __init__(self, info: SearchInfo, messages: Messages) -> None:
        super().__init__(info, messages)
        self.work: Fitting | Map | None = None
        if PHASE in info.args:
            self.work = Map(info, messages)
            self.previews = True
            return
        self.arguments = parse(info.args, SPEC)
        if self.arguments.replay is not None and self.arguments.into is None:
            raise BadGrammar(f"adaptfit: replay= repeats what was stored INTO a collection; write {SPEC.usage}")
        check_peer(self.arguments, "adaptfit", self.arguments.detector)
        if self.arguments.into is not None:
            from adaptive_monitoring.store.base import check_keys, check_name

            check_name(self.arguments.into)
            check_keys(self.arguments.by)

    def describe(self) -> dict[str, Any]:
        if isinstance(self.work, Map):
            return self.work.describe()
        names, mapped = required_fields(self.arguments), preop(self.arguments)
        if mapped is None:
            return {"type": "reporting", "required_fields": names}
        if names != ["*"]:
            names += [MARK, PAYLOAD]  # splunkd drops what nobody asked for at the end of the indexers' part
        return {"type": "reporting", "required_fields": names, "streaming_preop": mapped}

    def execute(self, body: Body, finished: bool) -> bytes | None:
        if self.work is None:
            from adaptive_monitoring.commands.fitting import Fitting

            self.work = Fitting(self.info, self.messages, self.arguments)
        return self.work.execute(body, finished)

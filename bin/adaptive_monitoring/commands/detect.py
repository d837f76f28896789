"""adaptdetect: scores every row, with stored models or learning as it goes.

With model=: stateful streaming, chunk by chunk in constant memory; rows should come in time order.
Without: all rows are collected, put in time order per entity, and scored in one causal pass.
With pointwise=true: commands/pointwise.py, on the indexers.
"""
from __future__ import annotations

from adaptive_monitoring.commands import kinds
from adaptive_monitoring.commands.base import Command
from adaptive_monitoring.commands.modelling import OPTIONS, PEER, answered_fields, check_peer, required_fields
from adaptive_monitoring.commands.options import Spec, parse
from adaptive_monitoring.errors import BadGrammar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from adaptive_monitoring.commands.options import Arguments
    from adaptive_monitoring.commands.scoring import Run
    from adaptive_monitoring.protocol.body import Body
    from adaptive_monitoring.protocol.session import Messages, SearchInfo

SPEC = Spec(
    "adaptdetect",
    options=(
        *OPTIONS,
        PEER,
        kinds.name("model", None, "collection written by adaptfit; without it the search learns as it goes"),
        kinds.boolean("pointwise", False, "score each row by itself from the bounds lookup, on the indexers"),
        kinds.word("only", ("all", "anomalies", "changes"), "all", "which rows come out"),
        kinds.word("lang", ("en", "fr"), "en", "language of the reasons"),
    ),
    fields="optional", by="optional",
    usage="adaptdetect <fields> [by <fields>] [model=<collection>] [name=value …]",
)


class Detect(Command):
    """The command; its work is done by Pointwise, Scoring or Learning."""

    def __init__(self, info: SearchInfo, messages: Messages) -> None:
        super().__init__(info, messages)
        self.arguments = parse(info.args, SPEC)
        self.work: Run | None = None
        self.pointwise: Command | None = None
        self._check_peer()
        if self.arguments.pointwise:
            from adaptive_monitoring.commands.pointwise import Pointwise

            if self.arguments.model is None:
                raise BadGrammar("adaptdetect: pointwise=true needs model=<collection>; write " + SPEC.usage)
            self.pointwise = Pointwise(info, messages, self.arguments)
        elif self.arguments.model is not None:
            _check_model(self.arguments.model)

    def _check_peer(self) -> None:
        """Raises BadValue, BadGrammar where peer= has nothing to take a model from."""
        check_peer(self.arguments, "adaptdetect", self.arguments.detector)
        if self.arguments.peer and (self.arguments.model is None or self.arguments.pointwise):
            with_what = "does not go with pointwise=true" if self.arguments.pointwise else "needs model=<collection>"
            raise BadGrammar(f"adaptdetect: peer={self.arguments.peer} {with_what}: the models of groups are those "
                             f"that adaptfit peer=<field> stored. Write {SPEC.usage}")

    def describe(self) -> dict[str, Any]:
        if self.pointwise is not None:
            return self.pointwise.describe()
        if self.arguments.model is None:
            return {"type": "events"}
        names = required_fields(self.arguments)
        return {"type": "stateful", "required_fields": names if names == ["*"] else _unique(names, self.arguments)}

    def execute(self, body: Body, finished: bool) -> bytes | None:
        if self.pointwise is not None:
            return self.pointwise.execute(body, finished)
        if self.work is None:
            self.work = self._begin()
        return self.work.execute(body, finished)

    def _begin(self) -> Run:
        if self.arguments.model is None:
            from adaptive_monitoring.commands.learning import Learning

            return Learning(self.info, self.messages, self.arguments)
        from adaptive_monitoring.commands.scoring import Scoring

        return Scoring(self.info, self.messages, self.arguments)


def _unique(names: list[str], arguments: Arguments) -> list[str]:
    return list(dict.fromkeys([*names, *answered_fields(arguments)]))


def _check_model(name: str) -> None:
    """Raises CollectionNotFound, BadCollectionName before any row is fetched."""
    import os

    from adaptive_monitoring.store.paths import Places

    places = Places()
    if not os.path.exists(places.path(name)):
        raise places.not_found(name)

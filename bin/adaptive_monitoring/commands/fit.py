"""adaptfit: learns one model per entity and metric, stores them as a lookup, returns the rows."""
from __future__ import annotations

from adaptive_monitoring.commands import kinds
from adaptive_monitoring.commands.base import Command
from adaptive_monitoring.commands.modelling import OPTIONS, required_fields
from adaptive_monitoring.commands.options import Spec, parse

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
        kinds.name("exclude", None, "lookup of past incidents (start, end, by-fields): left out of training"),
        kinds.word("mode", ("update", "replace"), "update", "update keeps the models of others, replace drops them"),
    ),
    fields="optional", by="optional", into="optional",
    usage="adaptfit <fields> [by <fields>] [into <collection>] [name=value …]",
)


class Fit(Command):
    """The command; its work is done by Fitting once rows arrive."""

    previews = False  # writes a lookup

    def __init__(self, info: SearchInfo, messages: Messages) -> None:
        super().__init__(info, messages)
        self.arguments = parse(info.args, SPEC)
        self.work: Fitting | None = None
        if self.arguments.into is not None:
            from adaptive_monitoring.store.base import check_keys, check_name

            check_name(self.arguments.into)
            check_keys(self.arguments.by)

    def describe(self) -> dict[str, Any]:
        return {"type": "reporting", "required_fields": required_fields(self.arguments)}

    def execute(self, body: Body, finished: bool) -> bytes | None:
        if self.work is None:
            from adaptive_monitoring.commands.fitting import Fitting

            self.work = Fitting(self.info, self.messages, self.arguments)
        return self.work.execute(body, finished)

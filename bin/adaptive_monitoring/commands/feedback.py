"""adaptfeedback: an operator's verdict on alerts, recorded and applied to the stored models.

Stateful streaming on the search head: every chunk's verdicts are recorded and applied before its rows go on. The work
is done by Judging once rows arrive.
"""
from __future__ import annotations

from adaptive_monitoring.commands import kinds
from adaptive_monitoring.commands.base import Command
from adaptive_monitoring.commands.modelling import ALERT_FIELDS, VERDICT_FIELDS
from adaptive_monitoring.commands.options import Spec, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from adaptive_monitoring.commands.judging import Judging
    from adaptive_monitoring.protocol.body import Body
    from adaptive_monitoring.protocol.session import Messages, SearchInfo

SPEC = Spec(
    "adaptfeedback",
    options=(
        kinds.text("verdict", None, "field with true_alert, false_alert, expected or unsure; empty = no verdict", 200),
        kinds.name("model", None, "collection that the alerts were told by"),
        kinds.text("author", None, "who gave the verdicts; default the owner of the search", 200),
        kinds.text("comment", None, "field with the reason of each verdict", 200),
    ),
    by="optional", required=("verdict", "model"),
    usage="adaptfeedback verdict=<field> [by <fields>] model=<collection> [author=<text>] [comment=<field>]",
)


class Feedback(Command):
    """The command."""

    previews = False  # writes a lookup and records

    def __init__(self, info: SearchInfo, messages: Messages) -> None:
        super().__init__(info, messages)
        self.arguments = parse(info.args, SPEC)
        self.work: Judging | None = None
        from adaptive_monitoring.store.base import check_keys, check_name

        check_name(self.arguments.model)
        check_keys(self.arguments.by)

    def describe(self) -> dict[str, Any]:
        options = self.arguments.options
        typed = [options[name] for name in ("verdict", "comment") if options[name]]
        return {"type": "stateful",
                "required_fields": list(dict.fromkeys([*self.arguments.by, *typed, *ALERT_FIELDS, *VERDICT_FIELDS]))}

    def execute(self, body: Body, finished: bool) -> bytes | None:
        if self.work is None:
            from adaptive_monitoring.commands.judging import Judging

            self.work = Judging(self.info, self.messages, self.arguments)
        return self.work.execute(body, finished)

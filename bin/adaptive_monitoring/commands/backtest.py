"""adaptbacktest: what the models would have done against the static thresholds in place today.

Reads all rows, replays them with strict causality, as adaptdetect without a model does, and compares both sides with
known incidents, or without them by overlap and injected faults. docs/backtest.md says how to read the rows.
"""
from __future__ import annotations

from adaptive_monitoring.commands import kinds
from adaptive_monitoring.commands.base import Command
from adaptive_monitoring.commands.modelling import OPTIONS, required_fields
from adaptive_monitoring.commands.options import Spec, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from adaptive_monitoring.commands.backtesting import Backtesting
    from adaptive_monitoring.protocol.body import Body
    from adaptive_monitoring.protocol.session import Messages, SearchInfo

SPEC = Spec(
    "adaptbacktest",
    options=(
        *OPTIONS,
        kinds.text("static", None, "the thresholds in place: a lookup of this app, or an expression such as cpu>90"),
        kinds.word("limits", ("any", "warning", "critical"), "any", "which limits of the lookup raise an alert"),
        kinds.name("incidents", None, "lookup of known incidents (start, end, by-fields)"),
        kinds.text("template", None, "field of the rows that names the threshold template of an entity", 256),
        kinds.text("history", None, "field of the rows, 1 = learned from and not compared", 256),
        kinds.span("after", 0, 366 * 86400, None, "the first part, learned from and not compared"),
        kinds.boolean("inject", None, "whether synthetic faults are injected; default: when no incidents are known"),
        kinds.name("report", None, "writes local/reports/<name>.html of this app"),
        kinds.word("lang", ("en", "fr"), "en", "language of reasons and report"),
    ),
    fields="optional", by="optional", required=("static",),
    usage="adaptbacktest <fields> [by <fields>] static=<lookup or expression> [incidents=<lookup>] [name=value …]",
)


class Backtest(Command):
    """The command; its work is done by Backtesting once rows arrive."""

    previews = False  # expensive, and may write a report

    def __init__(self, info: SearchInfo, messages: Messages) -> None:
        super().__init__(info, messages)
        self.arguments = parse(info.args, SPEC)
        self.work: Backtesting | None = None

    def describe(self) -> dict[str, Any]:
        names = required_fields(self.arguments)
        if names != ["*"]:
            names += [name for name in (self.arguments.template, self.arguments.history) if name]
        return {"type": "reporting", "required_fields": names}

    def execute(self, body: Body, finished: bool) -> bytes | None:
        if self.work is None:
            from adaptive_monitoring.commands.backtesting import Backtesting

            self.work = Backtesting(self.info, self.messages, self.arguments)
        return self.work.execute(body, finished)

"""The contract between a command and protocol/session.py."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from adaptive_monitoring.protocol.body import Body
    from adaptive_monitoring.protocol.session import Messages, SearchInfo


class Command:
    """One SPL command in one search.

    The session makes it at getinfo, asks `describe`, then calls `execute` once per chunk and `close` at the end.
    Making and describing it must be cheap and free of side effects: splunkd starts a script up to four times a search.
    An AdaptiveError from any method becomes one message in the Job Inspector and ends the command.
    """

    previews = True  #: False: side effects; chunks of a preview are answered with an empty, finished reply
    done = False  #: generating commands: True when nothing is left to send

    def __init__(self, info: SearchInfo, messages: Messages) -> None:
        """Parses info.args. Raises UsageError."""
        self.info = info
        self.messages = messages

    def describe(self) -> dict[str, Any]:
        """The getinfo reply.

        type (streaming, stateful, events, reporting), generating, required_fields, streaming_preop, maxwait.
        """
        return {"type": "streaming", "required_fields": ["*"]}

    def execute(self, body: Body, finished: bool) -> bytes | None:
        """The reply to one chunk, in protocol CSV; None = no rows. body is empty for generating commands.

        finished: splunkd sends nothing more after this chunk, or the user pressed Finalize; it may still hold rows.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Called once, whatever happened."""

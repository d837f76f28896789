"""What the SDK itself costs: a streaming command that does nothing."""

import sys

from splunklib.searchcommands import Configuration, StreamingCommand, dispatch


@Configuration()
class Noop(StreamingCommand):
    """Yields the records as they came."""

    def stream(self, records):  # type: ignore[no-untyped-def]
        yield from records


dispatch(Noop, sys.argv, sys.stdin, sys.stdout, __name__)

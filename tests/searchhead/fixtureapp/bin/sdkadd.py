"""The same as fixadd, the splunk-sdk way: the oracle."""

import sys

from splunklib.searchcommands import Configuration, StreamingCommand, dispatch


@Configuration(required_fields=["cpu"])
class SdkAdd(StreamingCommand):
    def stream(self, records):
        for record in records:
            record["double"] = str(2 * float(record["cpu"])) if record["cpu"] else ""
            record["label"] = 'a,"b\n'
            yield record


dispatch(SdkAdd, sys.argv, sys.stdin, sys.stdout, __name__, allow_empty_input=True)

"""The usual way: an SDK streaming command that adds six fields to every record, with a small model per host."""

import sys

from splunklib.searchcommands import Configuration, StreamingCommand, dispatch

MODEL = {f"web-{number:04d}": (300.0 + 0.37 * (number % 300), 20.0) for number in range(10000)}


@Configuration()
class Six(StreamingCommand):
    """expected, lower_bound, upper_bound, anomaly_score, is_anomaly, severity."""

    def stream(self, records):  # type: ignore[no-untyped-def]
        for record in records:
            expected, scale = MODEL[record["host"]]
            score = abs(float(record["cpu"]) - expected) / (6.0 * scale)
            record["expected"] = "%.4f" % expected
            record["lower_bound"] = "%.4f" % (expected - 6.0 * scale)
            record["upper_bound"] = "%.4f" % (expected + 6.0 * scale)
            record["anomaly_score"] = "%.4f" % (100.0 * score / (1.0 + score))
            record["is_anomaly"] = "1" if score >= 1.0 else "0"
            record["severity"] = "high" if score >= 1.0 else "info"
            yield record


dispatch(Six, sys.argv, sys.stdin, sys.stdout, __name__)

"""Makes lookups/sample_incidents.csv and sample_thresholds.csv from the shipped sample: `python -m tools.sampletables`.

Incidents: the runs of labelled rows of each host. Thresholds: what many estates have, one template per type of host:
the 99.9th percentile of what its hosts showed in their history together, per metric, as critical limit.
"""

from __future__ import annotations

import csv
import gzip
import io
import sys
from pathlib import Path

from tools.sample import METRICS, ROOT, TARGET

INCIDENTS = ROOT / "lookups" / "sample_incidents.csv"
THRESHOLDS = ROOT / "lookups" / "sample_thresholds.csv"
PERCENT = 99.9

Row = dict[str, str]


def incidents(rows: list[Row]) -> list[list[str]]:
    """Header, then host, start and end of every run of labelled rows."""
    out, before = [["host", "start", "end"]], {"host": "", "label": "0"}
    for row in rows:  # host by host, in time order
        if row["label"] == "1":
            if before["label"] == "1" and before["host"] == row["host"]:
                out[-1][2] = row["_time"]
            else:
                out.append([row["host"], row["_time"], row["_time"]])
        before = row
    return out


def thresholds(rows: list[Row]) -> list[list[str]]:
    """Header, then a threshold per type of host and metric."""
    out = [["template", "metric", "warning", "critical", "direction", "duration"]]
    for kind in sorted({row["type"] for row in rows}):
        mine = [row for row in rows if row["type"] == kind and row["history"] == "1"]
        for metric in METRICS:
            values = sorted(float(row[metric]) for row in mine if row[metric])
            out.append([kind, metric, "", f"{percentile(values, PERCENT):.6g}", "high", ""])
    return out


def percentile(values: list[float], percent: float) -> float:
    """Of sorted values, linear between them."""
    place = (len(values) - 1) * percent / 100
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


def text(table: list[list[str]]) -> str:
    """The file of a table."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(table)
    return out.getvalue()


def made() -> dict[Path, str]:
    """Path -> content of both tables."""
    with gzip.open(TARGET, "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    return {INCIDENTS: text(incidents(rows)), THRESHOLDS: text(thresholds(rows))}


if __name__ == "__main__":
    for path, content in made().items():
        path.write_text(content, encoding="utf-8")
        sys.stdout.write(f"{path.relative_to(ROOT)}: {content.count(chr(10)) - 1} rows\n")

"""Makes lookups/sample_hosts.csv.gz, the labelled host metrics that the app ships: `python -m tools.sample <folder>`.

The folder holds one table per public data set, ASD.csv.gz (InterFusion), JS2.csv.gz, JS3.csv.gz (JumpStarter, data
sets 2 and 3) and SMD.csv.gz (Server Machine Dataset), each with the columns series, _time (epoch seconds), m00, m01,
… (the data set's own columns in their order), label (1 = labelled incident) and history (1 = the part that its
authors give for training). None has real times: all start at the same made-up Monday.

Hosts: of each data set the first ones by name that have at least 3 incidents and at most 12 % labelled rows. Columns:
eight per data set, the same for all its hosts, found once and without any detector: those in which the most labelled
incidents leave the host's usual range (0.5th to 99.5th percentile), each next one counted for what the others do not
show. Both choices use the labels of the scored part and were made after first results on more hosts had been seen:
this is a sample to show and test things with, not a benchmark. The columns are named m1 … m8; the authors name none
of them, so m1 means one thing within a type of host and another elsewhere.
"""

from __future__ import annotations

import csv
import gzip
import io
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "lookups" / "sample_hosts.csv.gz"
STEP_S = 300
#: data set -> (type of host in the sample, its columns that become m1 … m8, hosts)
CHOSEN = {
    "ASD": ("app_server", "m01 m03 m06 m07 m10 m11 m14 m15", "omi-10 omi-11 omi-2"),
    "JS2": ("service_2", "m00 m06 m10 m11 m12 m13 m14 m16", "js2-service02 js2-service11"),
    "JS3": ("service_3", "m03 m04 m06 m08 m12 m14 m15 m17", "js3-service04 js3-service22"),
    "SMD": ("server_machine", "m02 m03 m05 m09 m12 m21 m23 m34", "machine-2-1 machine-3-4"),
}
METRICS = [f"m{i}" for i in range(1, 9)]
HEADER = ["_time", "host", "type", *METRICS, "label", "history"]

Row = list[str]


def rows_of(folder: Path, name: str) -> Iterator[Row]:
    """The sample's rows from one data set, five minutes apart."""
    kind, columns, hosts = CHOSEN[name]
    with gzip.open(folder / f"{name}.csv.gz", "rt", newline="") as file:
        of_host: dict[str, list[dict[str, str]]] = {host: [] for host in hosts.split()}
        for record in csv.DictReader(file):
            if record["series"] in of_host:
                of_host[record["series"]].append(record)
    for host, records in of_host.items():
        for t, values, label, history in thinned(records, columns.split()):
            yield [str(t), host, kind, *values, label, history]


def thinned(records: list[dict[str, str]], columns: list[str]) -> Iterator[tuple[int, Row, str, str]]:
    """(time, values, label, history) per 5 minutes. Rows that are 5 minutes apart stay as they are; of closer ones the
    mean, labelled when any of them is, history when all of them are."""
    groups: dict[int, list[dict[str, str]]] = {}
    for record in records:
        groups.setdefault(int(record["_time"]) // STEP_S * STEP_S, []).append(record)
    for t, group in groups.items():
        values = [mean([record[column] for record in group]) for column in columns]
        label, history = max(r["label"] for r in group), min(r["history"] for r in group)
        yield t, values, label, history


def mean(cells: list[str]) -> str:
    """One value as it stands; the mean of several with 6 significant digits; empty when there is none."""
    numbers = [float(cell) for cell in cells if cell]
    return cells[0] if len(cells) == 1 else f"{sum(numbers) / len(numbers):.6g}" if numbers else ""


def write(folder: Path, target: Path) -> int:
    """Writes the sample; the same folder gives the same bytes. Returns the number of rows."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    rows = [row for name in CHOSEN for row in rows_of(folder, name)]
    writer.writerows(rows)
    target.write_bytes(gzip.compress(text.getvalue().encode(), compresslevel=9, mtime=0))
    return len(rows)


if __name__ == "__main__":
    count = write(Path(sys.argv[1]), TARGET)
    sys.stdout.write(f"{TARGET.relative_to(ROOT)}: {count} rows, {TARGET.stat().st_size / 1e6:.2f} MB\n")

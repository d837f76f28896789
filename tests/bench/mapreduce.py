"""The map phase of adaptfit: what reaches the search head of raw events, and what it costs on an indexer."""

from __future__ import annotations

import csv
import io
from statistics import median
from typing import Any

from bench.fleet import Fixture
from bench.rows import METRIC, RAW, TRAIN, Fleet, Form
from bench.stage import Stage

WORDS = "phase=map cpu by host"
#: Chunks of a search on the way, as limits.conf sets them.
CHUNK = 2500
REFERENCE = "speed.sdk.six"
ROWS, ROUNDS, HOSTS = 250_000, 3, 500


def measure(
    stage: Stage, wanted: list[str], rows: int = ROWS, rounds: int = ROUNDS, hosts: int = HOSTS
) -> dict[str, Any]:
    """Shares in percent of the events' text (_raw alone), speed as a ratio to the SDK command that adds six fields."""
    fleet = Fleet(hosts, max(1, rows // hosts), step_s=60)
    raw = fleet.rows * _raw_bytes()
    values: dict[str, Any] = {
        "mapreduce.bytes": 100 * _sent(stage, WORDS, fleet) / raw,
        "mapreduce.bytes.span": 100 * _sent(stage, WORDS + " span=5m", fleet) / raw,
    }
    if "mapreduce.map.speed" in wanted:
        values["mapreduce.map.speed"] = _speed(stage, fleet, rounds)
    return {name: value for name, value in values.items() if name in wanted}


def _raw_bytes() -> int:
    """Bytes of an event's text."""
    text = (RAW.header + RAW.record.tobytes()).decode()
    return len(next(csv.DictReader(io.StringIO(text, newline="")))["_raw"])


def _sent(stage: Stage, words: str, fleet: Fleet) -> int:
    """Bytes of all replies. splunkd's `fields` in front has taken _raw off."""
    return stage.hold("adaptfit", words, fleet.bodies(TRAIN, CHUNK), remote=True).received


def _speed(stage: Stage, fleet: Fleet, rounds: int) -> float:
    """Rows per CPU second, without the start, against the reference on full-width metric rows."""
    live = Fixture(stage, fleet.rows, fleet.hosts).live
    cases: dict[str, tuple[str, str, Form, bool]] = {
        "map": ("adaptfit", WORDS, TRAIN, True),
        "six": ("sdk_six", "", METRIC, False),
    }
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, (verb, words, form, remote) in cases.items():
            full = stage.hold(verb, words, live.bodies(form, CHUNK), remote=remote).cpu_s
            seconds[name].append(full - stage.hold(verb, words, remote=remote).cpu_s)
    return median(seconds["six"]) / max(median(seconds["map"]), 1e-3)

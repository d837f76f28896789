"""Throughput: prepared conversations replayed to real scripts, rows per CPU second, all scenarios in every round.

The CPU time of the same script with no rows (getinfo, header-only end) is taken off. What is loaded at the first rows
(numpy, the models) stays in: with a million rows it weighs 3 to 8 % of a fast scenario; `marginal` in bench.json is
without it, from the difference between all rows and one chunk of 500.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from bench.fleet import WORDS, Fixture
from bench.rows import METRIC, NARROW, RAW, Fleet, Form
from bench.stage import Stage

ROWS, ROUNDS = 1_000_000, 3
REFERENCE = "speed.sdk.six"


class Case(NamedTuple):
    """verb and words of the search, kind of rows, rows per chunk, seconds between the rows of a host.

    part: of the rows, one in so many, where small chunks make a search long.
    """

    verb: str
    words: str
    form: Form
    chunk_rows: int = 50000
    step_s: int = 300
    part: int = 1

    def of(self, live: Fleet) -> Fleet:
        """The rows of this case."""
        return live._replace(step_s=self.step_s, steps=max(1, live.steps // self.part))


CASES = {
    "speed.sdk.noop": Case("sdk_noop", "", METRIC),
    "speed.sdk.six": Case("sdk_six", "", METRIC),
    "speed.sdk.six.raw": Case("sdk_six", "", RAW),
    "speed.model.narrow": Case("adaptdetect", WORDS["model"], NARROW),
    "speed.model.minute": Case("adaptdetect", WORDS["model"], NARROW, step_s=60),
    "speed.model.small": Case("adaptdetect", WORDS["model"], NARROW, 2500),
    "speed.model.chunk100": Case("adaptdetect", WORDS["model"], NARROW, 100, part=5),
    "speed.model.wide": Case("adaptdetect", WORDS["model"], METRIC),
    "speed.model.raw": Case("adaptdetect", WORDS["model"], RAW),
    "speed.pointwise.narrow": Case("adaptdetect", WORDS["pointwise"], NARROW),
    "speed.pointwise.small": Case("adaptdetect", WORDS["pointwise"], NARROW, 2500),
    "speed.pointwise.chunk100": Case("adaptdetect", WORDS["pointwise"], NARROW, 100, part=5),
    "speed.pointwise.wide": Case("adaptdetect", WORDS["pointwise"], METRIC),
    "speed.pointwise.raw": Case("adaptdetect", WORDS["pointwise"], RAW),
}
#: Cost of a row in this case ÷ cost of the same rows at 2,500 a chunk; what is loaded at the first rows is in neither.
RATIOS = {f"speed.{way}.chunk_ratio": f"speed.{way}.chunk100" for way in ("model", "pointwise")}
LARGER = 2500


def measure(stage: Stage, wanted: list[str], rows: int = ROWS, rounds: int = ROUNDS) -> dict[str, Any]:
    """Ratios to the SDK command that adds six fields; details per id under "speed"."""
    fixture = Fixture(stage, rows)
    fixture.train()
    cases = {name: CASES[name] for name in dict.fromkeys([REFERENCE, *(RATIOS.get(name, name) for name in wanted)])}
    for name in set(RATIOS).intersection(wanted):
        cases[name] = cases[RATIOS[name]]._replace(chunk_rows=LARGER)
    files = {name: _prepared(stage, fixture, name, case) for name, case in cases.items()}
    seconds: dict[str, list[float]] = {f"{name} {kind}": [] for name in cases for kind in ("full", "first", "empty")}
    peaks = dict.fromkeys(cases, 0.0)
    for _ in range(rounds):
        for name, case in cases.items():
            for kind, path in files[name].items():
                cost = stage.replay(case.verb, path)
                seconds[f"{name} {kind}"].append(cost.cpu_s)
                peaks[name] = max(peaks[name], cost.peak_mb)
    for path in (path for paths in files.values() for path in paths.values()):
        path.unlink()
    rows_of = {name: case.of(fixture.live).rows for name, case in cases.items()}
    found = _figures({name: median(values) for name, values in seconds.items()}, peaks, rows_of)
    for name, detail in found["details"].items():
        detail.update(rounds=rounds, spread=_spread(seconds[f"{name} full"]))
    return found


def _spread(values: list[float]) -> float:
    """How far the rounds lie apart: (largest - smallest) / median."""
    return round((max(values) - min(values)) / median(values), 3)


def _prepared(stage: Stage, fixture: Fixture, name: str, case: Case) -> dict[str, Path]:
    """Files of the conversation with all rows, with one chunk of a row per host, and with none."""
    live = case.of(fixture.live)
    one = live._replace(steps=1)
    return {
        "full": stage.write(name, case.words, live.bodies(case.form, case.chunk_rows)),
        "first": stage.write(name + ".first", case.words, one.bodies(case.form)),
        "empty": stage.write(name + ".empty", case.words, ()),
    }


def _figures(cpu: dict[str, float], peaks: dict[str, float], rows: dict[str, int]) -> dict[str, Any]:
    rates = {name: n / max(cpu[f"{name} full"] - cpu[f"{name} empty"], 1e-3) for name, n in rows.items()}
    later = {name: n / max(cpu[f"{name} full"] - cpu[f"{name} first"], 1e-3) for name, n in rows.items()}
    details = {
        name: {
            "rows_per_cpu_s": round(rates[name]),
            "us_per_row": round(1e6 / rates[name], 2),
            "marginal_us_per_row": round(1e6 / later[name], 2),
            "marginal_ratio": round(later[name] / later[REFERENCE], 2),
            "peak_mb": round(peaks[name], 1),
            "rows": n,
        }
        for name, n in rows.items()
    }
    values = {name: rate / rates[REFERENCE] for name, rate in rates.items()}
    ratios = {name: later[name] / later[RATIOS[name]] for name in rows if name in RATIOS}
    return {**values, **ratios, REFERENCE: rates[REFERENCE], "details": details}

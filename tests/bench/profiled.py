"""Where the time goes: `profile.model`, `profile.pointwise` and so on print the top of cProfile, in us per row.

cProfile makes small functions look dearer than they are: compare shares, not sums.
"""

from __future__ import annotations

import pstats
import subprocess
from pathlib import Path
from typing import NamedTuple, Optional

from bench.fleet import WORDS, Fixture
from bench.rows import METRIC, NARROW, RAW, TRAIN, Fleet, Form
from bench.stage import Stage


class Case(NamedTuple):
    """verb and words of the search, kind of rows, the hosts that are trained or None for the fixture's live rows."""

    verb: str
    words: str
    form: Form
    trained: Optional[Fleet] = None


CASES = {
    "profile.model": Case("adaptdetect", WORDS["model"], NARROW),
    "profile.model.wide": Case("adaptdetect", WORDS["model"], METRIC),
    "profile.model.raw": Case("adaptdetect", WORDS["model"], RAW),
    "profile.pointwise": Case("adaptdetect", WORDS["pointwise"], NARROW),
    "profile.learn": Case("adaptdetect", "cpu by host", NARROW),
    "profile.train": Case("adaptfit", "cpu by host into profiled", TRAIN, Fleet(200, 28 * 288)),
}
TOP = 25


def show(stage: Stage, name: str, rows: int = 200_000, chunk_rows: int = 50_000) -> str:
    """The table of one case. Raises ValueError for a name that is none."""
    if name not in CASES:
        raise ValueError(f"no profile {name!r}; there are {', '.join(CASES)}")
    frames, n = prepared(stage, CASES[name], rows, chunk_rows)
    return table(recorded(stage, CASES[name].verb, frames), n)


def prepared(stage: Stage, case: Case, rows: int, chunk_rows: int = 50_000) -> tuple[Path, int]:
    """The file of one search, and how many rows it holds."""
    fixture = Fixture(stage, rows)
    fixture.train()
    fleet = case.trained or fixture.live
    return stage.write("profiled", case.words, fleet.bodies(case.form, chunk_rows)), fleet.rows


def recorded(stage: Stage, verb: str, frames: Path) -> pstats.Stats:
    """cProfile of the script; all requests wait in the pipe."""
    python, script = stage.script(verb)
    out = stage.path / "profile.out"
    with open(frames, "rb") as requests:
        command = [python, "-m", "cProfile", "-o", str(out), script]
        subprocess.run(command, stdin=requests, stdout=subprocess.DEVNULL, env=stage.environment, check=True)
    return pstats.Stats(str(out))


def table(stats: pstats.Stats, rows: int) -> str:
    """The functions with the most time of their own."""
    found = stats.stats  # type: ignore[attr-defined]
    top = sorted(found.items(), key=lambda item: -item[1][2])[:TOP]
    lines = [f"{'own us/row':>10} {'with callees':>12} {'calls':>9}  function"]
    for (path, line, name), (_, calls, own, total, _) in top:
        where = f"{Path(path).parent.name}/{Path(path).name}:{line}" if line else ""
        lines.append(f"{own / rows * 1e6:10.3f} {total / rows * 1e6:12.3f} {calls:9d}  {where} {name}".rstrip())
    everything = sum(item[2] for item in found.values())
    return "\n".join([*lines, f"{everything / rows * 1e6:10.3f} {'':12} {'':9}  all, {rows} rows"])

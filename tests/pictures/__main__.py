"""`python build.py pictures`: scores the sample, finds the cases, draws docs/images/*.svg, fills docs/detection.md."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Callable, Optional

from demo.fleet import hosts
from demo.run import DemoFailed, ask, say, told
from searchhead.table import Table

from pictures import alerts, page, quiet, rhythm
from pictures.cases import Case, Seen
from pictures.drawing import picture
from tools import package

DOCS = package.ROOT / "docs"
SEARCH = "| inputlookup sample_hosts | adaptdetect m* by host"
MOST_BYTES = 60_000
#: name of the picture -> the rule that finds its case
RULES: dict[str, Callable[[list[Seen]], Optional[Case]]] = {
    "band": quiet.band,
    "alert": alerts.strongest,
    "together": alerts.together,
    "spike": quiet.spike,
    "habit": quiet.habit,
    "alone": quiet.alone,
    "nightly": rhythm.nightly,
    "stays": alerts.stays,
    "newcomer": rhythm.newcomer,
    "missed": alerts.missed,
}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="build.py pictures", description=__doc__)
    parser.add_argument("--to", type=Path, default=DOCS, help="folder with detection.md; images/ is made below it")
    options = parser.parse_args(argv)
    started = time.perf_counter()
    try:
        table = scored()
    except DemoFailed as failure:
        say(f"The pictures were not made. {failure}")
        return 1
    cases = choose([Seen(host) for host in hosts(table)])
    write(cases, options.to)
    say(f"Done in {time.perf_counter() - started:.0f} s.")
    return 0


def scored() -> Table:
    """Every host of the sample, defaults, without a model: what `adaptdetect m* by host` answers. Raises DemoFailed."""
    with tempfile.TemporaryDirectory(prefix="adaptive_pictures_") as folder:
        app = package.stage(Path(folder))
        say(f"$ {SEARCH}")
        result = ask(app, SEARCH)
        told(result)
        return result.table


def choose(fleet: list[Seen]) -> dict[str, Case | None]:
    """The case of every rule."""
    return {name: rule(fleet) for name, rule in RULES.items()}


def write(cases: dict[str, Case | None], folder: Path) -> None:
    """Pictures and page. A picture whose rule finds nothing is removed."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for name, case in cases.items():
        path = folder / "images" / f"{name}.svg"
        if case is None:
            path.unlink(missing_ok=True)
            say(f"{name}: the sample holds no such case")
            continue
        text = picture(case)
        if len(text.encode()) > MOST_BYTES:
            raise ValueError(f"{path.name} has {len(text.encode())} bytes; at most {MOST_BYTES}")
        path.write_text(text, encoding="utf-8")
        say(f"{name}: {case.host.name}, {case.figures}")
    target = folder / "detection.md"
    if target.exists():
        target.write_text(page.filled(target.read_text(encoding="utf-8"), cases), encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())

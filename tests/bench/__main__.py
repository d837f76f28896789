"""`python -m bench [id or prefix ...]`: measures, prints, writes dist/bench.json, compares with the baseline."""

from __future__ import annotations

import argparse
import importlib
import signal
import sys
from pathlib import Path
from typing import Any

from bench import catalogue, profiled, report
from bench.stage import ROOT, Stage
from bench.talk import Failed

MODULES = {
    "speed": "speed",
    "start": "startup",
    "train": "training",
    "size": "sizes",
    "memory": "memory",
    "estate": "estate",
    "mapreduce": "mapreduce",
    "quality": "quality",
    "budget": "budget",
    "attribution": "attribution",
}
OUT = ROOT / "dist" / "bench.json"


def main(words: list[str]) -> int:
    """0 when everything that was asked for could be measured, whatever the figures say."""
    args = arguments(words)
    if "list" in args.ids:
        return _listed()
    profiles = [word for word in args.ids if word.startswith("profile")]
    ids = [word for word in args.ids if word not in profiles]
    try:
        wanted = catalogue.chosen(ids) if ids or not profiles else []
        with Stage() as stage:
            for name in profiles:
                print(profiled.show(stage, name))
            return _measured(stage, wanted, args) if wanted else 0
    except (ValueError, Failed) as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1


def arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument(
        "ids",
        nargs="*",
        help=f"scenario ids or prefixes, or {', '.join(profiled.CASES)}; default {', '.join(catalogue.QUICK)}",
    )
    parser.add_argument("--rows", type=int, help="rows per speed scenario")
    parser.add_argument(
        "--rounds", type=int, help="rounds of the speed scenarios, at least 3 for a figure worth keeping"
    )
    parser.add_argument("--data", type=Path, help="folder with data/ and evaluate/; default ../shared")
    parser.add_argument("--accept", action="store_true", help="make the figures the new baseline")
    return parser.parse_args(words)


def _measured(stage: Stage, wanted: list[str], args: argparse.Namespace) -> int:
    values: dict[str, float] = {}
    details: dict[str, Any] = {}
    for group, module in MODULES.items():
        mine = [name for name in wanted if catalogue.BY_ID[name].group == group]
        if not mine:
            continue
        found = importlib.import_module(f"bench.{module}").measure(stage, mine, **_options(group, args))
        details[group] = found.pop("details", {})
        values.update({name: found[name] for name in catalogue.BY_ID if name in found})
        for text in details[group].get("skipped", ()):
            print(text)
    before = report.read(report.BASELINE).get(report.PYTHON, {})
    print(f"Python {report.PYTHON}")
    print("\n".join(report.lines(values, before)))
    report.write(OUT, values, details)
    print(f"written to {OUT.relative_to(ROOT)}")
    if args.accept:
        report.accept(values)
    return 0


def _options(group: str, args: argparse.Namespace) -> dict[str, Any]:
    """What the command line says about that group."""
    data = {"folder": args.data}
    speed = {"rows": args.rows, "rounds": args.rounds}
    given = {"speed": speed, "mapreduce": speed, "quality": data, "attribution": data}.get(group, {})
    return {name: value for name, value in given.items() if value is not None}


def _listed() -> int:
    for scenario in catalogue.SCENARIOS:
        print(f"{scenario.id:34} {scenario.unit:14} {scenario.better:5} {scenario.what}")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the scratch folder is removed
    sys.exit(main(sys.argv[1:]))

"""`python -m bench [id or prefix ...]`: measures, prints, writes dist/bench.json, compares with the baseline.

Words instead of ids: `list` prints the ids, `profile.<case>` a table of where the time goes, `flame.<case>` draws it,
`page` writes docs/performance.md from the figures that are there.
"""

from __future__ import annotations

import argparse
import importlib
import signal
import sys
from pathlib import Path
from typing import Any

from bench import catalogue, flame, performance, profiled, report
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
    "coldstart": "coldstart",
    "backtest": "backtest",
    "feedback": "feedback",
}
OUT = ROOT / "dist" / "bench.json"


def main(words: list[str]) -> int:
    """0 when everything that was asked for could be measured, whatever the figures say."""
    args = arguments(words)
    if "list" in args.ids:
        return _listed()
    words = [word for word in args.ids if word == "page" or word.startswith(("profile", flame.PREFIX))]
    ids = [word for word in args.ids if word not in words]
    try:
        wanted = catalogue.chosen(ids) if ids or not words else []
        if wanted or words != ["page"]:
            with Stage(args.earlier or ROOT) as stage:
                for name in words:
                    _shown(stage, name, args)
                if wanted:
                    _measured(stage, wanted, args)
        if "page" in words:
            print("\n".join(performance.write(performance.Figures.read(OUT))))
        return 0
    except (ValueError, Failed) as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1


def arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument(
        "ids",
        nargs="*",
        help=f"scenario ids or prefixes (default {', '.join(catalogue.QUICK)}), or list, page, "
        f"{', '.join([*profiled.CASES, *flame.names()])}",
    )
    parser.add_argument("--rows", type=int, help="rows per speed scenario, of memory.stream, of a flame graph")
    parser.add_argument("--rounds", type=int, help="runs behind a median; at least 3 for a figure worth keeping")
    parser.add_argument(
        "--earlier",
        type=Path,
        help="folder with bin/ of an earlier version: measures that, for the column before of docs/performance.md",
    )
    parser.add_argument("--data", type=Path, help="folder with data/ and evaluate/; default ../shared")
    parser.add_argument("--accept", action="store_true", help="make the figures the new baseline")
    return parser.parse_args(words)


def _shown(stage: Stage, name: str, args: argparse.Namespace) -> None:
    """A profile, or a flame graph."""
    if name.startswith(flame.PREFIX):
        mark = "_before" if args.earlier else ""
        path, told = flame.draw(stage, name, OUT.parent, args.rows or 1_000_000, mark)
        report.write(performance.BEFORE if args.earlier else OUT, {}, {"flame": {name: told}})
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")
    elif name != "page":
        print(profiled.show(stage, name))


def _measured(stage: Stage, wanted: list[str], args: argparse.Namespace) -> None:
    values: dict[str, float] = {}
    out = performance.BEFORE if args.earlier else OUT
    for group, module in MODULES.items():
        mine = [name for name in wanted if catalogue.BY_ID[name].group == group]
        if not mine:
            continue
        found = importlib.import_module(f"bench.{module}").measure(stage, mine, **_options(group, args))
        details = found.pop("details", {})
        figures = {name: found[name] for name in catalogue.BY_ID if name in found}
        report.write(out, figures, {} if args.earlier else {group: details})  # at once: what follows may fail
        values.update(figures)
        for text in details.get("skipped", ()):
            print(text)
    before = report.read(report.BASELINE).get(report.PYTHON, {})
    print(f"Python {report.PYTHON}")
    print("\n".join(report.lines(values, before)))
    print(f"written to {out.relative_to(ROOT)}")
    if args.accept and not args.earlier:
        report.accept(values)


def _options(group: str, args: argparse.Namespace) -> dict[str, Any]:
    """What the command line says about that group."""
    data = {"folder": args.data}
    speed = {"rows": args.rows, "rounds": args.rounds}
    given = {
        "speed": speed,
        "mapreduce": speed,
        "start": {"times": args.rounds},
        "estate": {"times": args.rounds},
        "train": {"rounds": args.rounds},
        "memory": {"rows": args.rows},
        "quality": data,
        "attribution": data,
        "coldstart": data,
        "backtest": data,
        "feedback": data,
    }.get(group, {})
    return {name: value for name, value in given.items() if value is not None}


def _listed() -> int:
    for scenario in catalogue.SCENARIOS:
        print(f"{scenario.id:34} {scenario.unit:14} {scenario.better:5} {scenario.what}")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the scratch folder is removed
    sys.exit(main(sys.argv[1:]))

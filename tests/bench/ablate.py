"""`python build.py ablation`: what each ingredient of the detector is worth, written to docs/ablation.md.

Limits: development data, on which the defaults were chosen; the check that leaves one data set out says how much of
the figures is owed to that choice, among the alternatives it was given.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any

from bench import ablation_page, labelled, quality, variants
from bench.ablation import ALTERNATIVES, DEFAULT, INGREDIENTS, Variant
from bench.stage import ROOT

PAGE = ROOT / "docs" / "ablation.md"
DIST = ROOT / "dist"
WAYS = ("learn", "model")
Figures = dict[str, dict[str, dict[str, float]]]  # way -> data set -> figure -> value
Results = dict[str, Figures]  # by the variant's name


def main(words: list[str]) -> int:
    """Runs all variants and writes the page; a part of them goes to dist/ and leaves the page as it is."""
    args = arguments(words)
    started = time.monotonic()
    try:
        paths, ingredients = chosen(args.part, args.data)
        alternatives = [] if ingredients != INGREDIENTS else ALTERNATIVES
        wanted = plan(ingredients, alternatives)
    except LookupError as failure:
        print(f"ablation: {failure.args[0]}", file=sys.stderr)
        return 1
    loaded = [variants.load(path) for path in paths]
    print(f"{len(loaded)} data sets read after {time.monotonic() - started:.0f} s", flush=True)
    results = measured(loaded, wanted, args.data, args.processes)
    for each in (*ingredients, *alternatives):
        results.setdefault(each.name, results[wanted[variants.key(each)][0].name])
    target = args.to or (DIST / "ablation.md" if args.part else PAGE)
    _write(target, ablation_page.text(loaded, ingredients, alternatives, results))
    _write(DIST / "ablation.json", json.dumps(results, indent=1) + "\n")
    print(f"written to {target.name} after {time.monotonic() - started:.0f} s")
    return 0


def arguments(words: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="build.py ablation", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("part", nargs="*", help="only these data sets, only ingredients with these words in their name")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared", help="folder with data/ and evaluate/")
    parser.add_argument("--processes", type=int, default=2, help="working processes")
    parser.add_argument("--to", type=Path, help="another page than docs/ablation.md")
    return parser.parse_args(words)


def chosen(part: list[str], folder: Path) -> tuple[list[Path], list[Variant]]:
    """Files and ingredients; without development data the sample that ships with the app. Raises LookupError."""
    files = labelled.development(folder) or {"sample": quality.SAMPLE}
    words = [word for word in part if word not in files]
    ingredients = [each for each in INGREDIENTS if not words or any(word in each.name for word in words)]
    for word in words:
        if not any(word in each.name for each in ingredients):
            raise LookupError(f'"{word}" is no data set ({", ".join(files)}) and in no name of an ingredient')
    return [path for name, path in files.items() if not set(part) & set(files) or name in part], ingredients


def plan(
    ingredients: Sequence[Variant], alternatives: Sequence[Variant]
) -> dict[tuple[Any, ...], tuple[Variant, tuple[str, ...]]]:
    """What is run, each engine once: ingredients in both ways of reading, further alternatives in one causal pass."""
    out: dict[tuple[Any, ...], tuple[Variant, tuple[str, ...]]] = {}
    for some, ways in (((DEFAULT, *ingredients), WAYS), (alternatives, WAYS[:1])):
        for each in some:
            out.setdefault(variants.key(each), (each, ways))
    return out


def measured(
    loaded: list[variants.Loaded],
    wanted: dict[tuple[Any, ...], tuple[Variant, tuple[str, ...]]],
    folder: Path,
    processes: int,
) -> Results:
    """Every variant on every data set."""
    context = multiprocessing.get_context("spawn")  # the same on every system, and safe with numpy's threads
    with ProcessPoolExecutor(processes, context, variants.begin, (loaded, folder)) as pool:
        jobs = [
            (variant, {data.name: pool.submit(variants.work, data.name, variant, ways) for data in loaded})
            for variant, ways in wanted.values()
        ]
        return {variant.name: _collected(variant, futures) for variant, futures in jobs}


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _collected(variant: Variant, futures: dict[str, Future[Any]]) -> Figures:
    out: Figures = {}
    for name, future in futures.items():
        for way, figures in future.result().items():
            out.setdefault(way, {})[name] = figures
    means = ", ".join(f"{way} {ablation_page.mean(each, 'f1'):.3f}" for way, each in out.items())
    print(f"{variant.name:28} mean F1 {means}", flush=True)
    return out


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`python -m bench.guard`: exit code 1 when detection on the shipped sample has become worse than what was accepted.

Mean of F1 by event in one causal pass and with stored models, against guard.json. `--accept` writes that file.
Limits: one sample of 54 incidents: it notices what breaks, not what a tenth of a point costs; the bench has the rest.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Optional

from bench import quality
from bench.stage import Stage
from bench.talk import Failed

ACCEPTED = Path(__file__).resolve().parent / "guard.json"
IDS = ("quality.learn.sample.f1", "quality.model.sample.f1")
ALLOWED = 0.02  # fall of the mean F1: about one incident more missed in each way of reading


def main(words: list[str], accepted: Path = ACCEPTED) -> int:
    """0 when the mean F1 is no more than ALLOWED below the accepted one."""
    parser = argparse.ArgumentParser(prog="build.py guard", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--accept", action="store_true", help="make what is measured now the accepted values")
    args = parser.parse_args(words)
    try:
        found = measured()
    except Failed as failure:
        print(f"guard: a search failed: {failure}", file=sys.stderr)
        return 1
    if args.accept:
        accepted.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(f"guard: accepted: {shown(found)}")
        return 0
    before = json.loads(accepted.read_text(encoding="utf-8")) if accepted.is_file() else None
    code, sentence = verdict(found, before)
    print(f"guard: {sentence}", file=sys.stderr if code else sys.stdout)
    return code


def measured() -> dict[str, float]:
    """F1 of both ways of reading and their mean, by the real scripts, on the sample alone."""
    with Stage() as stage:
        found = quality.measure(stage, list(IDS), folder=stage.path)  # a folder without development data
    values = {name: round(float(found[name]), 4) for name in IDS}
    return {**values, "mean": round(sum(values.values()) / len(values), 4)}


def verdict(found: dict[str, float], accepted: Optional[dict[str, float]]) -> tuple[int, str]:
    """Exit code and what to say."""
    if accepted is None:
        return 1, "there are no accepted values yet; `python3 build.py guard --accept` writes them"
    change = found["mean"] - accepted["mean"]
    both = f"{shown(found)}; accepted: {shown(accepted)}"
    if change < -ALLOWED - 1e-9:
        return 1, (
            f"detection has become worse: mean F1 on the sample fell by {-change:.3f}, more than {ALLOWED:g}. {both}. "
            "Find the change that did it; if it is meant, `python3 build.py guard --accept` and say so in CHANGELOG.md"
        )
    better = "; better: `python3 build.py guard --accept` keeps it" if change > ALLOWED else ""
    return 0, f"detection is as good as accepted: {both}{better}"


def shown(figures: dict[str, float]) -> str:
    """The figures in words."""
    learn, model = (figures[name] for name in IDS)
    return f"mean F1 {figures['mean']:.3f} (as it goes {learn:.3f}, with stored models {model:.3f})"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

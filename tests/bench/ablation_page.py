"""The text of docs/ablation.md, from figures alone: the same figures give the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from bench.ablation import DEFAULT, Variant

HEADINGS = {
    "learn": "In one causal pass (`adaptdetect` without a model)",
    "model": "With stored models (`adaptfit` on the history, `adaptdetect model=` on the rest)",
}
COLUMNS = {
    "recall": "recall",
    "fa_mean": "false alerts",
    "best_f1": "best F1",
    "recall_1": "R@1",
    "vuspr": "VUS-PR",
}
WORDS = """F1 is by event, as in `build.py bench quality`; the mean is over the data sets, and so are the columns behind
it. *recall*: share of incidents found. *false alerts*: false alert events per host-week. *best F1*: the best F1 that
one threshold on the scores of a data set could reach. *R@1*: share of incidents found by the best threshold with at
most one false alert event per host-week. Both thresholds are chosen with the labels and open an alert with one row, so
they judge the scores, not the alert level. *VUS-PR*: area under a precision-recall surface, mean over hosts. – : not
measured."""


class LeftOut(NamedTuple):
    """One data set. chosen: name of what is best on the others; f1: its F1 here; default: F1 here as shipped."""

    dataset: str
    chosen: str
    f1: float
    default: float


def text(loaded: Sequence[Any], ingredients: Sequence[Variant], alternatives: Sequence[Variant], results: Any) -> str:
    """The page. loaded: data sets with name and truths; results: name of a variant -> way -> data set -> figures."""
    names = [data.name for data in loaded]
    parts = [_head(loaded), _ingredients(ingredients)]
    tried = [each.name for each in (DEFAULT, *ingredients)]
    for way, heading in HEADINGS.items():
        rows = [_row(name, results[name][way], results[DEFAULT.name][way]) for name in tried]
        titles = ["taken away", *names, "mean F1", "change", *COLUMNS.values()]
        parts.append(f"## {heading}\n\n{table(titles, rows)}")
    parts.append(_left_out(names, alternatives, results))
    return "\n\n".join(parts) + "\n"


def _head(loaded: Sequence[Any]) -> str:
    series = ", ".join(f"{data.name} ({len(data.truths)} series)" for data in loaded)
    which = (
        "The data sets for development are not here: these are figures of the sample that ships with the app alone, "
        "far fewer incidents than the page should rest on."
        if [data.name for data in loaded] == ["sample"]
        else f"Data: {series}; the history of each series is not judged."
    )
    return (
        "# What each ingredient is worth\n\n"
        "Every row is the detector with one ingredient taken away or one default changed, everything else as shipped. "
        "An ingredient that costs nothing when it goes is a candidate for going.\n\n"
        f"{which}\n\n"
        "This page is generated. `python3 build.py ablation` repeats it (minutes, on two cores; the data lie in "
        "`../shared`); `python3 build.py ablation season NAB ASD` measures a part of it and leaves the page as it is. "
        "The list of ingredients is in `tests/bench/ablation.py`.\n\n"
        f"{WORDS}"
    )


def _ingredients(ingredients: Sequence[Variant]) -> str:
    return "## The ingredients\n\n" + "\n".join(f"- **{each.name}**: {each.what}" for each in ingredients)


def _row(name: str, each: dict[str, dict[str, float]], default: dict[str, dict[str, float]]) -> list[str]:
    f1 = mean(each, "f1")
    change = "" if each is default else f"{f1 - mean(default, 'f1'):+.3f}"
    return [
        name,
        *(shown(figures["f1"]) for figures in each.values()),
        shown(f1),
        change,
        *(shown(mean(each, column)) for column in COLUMNS),
    ]


def mean(each: dict[str, dict[str, float]], figure: str) -> float:
    """Over the data sets that have it; NaN when none has. each: data set -> figures."""
    known = [figures[figure] for figures in each.values() if figures.get(figure, np.nan) == figures.get(figure)]
    return float(np.mean(known)) if known else float("nan")


def shown(value: float) -> str:
    """Three digits; a dash for what was not measured."""
    return f"{value:.3f}" if value == value else "–"


def table(titles: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown, numbers to the right."""
    lines = [titles, ["---", *["--:"] * (len(titles) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def left_out(names: Sequence[str], alternatives: Sequence[Variant], results: Any) -> list[LeftOut]:
    """For each data set, what is best by mean F1 on the others. As shipped is a candidate, and wins a tie."""
    f1 = {
        each.name: {name: results[each.name]["learn"][name]["f1"] for name in names}
        for each in (DEFAULT, *alternatives)
    }
    out = []
    for name in names:
        others = {variant: np.mean([by[other] for other in names if other != name]) for variant, by in f1.items()}
        chosen = max(others, key=lambda variant: round(float(others[variant]), 9))
        out.append(LeftOut(name, chosen, f1[chosen][name], f1[DEFAULT.name][name]))
    return out


def _left_out(names: Sequence[str], alternatives: Sequence[Variant], results: Any) -> str:
    title = "## Were the defaults chosen for these data?\n\n"
    if len(names) < 2 or not alternatives:
        return title + "This check leaves one data set out; it needs at least two, and alternatives. It was not run."
    found = left_out(names, alternatives, results)
    chosen, default = (float(np.mean([getattr(one, name) for one in found])) for name in ("f1", "default"))
    found.append(LeftOut("mean", "", chosen, default))
    rows = [[*one[:2], shown(one.f1), shown(one.default), f"{one.f1 - one.default:+.3f}"] for one in found]
    tried = "; ".join(each.name for each in alternatives)
    return (
        f"{title}For each data set, the setting with the best mean F1 on all the *others* is applied to it, in one "
        "causal pass. Where it does as well as the default, the default owes nothing to that data set; where it does "
        f"much worse, the default was made for it.\n\nCandidates: as shipped; {tried}.\n\n"
        + table(["data set", "best on the others", "F1", "F1 as shipped", "difference"], rows)
    )

"""docs/performance.md: the words of performance.in.md with measured figures. The same figures give the same bytes.

In the words: NOW(id) and BEFORE(id) are figures of Python 3.13, NOW(3.9 id) of another; GAIN(id) how many times
better; CALC(name) a sum of capacity.py; DETAIL(group/name/what) a detail of dist/bench.json. On lines of their own:
TABLE(prefix …), scenarios; PROFILE(flame.case), the functions that take the most time, and the rooms of the app.
What was not measured stays in the page as it is written here, so that nobody takes it for a figure.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, Optional

from bench import capacity, catalogue, report
from bench.catalogue import BY_ID, MORE, Scenario
from bench.stage import ROOT

WORDS = Path(__file__).resolve().parent / "performance.in.md"
#: Figures of the version before the work on speed; absolute times too, measured on the same machine.
BEFORE = Path(__file__).resolve().parent / "before.json"
PAGE = ROOT / "docs" / "performance.md"
MAIN, OTHER = "3.13", "3.9"
PLACE = re.compile(r"(NOW|BEFORE|GAIN|CALC|DETAIL)\(([^()]*)\)")
TABLE = re.compile(r"^(TABLE|PROFILE)\(([^()]*)\)$", re.M)
PICTURE = re.compile(r"\((images/(flame_\w+\.svg))\)")
#: What the README says, between two marks.
README = ROOT / "README.md"
BLOCK = re.compile(r"(<!-- figures: [^>]*-->\n).*?(<!-- /figures -->)", re.S)
SHORT = """\
- A scoring process takes NOW(speed.model.narrow) times as many rows per CPU second, NOW(speed.model.raw) times
  with `_raw`; on indexers (`pointwise=true`) NOW(speed.pointwise.narrow) times.
- 25,000 series in one scheduled search: NOW(estate.scheduled.wall) s, NOW(estate.scheduled.memory) MB. Half a core
  scores some CALC(series_per_core) series every five minutes.
- Training 10,000 series of 60 days (173 million points): NOW(train.large.wall) s, NOW(train.large.memory) MB;
  the cost grows with series to the power of NOW(train.exponent).
- DETAIL(memory/stream/rows) rows through one search: NOW(memory.stream.rss) MB at the end, NOW(memory.stream.growth)
  times what it was after one million.
- 1,000 hosts with one metric: CALC(models_mb_day) MB of models, CALC(bounds_mb_day) MB of bounds in the bundle.
"""
TITLES = ["id", "what", "unit", "before", "now", "times better", "target", f"before, {OTHER}", f"now, {OTHER}"]
NONE = "–"
#: Functions in a table of where the time goes.
DEAREST = 12


class Figures(NamedTuple):
    """now, before: Python -> id -> value; details, told_before: Python -> group -> what is told beside the figures."""

    now: dict[str, dict[str, float]]
    before: dict[str, dict[str, float]]
    details: dict[str, dict[str, Any]]
    told_before: dict[str, dict[str, Any]]

    @classmethod
    def read(cls, path: Path) -> Figures:
        """Those of a file of the bench, and those kept of the version before."""
        now, before = report.read(path), report.read(BEFORE)
        return cls(
            {python: section["figures"] for python, section in now.items()},
            {python: section["figures"] for python, section in before.items()},
            {python: section["details"] for python, section in now.items()},
            {python: section["details"] for python, section in before.items()},
        )


def write(
    figures: Figures, page: Path = PAGE, pictures: Path = ROOT / "dist", readme: Optional[Path] = README
) -> list[str]:
    """Writes the page and copies the flame graphs that it shows, and writes the figures of the README.

    Returns lines that say so, and what is missing.
    """
    filled = text(WORDS.read_text(encoding="utf-8"), figures)
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(filled, encoding="utf-8")
    lines = [f"written to {page.name}"]
    for target, name in PICTURE.findall(filled):
        if (pictures / name).is_file():
            (page.parent / target).parent.mkdir(exist_ok=True)
            shutil.copyfile(pictures / name, page.parent / target)
            lines.append(f"copied {name}")
    if readme is not None:
        short = text(SHORT, figures)
        old = readme.read_text(encoding="utf-8")
        readme.write_text(BLOCK.sub(lambda found: found[1] + short + found[2], old), encoding="utf-8")
        lines.append(f"figures written into {readme.name}")
    missing = dict.fromkeys(found.group(0) for found in PLACE.finditer(filled))
    return [*lines, f"not measured: {', '.join(missing) or 'nothing'}"]


def text(words: str, figures: Figures) -> str:
    """The page. Raises ValueError for a place that names no scenario, no sum, no detail."""
    tables = {"TABLE": _table, "PROFILE": _profile}
    tabled = TABLE.sub(lambda found: tables[found.group(1)](found.group(2).split(), figures), words)
    return PLACE.sub(lambda found: _place(found.group(1), found.group(2), figures) or found.group(0), tabled)


def _place(kind: str, what: str, figures: Figures) -> Optional[str]:
    """A figure as it stands in the page; None when it was not measured."""
    if kind == "CALC":
        return _sum(what, figures)
    if kind == "DETAIL":
        return _detail(what.split("/"), figures)
    python, _, name = what.rpartition(" ")
    if name not in BY_ID:
        raise ValueError(f'{kind}({what}): no scenario "{name}"')
    python = python or MAIN
    now, before = (section.get(python, {}).get(name) for section in (figures.now, figures.before))
    if kind == "GAIN":
        return _gain(BY_ID[name], now, before)
    value = now if kind == "NOW" else before
    return None if value is None else shown(value)


def _sum(name: str, figures: Figures) -> Optional[str]:
    if name not in capacity.SUMS:
        raise ValueError(f'CALC({name}): no sum "{name}"')
    try:
        return shown(float(f"{capacity.value(name, figures.now.get(MAIN, {})):.4g}"))
    except (KeyError, ZeroDivisionError):
        return None


def _detail(path: list[str], figures: Figures) -> Optional[str]:
    found: Any = figures.details.get(MAIN, {})
    for step in path:
        if not isinstance(found, dict) or step not in found:
            return None
        found = found[step]
    if isinstance(found, dict):
        return ", ".join(f"{int(key):,}: {shown(value)}" for key, value in found.items())
    return shown(found) if isinstance(found, (int, float)) else str(found)


def _gain(scenario: Scenario, now: Optional[float], before: Optional[float]) -> Optional[str]:
    if not now or not before:
        return None
    return shown(now / before if scenario.better == MORE else before / now)


def _table(prefixes: Iterable[str], figures: Figures) -> str:
    names = [name for prefix in prefixes for name in catalogue.chosen([prefix])]
    rows = [_row(BY_ID[name], figures) for name in dict.fromkeys(names)]
    return _lines([TITLES, ["---", "---", "---", *["--:"] * (len(TITLES) - 3)], *rows])


def _lines(rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _profile(names: Iterable[str], figures: Figures) -> str:
    """Own time of functions and rooms, now and before, in percent of each run; the dearest of now first."""
    rows = [["time of its own, % of the run", "before", "now"], ["---", "--:", "--:"]]
    for name in names:
        before, now = (
            told.get(MAIN, {}).get("flame", {}).get(name, {}) for told in (figures.told_before, figures.details)
        )
        for kind in ("rooms", "own"):
            then, shares = before.get(kind, {}), now.get(kind, {})
            for what in dict.fromkeys([*list(shares)[:DEAREST], *list(then)[: DEAREST // 2]]):
                cells = (shown(part[what]) if what in part else NONE for part in (then, shares))
                rows.append([f"all of {what}" if kind == "rooms" else f"`{what}`", *cells])
    return _lines(rows)


def _row(scenario: Scenario, figures: Figures) -> list[str]:
    name = scenario.id
    sign = "≥" if scenario.better == MORE else "≤"
    return [
        f"`{name}`",
        scenario.what,
        scenario.unit,
        _place("BEFORE", name, figures) or NONE,
        f"**{_place('NOW', name, figures) or f'NOW({name})'}**",
        _place("GAIN", name, figures) or NONE,
        "" if scenario.target is None else f"{sign} {shown(scenario.target)}",
        _place("BEFORE", f"{OTHER} {name}", figures) or NONE,
        _place("NOW", f"{OTHER} {name}", figures) or NONE,
    ]


def shown(value: float) -> str:
    """Three digits, thousands with commas: as many as the measurements carry."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"

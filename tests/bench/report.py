"""The table, dist/bench.json, and the comparison with baseline.json (informative: nothing fails because of it).

Both files hold one section per Python. The baseline holds ratios, sizes and quality, never absolute times.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Optional

from bench.catalogue import BY_ID, MORE, Scenario

BASELINE = Path(__file__).resolve().parent / "baseline.json"
PYTHON = "%d.%d" % sys.version_info[:2]
#: Changes below this share are noise: CPU ratios on a shared machine vary by 5 to 10 %, the rest hardly.
NOISE = {"x": 0.1, "MB": 0.1}


def verdict(scenario: Scenario, value: float, before: Optional[float]) -> str:
    """Better or worse than the baseline, and by how much; '' when it cannot be said."""
    if before is None or not scenario.compared:
        return ""
    change = value - before
    if abs(change) <= NOISE.get(scenario.unit, 0.005) * abs(before) + 1e-9:
        return "same"
    size = f"{100 * change / abs(before):+.0f} %" if before else f"{change:+.3g}"
    return f"{'better' if (change > 0) == (scenario.better == MORE) else 'worse'} {size}"


def lines(values: dict[str, float], before: dict[str, float]) -> list[str]:
    """One line per figure."""
    out = [f"{'id':34} {'value':>10}  {'unit':14} {'target':>10} {'':7} {'baseline':20} what"]
    for name, value in values.items():
        scenario = BY_ID[name]
        met = scenario.met(value)
        target = "" if scenario.target is None else f"{'>=' if scenario.better == MORE else '<='} {scenario.target:g}"
        word = {None: "", True: "met", False: "MISSED"}[met]
        said = verdict(scenario, value, before.get(name))
        head = f"{name:34} {shown(value):>10}  {scenario.unit:14} {target:>10} {word:7} {said:20}"
        out.append(f"{head} {scenario.what}")
    return out


def shown(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def read(path: Path) -> dict[str, Any]:
    """Python -> section; {} when there is none yet."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def write(path: Path, values: dict[str, float], details: dict[str, dict[str, Any]]) -> None:
    """Puts what was measured into the section of this Python; what was not measured stays as it was."""
    everything = read(path)
    section = everything.setdefault(PYTHON, {"figures": {}, "details": {}})
    section["figures"].update({name: _short(value) for name, value in values.items()})
    for group, found in details.items():
        section["details"].setdefault(group, {}).update(found)
    _save(path, everything)


def accept(values: dict[str, float], path: Path = BASELINE) -> None:
    """Makes these figures the baseline of this Python, but for absolute times."""
    everything = read(path)
    section = everything.setdefault(PYTHON, {})
    section.update({name: _short(value) for name, value in values.items() if BY_ID[name].compared})
    order = {name: place for place, name in enumerate(BY_ID)}
    everything[PYTHON] = {name: section[name] for name in sorted(section, key=lambda name: order.get(name, len(order)))}
    _save(path, everything)


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def _save(path: Path, everything: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(everything, indent=1) + "\n", encoding="utf-8")

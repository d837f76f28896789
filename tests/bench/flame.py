"""Where the time goes, as a picture: `flame.model`, `flame.pointwise` and so on write dist/flame_<case>.svg.

Time runs to the right as share of the whole, calls go down: a function stands below its caller, as wide as the time
spent in it and in what it calls. Functions of the same caller are sorted by their names, not by time.
"""

from __future__ import annotations

import json
import subprocess
from html import escape
from pathlib import Path
from typing import NamedTuple, Optional

from bench.profiled import CASES, prepared
from bench.stage import Stage

SAMPLER = Path(__file__).resolve().parent / "sampler.py"
PREFIX = "flame."
WIDTH, BAR, TOP, LETTER = 1000.0, 17, 46, 6.3
#: Narrower bars are left out: nobody can see them, and the file stays small.
LEAST = 0.0025
ROOMS = {
    "protocol": "#9ecae9",
    "commands": "#b8e0a5",
    "engine": "#ffbf79",
    "bounds": "#d6b5e6",
    "store": "#f2a6a0",
    "": "#d9d9d9",
}
OTHERS, IMPORT = "Python and libraries", "import"


class Node(NamedTuple):
    """One function at one place of the tree. name: module.function; room: of the app, '' for others."""

    name: str
    room: str
    count: int
    below: list[Node]


class Title(NamedTuple):
    """What was run; rows that went through it."""

    what: str
    rows: int


def draw(
    stage: Stage, name: str, folder: Path, rows: int = 1_000_000, mark: str = ""
) -> tuple[Path, dict[str, dict[str, float]]]:
    """Runs one case, writes its picture, says what took the most time. mark: behind the name of the file.

    Returns the file, and the shares in percent of the dearest functions ("own") and of the rooms ("rooms").

    Raises ValueError for a name that is none.
    """
    case = CASES.get("profile." + name[len(PREFIX) :])
    if case is None:
        raise ValueError(f"no flame graph {name!r}; there are {', '.join(names())}")
    frames, n = prepared(stage, case, rows)
    stacks = sampled(stage, case.verb, frames)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name.replace('.', '_')}{mark}.svg"
    root = tree(stacks)
    path.write_text(svg(root, Title(f"{case.verb} {case.words}", n)), encoding="utf-8")
    return path, {"own": own(root), "rooms": own(root, rooms=True)}


def own(root: Node, rooms: bool = False, top: int = 40) -> dict[str, float]:
    """Percent of the whole that functions, or the rooms these are in, take themselves; largest first.

    What they call in numpy and in Python's library counts as theirs. Imports stand for themselves.
    """
    counts: dict[str, int] = {}

    def visit(node: Node, owner: str) -> None:
        if node.room:
            owner = node.room if rooms else node.name
        elif node.name == IMPORT:
            owner = IMPORT
        counts[owner] = counts.get(owner, 0) + node.count - sum(below.count for below in node.below)
        for below in node.below:
            visit(below, owner)

    visit(root, OTHERS)
    largest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:top]
    return {name: round(100 * count / root.count, 1) for name, count in largest if count}


def names() -> list[str]:
    """What can be drawn: what can be profiled."""
    return [PREFIX + name.split(".", 1)[1] for name in CASES]


def sampled(stage: Stage, verb: str, frames: Path) -> list[tuple[list[list[str]], int]]:
    """Stacks of the script and how often each was met; all requests wait in a file."""
    python, script = stage.script(verb)
    out = stage.path / "samples.json"
    with open(frames, "rb") as requests:
        command = [python, str(SAMPLER), str(out), script]
        subprocess.run(command, stdin=requests, stdout=subprocess.DEVNULL, env=stage.environment, check=True)
    found: list[tuple[list[list[str]], int]] = json.loads(out.read_text(encoding="utf-8"))
    return found


def tree(stacks: list[tuple[list[list[str]], int]]) -> Node:
    """All stacks as one tree. Imports are one bar each, what starts the script is left out."""
    total = sum(count for _, count in stacks)
    return Node("all", "", total, _below([(_named(stack), count) for stack, count in stacks]))


def _below(stacks: list[tuple[list[tuple[str, str]], int]]) -> list[Node]:
    groups: dict[tuple[str, str], list[tuple[list[tuple[str, str]], int]]] = {}
    for stack, count in stacks:
        if stack:
            groups.setdefault(stack[0], []).append((stack[1:], count))
    return [
        Node(name, room, sum(count for _, count in inner), _below(inner))
        for (name, room), inner in sorted(groups.items())
    ]


def _named(stack: list[list[str]]) -> list[tuple[str, str]]:
    """(name, room) of the functions, from the first one of the app's scripts on."""
    out: list[tuple[str, str]] = []
    started = False
    for path, function in stack:
        started = started or Path(path).parent.name == "bin"
        if not started:
            continue
        if "importlib" in path:
            return [*out, (IMPORT, "")]
        name = f"{Path(path).stem}.{function}".replace(".<module>", "")
        if not out or out[-1][0] != name:  # recursion is one bar
            out.append((name, _room(path)))
    return out


def _room(path: str) -> str:
    parts = Path(path).parts
    if "adaptive_monitoring" not in parts:
        return ""
    room = parts[len(parts) - parts[::-1].index("adaptive_monitoring")]
    return room if room in ROOMS else ""


def svg(root: Node, title: Title) -> str:
    """The picture. Without script or font of its own, so that it shows wherever pictures show."""
    bars: list[str] = []
    height = TOP + BAR * (1 + _draw(bars, root, 0.0, 0, root.count)) + 6
    # Waiting for a busy machine is in the samples too: time is told as shares, rates are measured elsewhere.
    head = f"{title.what}: {title.rows:,} rows, {root.count:,} samples, one a millisecond"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {height}" width="{WIDTH:.0f}" '
            f'height="{height}" font-family="monospace" font-size="10.5">',
            "<style>rect{stroke:#fff;stroke-width:.6}text{pointer-events:none}</style>",
            f'<rect width="100%" height="{height}" fill="#fff"/>',
            f'<text x="4" y="15" font-size="13">{escape(head)}</text>',
            *_legend(),
            *bars,
            "</svg>\n",
        ]
    )


def _legend() -> list[str]:
    out, x = [], 4.0
    for room, colour in ROOMS.items():
        words = room or OTHERS
        out.append(f'<rect x="{x:.0f}" y="24" width="12" height="12" fill="{colour}"/>')
        out.append(f'<text x="{x + 16:.0f}" y="34">{words}</text>')
        x += 34 + LETTER * len(words)
    return out


def _draw(bars: list[str], node: Node, x: float, depth: int, total: int) -> int:
    """Adds the bars of a node and of what is below; returns the deepest row used."""
    share = node.count / total
    words = f"{node.name} {100 * share:.1f} %"
    y = TOP + BAR * depth
    bar = f'<rect x="{x:.1f}" y="{y}" width="{WIDTH * share:.1f}" height="{BAR}" fill="{ROOMS[node.room]}"/>'
    text = fitting(words, WIDTH * share)
    inside = f'<text x="{x + 3:.1f}" y="{y + 12}">{escape(text)}</text>' if text else ""
    bars.append(f"<g><title>{escape(words)}</title>{bar}{inside}</g>")
    deepest = depth
    for below in node.below:
        if below.count >= LEAST * total:
            deepest = max(deepest, _draw(bars, below, x, depth + 1, total))
        x += WIDTH * below.count / total
    return deepest


def fitting(words: str, width: float) -> Optional[str]:
    """As much of the words as fits into a bar; None when that says nothing."""
    letters = int((width - 4) / LETTER)
    if letters < 4:
        return None
    return words if len(words) <= letters else words[: letters - 1] + "…"

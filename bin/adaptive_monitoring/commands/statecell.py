"""The state cell of a model row, for people: which parts it has, and what verdicts have eased."""

from __future__ import annotations

CAUSES = ("level", "jump", "shift", "spread", "flat")  # as engine.base.CAUSES, which needs numpy


def parts(state: str) -> dict[str, str]:
    """Name -> numbers, as text. {} for an empty cell; what has no name is left out."""
    return {name: numbers for name, equals, numbers in (part.partition("=") for part in state.split(";")) if equals}


def learned(state: str) -> str:
    """The cell without what verdicts have eased."""
    return ";".join(part for part in state.split(";") if not part.startswith("eased="))


def eased(state: str) -> str:
    """`jump 0.8; level 0.3`: by how much verdicts have eased each kind of deviation, most first; '' when by nothing.

    Decades of evidence, per metric. A cell that is no such list gives ''.
    """
    numbers = parts(state).get("eased", "").split()
    try:
        moves = sorted((-float(number), cause) for number, cause in zip(numbers, CAUSES) if float(number))
    except ValueError:
        return ""
    return "; ".join(f"{cause} {-move:.3g}" for move, cause in moves)

"""What the page looks like: page.css (light and dark, nothing from outside) and the colours of scores."""

from __future__ import annotations

from pathlib import Path

#: (least score, background, text): blue, yellow, orange and red can be told apart by colour-blind eyes too.
CELLS = ((90, "#d43f43", "#ffffff"), (75, "#e0762c", "#14181d"), (50, "#c7a21c", "#14181d"), (25, "#3c79b6", "#ffffff"))


def css() -> str:
    """The style sheet."""
    return (Path(__file__).parent / "page.css").read_text(encoding="utf-8")


def colours(score: float) -> tuple[str, str] | None:
    """(background, text) of a score, None below 25 (or when there is none), which takes the page's own."""
    return next(((back, text) for least, back, text in CELLS if score >= least), None)

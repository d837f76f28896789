"""Pieces of XHTML and SVG as text. Everything that is shown passes through `safe`."""

from __future__ import annotations

import math
import re

#: Not allowed in XML at all, or able to turn the reading order of what stands beside it.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_ENTITIES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#39;"))


def safe(text: str) -> str:
    """Text for any place in the page, attributes too. What XML forbids becomes U+FFFD."""
    text = _FORBIDDEN.sub("\ufffd", text)
    for letter, entity in _ENTITIES:
        text = text.replace(letter, entity)
    return text


def cut(text: str, most: int) -> str:
    """At most so many letters; what is left out is an ellipsis, at a word's end if there is one near."""
    if len(text) <= most:
        return text
    head = text[: most - 1]
    return (head.rsplit(" ", 1)[0] if " " in head[most // 2 :] else head) + "…"


def element(name: str, content: str, kind: str = "") -> str:
    """An element around content that is markup already."""
    return f'<{name} class="{kind}">{content}</{name}>' if kind else f"<{name}>{content}</{name}>"


def svg(width: int, height: int, title: str, content: str) -> str:
    """A drawing that scales with its place. title: plain text, what a reader without eyes is told."""
    name = safe(title)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{name}">'
        f"<title>{name}</title>{content}</svg>"
    )


def written(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    """A line of text in a drawing."""
    end = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text{_class(kind)} x="{place(x)}" y="{place(y)}"{end}>{safe(text)}</text>'


def path(kind: str, d: str) -> str:
    """A line; nothing when there is nothing to draw."""
    return f'<path{_class(kind)} d="{d}"/>' if d else ""


def rect(kind: str, x: float, y: float, width: float, height: float) -> str:
    """A box."""
    return (
        f'<rect{_class(kind)} x="{place(x)}" y="{place(y)}" width="{place(max(width, 0))}" height="{place(height)}"/>'
    )


def place(x: float) -> str:
    """A coordinate, to a tenth."""
    text = f"{x:.1f}"
    return text[:-2] if text.endswith(".0") else text


def ticks(low: float, high: float, most: int) -> list[float]:
    """Round values inside a range, at most so many (1, 2, 5 × 10ⁿ apart)."""
    if not high > low:
        return [low]
    raw = (high - low) / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(n * power for n in (1, 2, 5, 10, 20) if n * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    marks = [n * step for n in range(first, first + 2 * most) if n * step <= high + 1e-9 * step]
    return marks or [low]


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""

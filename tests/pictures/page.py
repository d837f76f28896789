"""Fills the marked blocks of docs/detection.md, between <!-- picture:name --> and <!-- /picture:name -->."""

from __future__ import annotations

import re
import textwrap
from typing import Any

from pictures.cases import Case, clock

WIDTH = 140
KEEP: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False}
NONE = "*The sample holds no such case at the moment.*"


def names(text: str) -> list[str]:
    """The blocks of a page, in order. Raises ValueError for a block without end or a name that is there twice."""
    begun = re.findall(r"<!-- picture:(\w+) -->", text)
    ended = re.findall(r"<!-- /picture:(\w+) -->", text)
    if begun != ended or len(set(begun)) != len(begun):
        raise ValueError(f"picture blocks must begin and end once each, in order; got {begun} and {ended}")
    return begun


def filled(text: str, cases: dict[str, Case | None]) -> str:
    """The page with every block written anew. Raises ValueError when a block has no rule."""
    for name in names(text):
        if name not in cases:
            raise ValueError(f"no rule finds the picture {name}; there are {', '.join(cases)}")
        mark = f"<!-- picture:{name} -->", f"<!-- /picture:{name} -->"
        block = f"{mark[0]}\n{written(cases[name])}\n{mark[1]}"
        text = re.sub(f"{re.escape(mark[0])}.*?{re.escape(mark[1])}", lambda _, new=block: new, text, flags=re.DOTALL)
    return text


def written(case: Case | None) -> str:
    """Image, host, time, sentence and figures of a case, as Markdown."""
    if case is None:
        return NONE
    shown = ", ".join(case.host.metrics[i] for i in case.shown)
    name = safe(case.host.name)
    about = f"*Host {name}, {clock(case.a)} to {clock(case.b)} (UTC).* {around_code(case.figures)}"
    quote = textwrap.fill(around_code(case.told), WIDTH, initial_indent="> ", subsequent_indent="> ", **KEEP)
    alt = f"{case.title}: {name}, {safe(shown)}"
    return f"![{alt}](images/{case.name}.svg)\n\n{textwrap.fill(about, WIDTH, **KEEP)}\n\n{quote}"


def safe(text: str) -> str:
    """Nothing in a name or a reason may become markup."""
    return re.sub(r"([\[\]<>*_|`\\])", r"\\\1", text)


def around_code(text: str) -> str:
    """Safe but for the `names of fields` in it."""
    return "".join(part if i % 2 else safe(part) for i, part in enumerate(re.split(r"(`\w+`)", text)))

"""The few words of SPL that our macros use (eval, lookup, where, fields, table, addinfo), on rows that are dicts.

Limits: an instrument of the tests, written from the documentation of eval. Null is None; a text that is a number counts
as one; null in arithmetic or comparison gives null; null as a condition is false; a division by zero is null.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Callable, Optional, Union

Value = Union[None, float, str]
Row = dict[str, Value]
Expression = Callable[[Mapping[str, Value]], Any]

TOKEN = re.compile(r'\s*(?:(\d+\.?\d*)|"((?:[^"\\]|\\.)*)"|\'([^\']+)\'|([A-Za-z_]\w*)|(<=|>=|!=|==|[-+*/%.()<>=,]))')
WORD = re.compile(r'"([^"]*)"|([^\s,"]+)')


def expand(text: str, macros: Mapping[str, Mapping[str, str]]) -> str:
    """Replaces macros in back quotes, also those inside macros."""
    while "`" in text:
        call = re.search(r"`(\w+)(?:\((.*?)\))?`", text)
        assert call, text
        arguments = [a or b for a, b in re.findall(r'"([^"]*)"|([^\s,"]+)', call.group(2) or "")]
        macro = macros[f"{call.group(1)}({len(arguments)})" if arguments else call.group(1)]
        body = macro["definition"]
        for name, value in zip(macro.get("args", "").split(","), arguments):
            body = body.replace(f"${name.strip()}$", value)
        text = text[: call.start()] + body + text[call.end() :]
    return text


def run(text: str, rows: list[Row], lookups: Optional[Mapping[str, list[dict[str, str]]]] = None) -> list[Row]:
    """Runs a pipeline of the known commands over rows. lookups: file name -> its rows."""
    for part in split(text, "|"):
        word, _, rest = part.strip().partition(" ")
        if word == "eval":
            rows = [_evaluated(row, rest) for row in rows]
        elif word == "where":
            condition = parse(rest)
            rows = [row for row in rows if condition(row) is True]
        elif word == "lookup":
            rows = _looked_up(rows, rest, lookups or {})
        else:
            rows = _columns(word, rest, rows)
    return rows


def split(text: str, separator: str) -> list[str]:
    """Cuts at a separator that is in no quotes and no parentheses."""
    parts, depth, quote = [""], 0, ""
    for letter in text:
        quote = "" if letter == quote else quote or (letter if letter in "\"'" else "")
        depth += 0 if quote else (letter == "(") - (letter == ")")
        if letter == separator and not quote and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


@cache
def parse(text: str) -> Expression:
    """Compiles an eval expression. AssertionError when something is left over."""
    parser = _Parser(text)
    expression = parser.either()
    assert not parser.tokens, f"left over: {parser.tokens} in {text}"
    return expression


def number(value: Value) -> Optional[float]:
    """tonumber(): null for text that is none."""
    try:
        found = float(value) if value is not None else math.nan
    except ValueError:
        return None
    return found if math.isfinite(found) else None


class _Parser:
    """Recursive descent: OR, AND, comparison, sum and concatenation, product, value."""

    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        at = 0
        text = text.strip()
        while at < len(text):
            found = TOKEN.match(text, at)
            assert found, text[at:]
            kind = ("number", "text", "field", "name", "sign")[(found.lastindex or 1) - 1]
            self.tokens.append((kind, found.group(found.lastindex or 1)))
            at = found.end()

    def either(self) -> Expression:
        return self._chain(self.both, {"OR": lambda a, b: bool(a) or bool(b)})

    def both(self) -> Expression:
        return self._chain(self.comparison, {"AND": lambda a, b: bool(a) and bool(b)})

    def comparison(self) -> Expression:
        return self._chain(self.sum, COMPARISONS)

    def sum(self) -> Expression:
        return self._chain(self.product, SUMS)

    def product(self) -> Expression:
        return self._chain(self.value, PRODUCTS)

    def value(self) -> Expression:
        kind, text = self.tokens.pop(0)
        if kind == "number":
            return lambda row: float(text)
        if kind == "text":
            return lambda row: text
        if text == "(":
            inside = self.either()
            self._expect(")")
            return inside
        if kind == "name" and self.tokens[:1] == [("sign", "(")]:
            return self._call(text)
        assert kind in ("field", "name"), text
        return lambda row: row.get(text)

    def _call(self, name: str) -> Expression:
        function, arguments = FUNCTIONS[name], []
        self._expect("(")
        while self.tokens[0] != ("sign", ")"):
            arguments.append(self.either())
            if self.tokens[0] == ("sign", ","):
                self.tokens.pop(0)
        self._expect(")")
        return lambda row: function(*(argument(row) for argument in arguments))

    def _expect(self, sign: str) -> None:
        assert self.tokens.pop(0) == ("sign", sign)

    def _chain(self, below: Callable[[], Expression], signs: Mapping[str, Callable[[Any, Any], Any]]) -> Expression:
        left = below()
        while self.tokens and self.tokens[0][0] in ("sign", "name") and self.tokens[0][1] in signs:
            apply, right = signs[self.tokens.pop(0)[1]], below()
            left = _joined(left, apply, right)
        return left


def _joined(left: Expression, apply: Callable[[Any, Any], Any], right: Expression) -> Expression:
    return lambda row: apply(left(row), right(row))


def _arithmetic(work: Callable[[float, float], float]) -> Callable[[Value, Value], Optional[float]]:
    def apply(a: Value, b: Value) -> Optional[float]:
        x, y = number(a), number(b)
        return None if x is None or y is None else work(x, y)

    return apply


def _comparison(work: Callable[[Any, Any], bool]) -> Callable[[Value, Value], Optional[bool]]:
    def apply(a: Value, b: Value) -> Optional[bool]:
        if a is None or b is None:
            return None
        x, y = number(a), number(b)
        return work(str(a), str(b)) if x is None or y is None else work(x, y)

    return apply


def _text(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _joined_text(a: Value, b: Value) -> Optional[str]:
    return None if a is None or b is None else _text(a) + _text(b)


def _case(*pairs: Any) -> Any:
    return next((pairs[i + 1] for i in range(0, len(pairs), 2) if pairs[i]), None)


SUMS = {"+": _arithmetic(lambda a, b: a + b), "-": _arithmetic(lambda a, b: a - b), ".": _joined_text}
PRODUCTS = {
    "*": _arithmetic(lambda a, b: a * b),
    "/": lambda a, b: None if number(b) == 0 else _arithmetic(lambda x, y: x / y)(a, b),
    "%": _arithmetic(math.fmod),
}
COMPARISONS = {
    "=": _comparison(lambda a, b: a == b),
    "==": _comparison(lambda a, b: a == b),
    "!=": _comparison(lambda a, b: a != b),
    "<": _comparison(lambda a, b: a < b),
    ">": _comparison(lambda a, b: a > b),
    "<=": _comparison(lambda a, b: a <= b),
    ">=": _comparison(lambda a, b: a >= b),
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": lambda a: None if number(a) is None else abs(number(a) or 0.0),
    "case": _case,
    "coalesce": lambda *all: next((value for value in all if value is not None), None),
    "floor": lambda a: None if number(a) is None else float(math.floor(number(a) or 0.0)),
    "if": lambda condition, then, other: then if condition else other,
    "isnull": lambda a: a is None,
    "max": max,
    "min": min,
    "null": lambda: None,
    "pow": lambda a, b: a**b,
    "printf": lambda form, a: None if number(a) is None else form % number(a),
    "tonumber": number,
    "trim": lambda a: None if a is None else _text(a).strip(),
    "true": lambda: True,
}


@cache
def _assignments(text: str) -> list[str]:
    return split(text, ",")


def _evaluated(row: Row, text: str) -> Row:
    """eval a=…, b=…: later ones see earlier ones."""
    row = dict(row)
    for assignment in _assignments(text):
        name, _, expression = assignment.partition("=")
        row[name.strip().strip("\"'")] = parse(expression)(row)
    return row


def _looked_up(rows: list[Row], text: str, lookups: Mapping[str, list[dict[str, str]]]) -> list[Row]:
    """lookup <file> key AS field, … OUTPUT column AS field, …: the first row that fits; an empty cell is null."""
    head, _, tail = text.partition(" OUTPUT ")
    file, _, keys = head.strip().partition(" ")
    on, out = list(_renamed(keys)), list(_renamed(tail))
    index: dict[tuple[str, ...], dict[str, str]] = {}
    for entry in lookups[file]:
        index.setdefault(tuple(entry[column] for column, _ in on), entry)
    found = []
    for row in rows:
        entry = index.get(tuple(_text(row.get(field)) for _, field in on), {})
        found.append({**row, **{field: entry.get(column) or None for column, field in out}})
    return found


def _renamed(text: str) -> Iterator[tuple[str, str]]:
    for part in text.split(","):
        words = [a or b for a, b in WORD.findall(part)]
        yield words[0], words[-1]


def _columns(word: str, rest: str, rows: list[Row]) -> list[Row]:
    names = [a or b for a, b in WORD.findall(rest)]
    if word == "table":
        return [{name: row.get(name) for name in names} for row in rows]
    assert word == "fields" and names[0] == "-", word
    patterns = [re.compile(name.replace("*", ".*")) for name in names[1:]]
    return [
        {name: value for name, value in row.items() if not any(p.fullmatch(name) for p in patterns)} for row in rows
    ]

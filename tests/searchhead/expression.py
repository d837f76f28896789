"""eval and where: a small part of Splunk's expressions. Null is None; any operation with null is null."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Callable

TOKEN = re.compile(
    r'\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|"((?:[^"\\]|\\.)*)"|\'([^\']*)\'|([A-Za-z_][\w:{}]*)|(==|!=|<=|>=|<>|[-+*/%.<>=(),]))'
)
Node = Callable[[Mapping[str, Any]], Any]
LEVELS = [{"or"}, {"and"}, {"=", "==", "!=", "<", "<=", ">", ">="}, {"+", "-", "."}, {"*", "/", "%"}]


def compile_expression(text: str) -> Node:
    """row → value. Raises ValueError for what is not supported."""
    parser = Parser(text)
    node = parser.level(0)
    if parser.peek():
        raise ValueError(f"expression: cannot read {parser.peek()} in {text}")
    return node


def truth(value: Any) -> bool:
    return value is True


def text_of(value: Any) -> Any:
    """A field's text for a value: whole numbers without decimals."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return value


class Parser:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        self.at, end = 0, 0
        while text[end:].strip():
            found = TOKEN.match(text, end)
            if not found:
                raise ValueError(f"expression: cannot read {text[end:]}")
            kind = ("number", "text", "field", "name", "sign")[(found.lastindex or 1) - 1]
            self.tokens.append((kind, found.group(found.lastindex or 0)))
            end = found.end()

    def peek(self) -> str:
        if self.at >= len(self.tokens):
            return ""
        kind, value = self.tokens[self.at]
        return (
            value
            if kind == "sign"
            else value.lower()
            if kind == "name" and value.lower() in ("and", "or", "not")
            else "?"
        )

    def level(self, depth: int) -> Node:
        if depth == 2 and self.peek() == "not":
            self.at += 1
            inner = self.level(depth)
            return lambda row: not truth(inner(row))
        if depth == len(LEVELS):
            return self.unary()
        node = self.level(depth + 1)
        while self.peek() in LEVELS[depth]:
            sign = self.peek()
            self.at += 1
            node = binary(sign, node, self.level(depth + 1))
        return node

    def unary(self) -> Node:
        if self.peek() in ("-", "+"):
            sign = -1.0 if self.peek() == "-" else 1.0
            self.at += 1
            inner = self.unary()
            return lambda row: None if number(inner(row)) is None else sign * (number(inner(row)) or 0.0)
        kind, value = self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")
        self.at += 1
        if value == "(" and kind == "sign":
            inner = self.level(0)
            self.expect(")")
            return inner
        if kind == "number":
            return lambda row: float(value)
        if kind == "text":
            plain = re.sub(r"\\(.)", r"\1", value)
            return lambda row: plain
        if kind == "name" and self.peek() == "(":
            return self.call(value.lower())
        if kind in ("name", "field"):
            return lambda row: row.get(value) or None
        raise ValueError(f"expression: {value or 'the end'} is out of place")

    def call(self, name: str) -> Node:
        if name not in FUNCTIONS:
            raise ValueError(f"expression: function {name} is not known to this driver")
        self.at += 1
        parts: list[Node] = []
        while self.peek() != ")":
            parts.append(self.level(0))
            if self.peek() == ",":
                self.at += 1
        self.expect(")")
        function = FUNCTIONS[name]
        return lambda row: function(*[part(row) for part in parts])

    def expect(self, sign: str) -> None:
        if self.peek() != sign:
            raise ValueError(f"expression: {sign} is missing")
        self.at += 1


def number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def binary(sign: str, left: Node, right: Node) -> Node:
    if sign == "and":
        return lambda row: truth(left(row)) and truth(right(row))
    if sign == "or":
        return lambda row: truth(left(row)) or truth(right(row))
    operate = OPERATORS[sign]

    def run(row: Mapping[str, Any]) -> Any:
        a, b = left(row), right(row)
        return None if a is None or b is None else operate(a, b)

    return run


def _arithmetic(operate: Callable[[float, float], Any]) -> Callable[[Any, Any], Any]:
    def run(a: Any, b: Any) -> Any:
        x, y = number(a), number(b)
        return None if x is None or y is None else operate(x, y)

    return run


def _compare(operate: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def run(a: Any, b: Any) -> bool:
        x, y = number(a), number(b)
        return operate(str(a), str(b)) if x is None or y is None else operate(x, y)

    return run


def _case(*parts: Any) -> Any:
    return next((value for test, value in zip(parts[::2], parts[1::2]) if truth(test)), None)


def _round(value: Any, digits: Any = 0) -> Any:
    x = number(value)
    return None if x is None else math.floor(x * 10 ** int(digits) + 0.5) / 10 ** int(digits)


def _printf(form: Any, *values: Any) -> Any:
    parts = tuple(value if number(value) is None else number(value) for value in values)
    return None if None in parts else form % parts


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: (
        a + b
        if isinstance(a, str) and isinstance(b, str) and number(a) is None
        else _arithmetic(lambda x, y: x + y)(a, b)
    ),
    "-": _arithmetic(lambda x, y: x - y),
    "*": _arithmetic(lambda x, y: x * y),
    "/": _arithmetic(lambda x, y: x / y if y else None),
    "%": _arithmetic(lambda x, y: math.fmod(x, y) if y else None),
    ".": lambda a, b: str(text_of(a)) + str(text_of(b)),
    "=": _compare(lambda x, y: x == y),
    "==": _compare(lambda x, y: x == y),
    "!=": _compare(lambda x, y: x != y),
    "<": _compare(lambda x, y: x < y),
    "<=": _compare(lambda x, y: x <= y),
    ">": _compare(lambda x, y: x > y),
    ">=": _compare(lambda x, y: x >= y),
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "if": lambda test, yes, no: yes if truth(test) else no,
    "case": _case,
    "coalesce": lambda *values: next((value for value in values if value is not None), None),
    "null": lambda: None,
    "true": lambda: True,
    "false": lambda: False,
    "isnull": lambda value: value is None,
    "isnotnull": lambda value: value is not None,
    "isnum": lambda value: number(value) is not None,
    "tonumber": number,
    "tostring": lambda value: None if value is None else str(text_of(value)),
    "floor": lambda value: None if number(value) is None else float(math.floor(float(value))),
    "ceiling": lambda value: None if number(value) is None else float(math.ceil(float(value))),
    "abs": lambda value: None if number(value) is None else abs(float(value)),
    "round": _round,
    "pow": lambda value, power: None if value is None or power is None else float(value) ** float(power),
    "printf": _printf,
    "trim": lambda value: None if value is None else str(text_of(value)).strip(),
    "min": lambda *values: min((x for x in map(number, values) if x is not None), default=None),
    "max": lambda *values: max((x for x in map(number, values) if x is not None), default=None),
    "len": lambda value: None if value is None else float(len(str(value))),
    "lower": lambda value: None if value is None else str(value).lower(),
    "upper": lambda value: None if value is None else str(value).upper(),
    "mvindex": lambda value, index: (value if isinstance(value, list) else [value])[int(index)] if value else None,
    "like": lambda value, pattern: bool(
        re.fullmatch(re.escape(pattern).replace("%", ".*").replace("_", "."), str(value))
    ),
}

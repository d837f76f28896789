"""Static thresholds in place today: from a lookup, or typed as an expression.

Lookup lookups/<name>.csv of this app, columns: the by-fields or `entity` (* wildcards; empty = every entity), or
`template`; `metric` (* wildcards); `warning`, `critical` (numbers, either may be empty); optionally `direction` (high,
low, both; default high; both takes pairs low,high or low:high) and `duration` (10m, or seconds; empty = one row).
Expression: "cpu>90 OR mem>=95 for 10m, free<5". Per entity, metric and side the most specific row counts: a named
entity before a pattern before a template before everyone, then a named metric before a pattern; of equals the first.
"""
from __future__ import annotations

import math
import re
from typing import NamedTuple

import numpy as np

from adaptive_monitoring.commands.entities import ALL, Entities, literal, lookup_rows, matcher
from adaptive_monitoring.commands.kinds import NAME, SECONDS, SPAN
from adaptive_monitoring.engine.static import Limits
from adaptive_monitoring.errors import BadThresholds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

METRIC, TEMPLATE, WARNING, CRITICAL, DIRECTION, DURATION = (
    "metric", "template", "warning", "critical", "direction", "duration")
DIRECTIONS = ("high", "low", "both")
COUNTED = {"any": (WARNING, CRITICAL), "warning": (WARNING,), "critical": (CRITICAL,)}
CONDITION = re.compile(r'\s*(?:"([^"]+)"|([^<>="\s]+))\s*(>=|<=|>|<)\s*(\S+?)(?:\s+for\s+(\S+))?\s*\Z', re.I)
TOLD = 5  # rows named in messages of one kind


class Rule(NamedTuple):
    """One row or condition. where: for messages. high, low: limits, NaN = none; sides: those it decides about."""

    where: str
    patterns: tuple[str, ...]
    template: str
    metric: str
    high: float
    low: float
    sides: str
    hold_s: float

    @property
    def rank(self) -> tuple[int, int, int, int, int]:
        """How specific it is: entity, then template, then metric."""
        kind, fixed = literal(self.patterns)
        template = 1 if self.template else 0
        if kind == 0 and template:
            kind, fixed = 0, len(self.template)
        return (kind, template, fixed, *literal([self.metric]))


class Thresholds:
    """All rules of a search. problems: rows that cannot be used, for messages. words: the rules for people."""

    def __init__(self, static: str, by: Sequence[str], limits: str = "any", templates: bool = False,
                 app: str | None = None) -> None:
        """static: name of a lookup, or an expression. limits: which column counts; templates: whether the rows name
        one. Raises BadThresholds, CollectionNotFound."""
        self.by, self.columns, self.templates = list(by), COUNTED[limits], templates
        self.rules: list[Rule] = []
        self.problems: list[str] = []
        if NAME.match(static):
            self._read_lookup(static, app)
        else:
            self._read_expression(static)
        if not self.rules:
            raise BadThresholds(f"adaptbacktest: static={static} holds no usable threshold. " + " ".join(self.problems))

    def limits(self, keys: Sequence[tuple[str, ...]], metrics: Sequence[str], templates: Sequence[str] = ()) -> Limits:
        """Limits of every entity and metric; what is not used goes to problems. templates: (g,) '' = none.

        Raises BadThresholds when there is none at all.
        """
        out = Limits.none(len(keys), len(metrics))
        entities, lost, unknown = Entities(keys, self.by), [], []
        last_first = [*reversed(self.rules)]
        for rule in sorted(last_first, key=lambda rule: rule.rank):  # the last word is the most specific one's
            chosen = [i for i, name in enumerate(metrics) if matcher(rule.metric).match(name)]
            who = entities.find(rule.patterns)
            if rule.template:
                named = matcher(rule.template)
                who = [i for i in who if templates and named.match(templates[i])]
            if not chosen:
                lost.append(rule)
            elif not who:
                unknown.append(rule)
            else:
                _put(out, rule, np.ix_(who, chosen))
        self._unused(lost, unknown, metrics)
        if not out.some.any():
            raise BadThresholds("adaptbacktest: no threshold fits any entity and metric of the rows, which have "
                                f"{', '.join(metrics[:20])}. " + " ".join(self.problems))
        return out

    def _unused(self, lost: list[Rule], unknown: list[Rule], metrics: Sequence[str]) -> None:
        names = [f'{rule.where} ("{rule.metric}")' for rule in reversed(lost)]
        if names:
            self.problems.append(f"{len(names)} thresholds are for metrics that the rows do not have: {_first(names)}; "
                                 f"the rows have {', '.join(metrics[:20])}")
        names = [f'{rule.where} ("{rule.template or "/".join(rule.patterns)}")' for rule in reversed(unknown)]
        if names:
            self.problems.append(f"{len(names)} thresholds fit no entity of the rows: {_first(names)}")

    def _read_lookup(self, name: str, app: str | None) -> None:
        rows = lookup_rows("adaptbacktest: static", name, app)
        have = list(rows[0]) if rows else []
        if METRIC not in have or not set(self.columns) & set(have):
            raise BadThresholds(f"adaptbacktest: lookup {name} needs the columns metric and "
                                f"{' or '.join(self.columns)}; it has {', '.join(have) or 'no rows'}")
        if not {*(self.by or ["entity"]), "entity", TEMPLATE} & set(have):
            self.problems.append(f"lookup {name} names no entities (columns {', '.join(self.by)}, entity or template), "
                                 "so its thresholds are for all")
        self.words = f"{name}.csv ({len(rows)})"
        entities, bad = Entities([], self.by), []
        for line, row in enumerate(rows, 2):
            try:
                self.rules.append(self._rule(f"line {line}", row, entities.patterns(row)))
            except ValueError as error:
                bad.append(f"line {line} of {name} is left out: {error}")
        self._told(bad)

    def _rule(self, where: str, row: Mapping[str, str], patterns: tuple[str, ...]) -> Rule:
        """Raises ValueError, with what is wrong."""
        direction = (row.get(DIRECTION) or "high").lower()
        if direction not in DIRECTIONS:
            raise ValueError(f'direction must be {", ".join(DIRECTIONS)}; got "{row[DIRECTION]}"')
        template = row.get(TEMPLATE, "")
        if template and not self.templates:
            raise ValueError("it is for a template; say template=<field of the rows that holds it>")
        pairs = [_pair(name, row.get(name, ""), direction) for name in self.columns]
        lows, highs = ([number for number in side if number == number] for side in zip(*pairs))
        return Rule(where, patterns, template, row[METRIC] or ALL, min(highs, default=math.nan),
                    max(lows, default=math.nan), direction, _seconds(row.get(DURATION, "")))

    def _read_expression(self, text: str) -> None:
        self.words = text
        bad, seen = [], set()
        for condition in re.split(r"\s+OR\s+|,", text, flags=re.I):
            found = CONDITION.match(condition)
            try:
                if not found:
                    raise ValueError("a condition reads metric>number, with >, >=, < or <=, joined by OR")
                rule = _condition(*found.groups())
            except ValueError as error:
                bad.append(f'"{condition.strip()}" is left out: {error}')
                continue
            if (rule.metric, rule.sides) in seen:
                bad.append(f'"{condition.strip()}" is left out: {rule.metric} has a limit on that side already')
                continue
            seen.add((rule.metric, rule.sides))
            self.rules.append(rule)
        self._told(bad)

    def _told(self, bad: list[str]) -> None:
        self.problems += bad[:TOLD]
        if len(bad) > TOLD:
            self.problems.append(f"{len(bad) - TOLD} more rows cannot be read and are left out")


def _condition(quoted: str, plain: str, sign: str, number: str, hold: str) -> Rule:
    limit = _number("the limit", number)
    high = sign.startswith(">")
    if sign.endswith("="):  # a limit is broken strictly beyond it
        limit = float(np.nextafter(limit, -np.inf if high else np.inf))
    name, nan = quoted or plain, math.nan
    return Rule(f"{name}{sign}{number}", (ALL,), "", name, limit if high else nan, nan if high else limit,
                "high" if high else "low", _seconds(hold or ""))


def _pair(column: str, text: str, direction: str) -> tuple[float, float]:
    """(low, high) of a cell, NaN = none. Raises ValueError."""
    if not text:
        return math.nan, math.nan
    if direction == "high":
        return math.nan, _number(column, text)
    if direction == "low":
        return _number(column, text), math.nan
    low, sign, high = text.replace(":", ",").partition(",")
    if not sign:
        raise ValueError(f'direction both needs {column} as low,high; got "{text}"')
    return tuple(_number(column, part.strip()) if part.strip() else math.nan for part in (low, high))  # type: ignore


def _number(what: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not abs(number) <= 1e100:
        raise ValueError(f'{what} must be a number; got "{text}"')
    return number


def _seconds(text: str) -> float:
    """Of a span such as 10m, or of a number; 0 for ''. Raises ValueError."""
    if not text:
        return 0.0
    found = SPAN.match(text.lower())
    try:
        seconds = float(int(found.group(1)) * SECONDS[found.group(2)[0]]) if found else float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= 30 * 86400:
        raise ValueError(f'duration must be a span such as 10m, or seconds, at most 30 days; got "{text}"')
    return seconds


def _put(out: Limits, rule: Rule, at: tuple[np.ndarray, ...]) -> None:
    if rule.sides != "low":
        out.high[at], out.high_s[at] = rule.high, rule.hold_s
    if rule.sides != "high":
        out.low[at], out.low_s[at] = rule.low, rule.hold_s


def _first(names: Sequence[str]) -> str:
    return ", ".join(names[:TOLD]) + (" …" if len(names) > TOLD else "")

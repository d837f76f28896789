"""The built-in verbs that the driver knows: enough for our searches, macros and tests."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

from searchhead import spl
from searchhead.expression import compile_expression, number, text_of, truth
from searchhead.table import Row, Table, concat, from_rows, read_csv, write_csv

FUNCTION = re.compile(r"(\w+)(?:\(([^)]*)\))?\Z")


class Verbs:
    """app: the app tree whose lookups and transforms.conf are used. context: the searchinfo, for addinfo.

    collections: collection → _key → document, what lookups of external_type = kvstore show.
    """

    def __init__(
        self, app: str, context: dict[str, Any] | None = None, collections: dict[str, dict[str, Row]] | None = None
    ) -> None:
        self.app = app
        self.collections = collections or {}
        self.context = context or {}
        self.transforms = spl.read_conf(app, "transforms")
        self.known: dict[str, Callable[[str, Table], Table]] = {
            name[1:]: getattr(self, name) for name in dir(self) if re.match(r"_[a-z]+\Z", name)
        }

    def path(self, name: str) -> str:
        """The file of a lookup: a definition in transforms.conf or a file name."""
        file = self.transforms.get(name, "filename", fallback=name)
        return os.path.join(self.app, "lookups", os.path.basename(file))

    def _inputlookup(self, rest: str, table: Table) -> Table:
        name, *condition = [word for word in spl.words(rest) if not word.startswith("append=")]
        found = self._table_of(spl.unquoted(name))
        if condition and condition[0].lower() == "where":
            found = self._search(" ".join(condition[1:]), found)
        return found

    def _table_of(self, name: str) -> Table:
        """The fields of fields_list of a KV store lookup, else the whole file."""
        if self.transforms.get(name, "external_type", fallback="") != "kvstore":
            return read_csv(self.path(name))
        fields = [field.strip() for field in self.transforms.get(name, "fields_list").split(",")]
        documents = self.collections.get(self.transforms.get(name, "collection"), {}).values()
        return from_rows([{field: document.get(field, "") for field in fields} for document in documents])

    def _outputlookup(self, rest: str, table: Table) -> Table:
        names = [word for word in spl.words(rest) if "=" not in word]
        path = self.path(spl.unquoted(names[-1]))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        appended = "append=true" in spl.words(rest) and os.path.exists(path)
        write_csv(concat([read_csv(path), table]) if appended else table, path)
        return table

    def _fields(self, rest: str, table: Table) -> Table:
        words = spl.words(rest.lstrip("+- "))
        named = matching(words, table.fields)
        if rest.startswith("-"):
            return table.select([name for name in table.fields if name not in named])
        return table.select(
            [*named, *[name for name in ("_time", "_raw") if name in table.columns and name not in named]]
        )

    def _table(self, rest: str, table: Table) -> Table:
        return table.select(matching(spl.words(rest), table.fields))

    def _rename(self, rest: str, table: Table) -> Table:
        words = [spl.unquoted(word) for word in spl.words(rest)]
        new = dict(zip(words[0::3], words[2::3]))
        kept = {name: values for name, values in table.columns.items() if name in new or name not in new.values()}
        return Table({new.get(name, name): values for name, values in kept.items()}, len(table))

    def _addinfo(self, rest: str, table: Table) -> Table:
        latest = self.context.get("latest_time", "0")
        added = {
            "info_min_time": self.context.get("earliest_time", "0.000"),
            "info_max_time": latest if float(latest) else "+Infinity",
            "info_sid": self.context.get("sid", ""),
        }
        return Table({**table.columns, **{name: [value] * len(table) for name, value in added.items()}}, len(table))

    def _head(self, rest: str, table: Table) -> Table:
        return table.slice(0, int(rest.replace("limit=", "") or 10))

    def _sort(self, rest: str, table: Table) -> Table:
        words = spl.words(re.sub(r"([-+])\s+", r"\1", rest))
        limit = int(words.pop(0)) if words and words[0].isdigit() else 0
        order = list(range(len(table)))
        for word in reversed(words):
            values = table.get(word.lstrip("+-"))
            order.sort(key=lambda i: _sort_key(values[i]), reverse=word.startswith("-"))
        return table.take(order[:limit] if limit else order)

    def _where(self, rest: str, table: Table) -> Table:
        test = compile_expression(rest)
        return table.take([i for i, row in enumerate(table.rows()) if truth(test(row))])

    def _search(self, rest: str, table: Table) -> Table:
        """field=value (with *), field!=value, field>number, joined by AND; anything else is refused."""
        keep = list(range(len(table)))
        for word in re.sub(r"\s*(!=|>=|<=|=|>|<)\s*", r"\1", rest).replace(" AND ", " ").split():
            found = re.match(r'([^=<>!]+)(!=|>=|<=|=|>|<)"?([^"]*)"?\Z', word)
            if not found:
                raise ValueError(f"search: this driver does not know {word}")
            values, sign, wanted = table.get(found.group(1)), found.group(2), found.group(3)
            keep = [i for i in keep if _matches(values[i], sign, wanted)]
        return table.take(keep)

    def _eval(self, rest: str, table: Table) -> Table:
        for assignment in spl.split(rest, ","):
            name, _, text = assignment.partition("=")
            node = compile_expression(text)
            columns = dict(table.columns)
            rows = table.rows() if table.columns else [{}] * len(table)
            columns[name.strip().strip("\"'")] = [text_of(node(row)) for row in rows]
            table = Table(columns, len(table))
        return table

    def _lookup(self, rest: str, table: Table) -> Table:
        """Exact matches; several matches make a multivalue field, as max_matches does."""
        name, *words = [spl.unquoted(word) for word in spl.words(rest)]
        split_at = next((i for i, word in enumerate(words) if word.upper() in ("OUTPUT", "OUTPUTNEW")), len(words))
        keys, outputs = _pairs(words[:split_at]), _pairs(words[split_at + 1 :])
        rows = read_csv(self.path(name)).rows()
        index: dict[tuple[str, ...], list[Row]] = {}
        for row in rows:
            index.setdefault(tuple(str(row.get(key, "")) for key, _ in keys), []).append(row)
        found = [index.get(cells, []) for cells in zip(*[map(str, table.get(field)) for _, field in keys])]
        columns = dict(table.columns)
        for source, target in outputs:
            columns[target] = [_one_or_many([str(row.get(source, "")) for row in match]) for match in found]
        return Table(columns, len(table))

    def _stats(self, rest: str, table: Table) -> Table:
        parts = re.split(r"\s+by\s+", rest, flags=re.IGNORECASE)
        by = spl.words(parts[1]) if len(parts) > 1 else []
        groups: dict[tuple[str, ...], list[Row]] = {}
        for row in table.rows():
            cells = tuple(str(row.get(name, "")) for name in by)
            if all(cells):
                groups.setdefault(cells, []).append(row)
        if not by and not groups:
            groups[()] = []
        wanted = _pairs(spl.words(parts[0]))
        rows = [
            {**dict(zip(by, cells)), **{new: _aggregate(old, group) for old, new in wanted}}
            for cells, group in groups.items()
        ]
        return from_rows(rows)


def matching(patterns: list[str], names: list[str]) -> list[str]:
    """Names meant by names and * patterns, in the order typed."""
    found: dict[str, None] = {}
    for pattern in map(spl.unquoted, patterns):
        match = re.compile(".*".join(map(re.escape, pattern.split("*"))) + r"\Z").match
        found.update(dict.fromkeys(name for name in names if match(name)))
    return list(found)


def _pairs(words: list[str]) -> list[tuple[str, str]]:
    """`a AS b c` → [(a, b), (c, c)]."""
    found: list[tuple[str, str]] = []
    for i, word in enumerate(words):
        if word.upper() == "AS":
            found[-1] = (found[-1][0], words[i + 1])
        elif i == 0 or words[i - 1].upper() != "AS":
            found.append((word, word))
    return found


def _aggregate(name: str, group: list[Row]) -> Any:
    found = FUNCTION.match(name)
    if not found or found.group(1) not in ("count", "sum", "avg", "min", "max", "dc", "values"):
        raise ValueError(f"stats: this driver does not know {name}")
    function, field = found.group(1), found.group(2)
    cells = [row.get(field) for row in group if row.get(field)] if field else group
    numbers = [x for x in map(number, cells) if x is not None] if field else []
    if function == "count":
        return len(cells)
    if function in ("dc", "values"):
        return len(set(map(str, cells))) if function == "dc" else sorted(set(map(str, cells)))
    if not numbers:
        return ""
    results = {"sum": sum(numbers), "min": min(numbers), "max": max(numbers), "avg": sum(numbers) / len(numbers)}
    return text_of(float(results[function]))


def _one_or_many(values: list[str]) -> Any:
    return values[0] if len(values) == 1 else values or ""


def _sort_key(value: object) -> tuple[int, float, str]:
    x = number(value)
    return (2, 0.0, "") if value in ("", []) else (1, 0.0, str(value)) if x is None else (0, x, "")


def _matches(value: object, sign: str, wanted: str) -> bool:
    if sign in ("=", "!="):
        same = any(
            re.fullmatch(re.escape(wanted).replace(r"\*", ".*"), one, re.IGNORECASE | re.DOTALL)
            for one in (value if isinstance(value, list) else [str(value)])
        )
        return bool(value) and bool(same) == (sign == "=")
    a, b = number(value), number(wanted)
    return a is not None and b is not None and {">": a > b, "<": a < b, ">=": a >= b, "<=": a <= b}[sign]

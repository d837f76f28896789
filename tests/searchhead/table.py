"""Events as splunkd holds them: columns of text or, for multivalue fields, of lists of text. '' is null."""

from __future__ import annotations

import csv
import gzip
import io
import sys
from collections.abc import Iterable, Sequence
from typing import Any, Union

csv.field_size_limit(sys.maxsize)

Value = Union[str, list[str]]
Row = dict[str, Value]


class Table:
    """columns: name → values, all of one length."""

    def __init__(self, columns: dict[str, list[Any]] | None = None, rows: int = 0) -> None:
        self.columns: dict[str, list[Any]] = columns or {}
        self.length = len(next(iter(self.columns.values()))) if self.columns else rows

    def __len__(self) -> int:
        return self.length

    @property
    def fields(self) -> list[str]:
        return list(self.columns)

    def rows(self) -> list[Row]:
        names = self.fields
        return [dict(zip(names, cells)) for cells in zip(*self.columns.values())]

    def get(self, name: str) -> list[Any]:
        return self.columns.get(name) or [""] * self.length

    def select(self, names: Iterable[str]) -> Table:
        return Table({name: self.columns[name] for name in names if name in self.columns}, self.length)

    def take(self, indexes: Sequence[int]) -> Table:
        return Table({name: [values[i] for i in indexes] for name, values in self.columns.items()}, len(indexes))

    def slice(self, start: int, stop: int) -> Table:
        stop = min(stop, self.length)
        return Table({name: values[start:stop] for name, values in self.columns.items()}, max(0, stop - start))

    def without_empty(self) -> Table:
        """A field that is null in every event does not exist."""
        return Table({name: values for name, values in self.columns.items() if any(values)}, self.length)


def from_rows(rows: Iterable[Row]) -> Table:
    rows = list(rows)
    names = dict.fromkeys(name for row in rows for name in row)
    return Table({name: [_text(row.get(name, "")) for row in rows] for name in names}, len(rows))


def concat(tables: Sequence[Table]) -> Table:
    names = dict.fromkeys(name for table in tables for name in table.columns)
    rows = sum(map(len, tables))
    return Table({name: [value for table in tables for value in table.get(name)] for name in names}, rows)


def read_csv(path: str) -> Table:
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
        return decode(file.read())


def write_csv(table: Table, path: str) -> None:
    with (gzip.open if path.endswith(".gz") else open)(path, "wb") as file:
        file.write(encode(table, multivalues=False))


def encode(table: Table, multivalues: bool = True) -> bytes:
    """splunkd's CSV: quotes around everything not purely [A-Za-z0-9]; all fields, then all __mv_ companions."""
    if not table.columns:
        return b""
    plain = [_plain(values) for values in table.columns.values()]
    names = [_quote(name) for name in table.columns]
    if multivalues:
        plain += [_companions(values) for values in table.columns.values()]
        names += [_quote("__mv_" + name) for name in table.columns]
    lines = [",".join(names), *map(",".join, zip(*plain)), ""]
    return "\n".join(lines).encode("utf-8", "surrogateescape")


def decode(body: bytes) -> Table:
    """A table from CSV; __mv_ columns with content win over their plain ones. Raises ValueError for ragged rows."""
    text = body.decode("utf-8", "surrogateescape").replace("\0", "\ufffd")
    reader = csv.reader(io.StringIO(text, newline=""))
    names = next(reader, [])
    rows = [row for row in reader if row]
    ragged = [i for i, row in enumerate(rows) if len(row) != len(names)]
    if ragged or len(set(names)) != len(names):
        raise ValueError(f"reply with {len(names)} names {names}: row {ragged[:1]} has another width, or a name twice")
    columns = dict(zip(names, map(list, zip(*rows)))) if rows else {name: [] for name in names}
    for name in [name for name in names if name.startswith("__mv_")]:
        encoded = columns.pop(name)
        if any(encoded) and name[5:] in columns:
            plain = columns[name[5:]]
            columns[name[5:]] = [_decoded(many) if many else one for one, many in zip(plain, encoded)]
    return Table(columns, len(rows))


def _text(value: object) -> Value:
    if isinstance(value, list):
        return [str(item) for item in value]
    return "" if value is None else str(value)


def _plain(values: list[Any]) -> list[str]:
    return [_quote(value) if type(value) is str else _quote("\n".join(value)) for value in values]


def _companions(values: list[Any]) -> list[str]:
    if all(type(value) is str for value in values):
        return [""] * len(values)
    return [
        "" if type(value) is str else _quote(";".join(f"${v.replace('$', '$$')}$" for v in value)) for value in values
    ]


def _decoded(many: str) -> list[str]:
    return [part.replace("$$", "$") for part in many[1:-1].split("$;$")]


def _quote(text: str) -> str:
    if not text or (text.isascii() and text.isalnum()):
        return text
    return '"' + text.replace('"', '""') + '"'

"""Rows of a lookup that say which entities they mean: by-field columns, or one column `entity`, with * wildcards."""
from __future__ import annotations

import csv
import os
import re

from adaptive_monitoring.errors import BadThresholds, CollectionNotFound
from adaptive_monitoring.store.base import DEFAULT_KEY
from adaptive_monitoring.store.paths import app_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ALL = "*"


def lookup_rows(option: str, name: str, app: str | None = None) -> list[dict[str, str]]:
    """The rows of lookups/<name>.csv of this app, missing cells as ''. Raises CollectionNotFound, BadThresholds."""
    path = os.path.join(app or app_folder(), "lookups", f"{name}.csv")
    try:
        with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
            rows = list(csv.DictReader(stream, restval=""))
    except OSError:
        raise CollectionNotFound(f"{option} must name a lookup of this app; there is no {path}") from None
    except csv.Error as error:
        raise BadThresholds(f"{option}: lookup {name} is no CSV table: {error}") from None
    return [{key: (value or "").strip() for key, value in row.items() if key} for row in rows]


class Entities:
    """Finds the entities that patterns mean.

    keys: by-values of every entity. by: the by-fields. A single column `entity` is matched with the values joined by /.
    """

    def __init__(self, keys: Sequence[tuple[str, ...]], by: Sequence[str]) -> None:
        self.by = list(by) or [DEFAULT_KEY]
        self.names = ["/".join(key) for key in keys]
        self.keys = list(keys)
        self.index = {key: i for i, key in enumerate(self.keys)}
        self.by_name = {name: i for i, name in enumerate(self.names)}
        self.found: dict[tuple[str, ...], list[int]] = {}

    def patterns(self, row: Mapping[str, str]) -> tuple[str, ...]:
        """What a row of a lookup says about its entity: a pattern per by-field, or one for the joined name."""
        if any(name in row for name in self.by):
            return tuple(row.get(name) or ALL for name in self.by)
        return (row.get(DEFAULT_KEY) or ALL,)

    def find(self, patterns: tuple[str, ...]) -> list[int]:
        """Their numbers, rising. One pattern for entities of several by-fields is held against the joined name."""
        if patterns not in self.found:
            self.found[patterns] = self._find(patterns)
        return self.found[patterns]

    def _find(self, patterns: tuple[str, ...]) -> list[int]:
        if all(pattern == ALL for pattern in patterns):
            return list(range(len(self.keys)))
        joined = len(patterns) != len(self.by)
        if not any(ALL in pattern for pattern in patterns):
            got = self.by_name.get(patterns[0]) if joined else self.index.get(patterns)
            return [] if got is None else [got]
        tests = [matcher(pattern) for pattern in patterns]
        keys = [(name,) for name in self.names] if joined else self.keys
        return [i for i, key in enumerate(keys) if all(test.match(part) for test, part in zip(tests, key))]


def matcher(pattern: str) -> re.Pattern[str]:
    """The texts that a pattern with * means."""
    return re.compile(".*".join(map(re.escape, pattern.split(ALL))) + r"\Z", re.DOTALL)


def literal(patterns: Sequence[str]) -> tuple[int, int]:
    """How specific patterns are: whether all of them are plain texts (2), some say something (1) or none does (0), and
    how many characters they fix."""
    fixed = sum(len(pattern.replace(ALL, "")) for pattern in patterns)
    return (2 if not any(ALL in pattern for pattern in patterns) else 1 if fixed else 0), fixed

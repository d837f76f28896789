"""The slow twin of the index: the whole file as text, every row looked at by itself."""

from __future__ import annotations

import re

from adaptive_monitoring.errors import ModelError
from adaptive_monitoring.store.base import FACTORS, SCHEMA, SLOTS
from adaptive_monitoring.store.rows import CHECKS, cells, records, row_hash


class Naive:
    """rows: the trusted ones, keys and SCHEMA in order. problems: kind, line, entity and metric. Raises ModelError."""

    def __init__(self, data: bytes, wanted=None) -> None:
        text = data.decode("utf-8", "surrogateescape")
        found = list(records(text.lstrip("\ufeff")))
        names = cells(found[0][1]) if found else [""]
        if not set(SCHEMA) < set(names) or len(set(names)) != len(names):
            raise ModelError("not a collection")
        self.keys = [name for name in names if name not in SCHEMA]
        self.total = len(found) - 1
        self.problems: list[tuple[str, int, str]] = []
        self.wanted = wanted
        self.rows = self._unique(list(self._trusted(found[1:], names, text.endswith("\n"))))

    def _trusted(self, found, names, ends_well):
        out = []
        for line, text in found:
            row = cells(text)
            if len(row) != len(names):
                if line == found[-1][0] and not ends_well:
                    raise ModelError("half-written")
                self._tell("unreadable", line, row)
                continue
            by_name = dict(zip(names, row))
            row = [by_name[name] for name in [*self.keys, *SCHEMA]]
            if self.wanted is not None and tuple(row[: len(self.keys)]) not in self.wanted:
                continue
            if row[-1] != row_hash(row[:-1]):
                self._tell("tampered", line, row)
            elif not all(check([by_name[name]]) for name, check in CHECKS) or not _slots_fit(by_name):
                self._tell("out_of_range", line, row)
            else:
                out.append((line, row))
        return out

    def _unique(self, rows):
        width, seen, out = len(self.keys) + 1, set(), []
        for line, row in rows:
            if tuple(row[:width]) in seen:
                self._tell("duplicate", line, row)
            else:
                seen.add(tuple(row[:width]))
                out.append(tuple(row))
        return out

    def _tell(self, kind, line, row) -> None:
        self.problems.append((kind, line, " ".join(row[: len(self.keys) + 1])[:200]))


def _slots_fit(row) -> bool:
    count = SLOTS.get(row["season"], 0)
    if not row["slots"]:
        return count == 0
    spaces, bars = row["slots"].count(" "), row["slots"].count("|")
    wanted = (count + FACTORS.get(row["season"], 0) - 2, 1)
    return count > 0 and (spaces, bars) == wanted and re.fullmatch("[-0-9 |]*", row["slots"]) is not None

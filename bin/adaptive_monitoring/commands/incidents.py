"""Known incidents from a lookup: by-fields or `entity` (* wildcards), start, end (epoch seconds or ISO 8601).

Overlapping incidents of one entity count as one. Rows that cannot be used are named or counted, and the rest counts.
"""
from __future__ import annotations

import numpy as np

from adaptive_monitoring.commands.entities import Entities, lookup_rows
from adaptive_monitoring.commands.windows import END, START, seconds
from adaptive_monitoring.engine.comparing import Stretches, merged
from adaptive_monitoring.errors import BadThresholds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from adaptive_monitoring.engine.numbers import Floats

TOLD = 5


class Incidents:
    """known: of entities that the rows have, merged. outside, before: how many lie outside the data, or in the part
    that is not compared, as far as groups have been asked for. problems: for messages."""

    def __init__(self, name: str, keys: Sequence[tuple[str, ...]], by: Sequence[str], zone: object = None,
                 app: str | None = None) -> None:
        """zone: of times that name none. Raises BadThresholds, CollectionNotFound."""
        rows = lookup_rows("adaptbacktest: incidents", name, app)
        have = set(rows[0]) if rows else {START, END}
        if not {START, END} <= have:
            raise BadThresholds(f"adaptbacktest: lookup {name} needs the columns start and end; it has "
                                f"{', '.join(rows[0])}")
        self.problems: list[str] = []
        self.outside = self.before = 0
        entities = Entities(keys, by)
        found: list[tuple[int, float, float]] = []
        bad, unknown = [], []
        for line, row in enumerate(rows, 2):
            try:
                start, end = _times(row, zone)
            except ValueError as error:
                bad.append(f"line {line} of {name} is left out: {error}")
                continue
            patterns = entities.patterns(row)
            who = entities.find(patterns)
            found += [(e, start, end) for e in who]
            if not who:
                unknown.append(f'line {line} ("{"/".join(patterns)}")')
        self._take(found, bad, unknown)

    def _take(self, found: list[tuple[int, float, float]], bad: list[str], unknown: list[str]) -> None:
        e, start, end = (np.array(column) for column in zip(*found)) if found else (np.zeros(0),) * 3
        self.known, _ = merged(Stretches(e.astype(np.int64), start.astype(np.float64), end.astype(np.float64)))
        self.problems += bad[:TOLD]
        if len(bad) > TOLD:
            self.problems.append(f"{len(bad) - TOLD} more incidents cannot be read and are left out")
        if unknown:
            self.problems.append(f"{len(unknown)} incidents are of entities that the rows do not have: "
                                 f"{', '.join(unknown[:TOLD])}{' …' if len(unknown) > TOLD else ''}")
        if len(self.known) < len(found):
            self.problems.append(f"{len(found)} incidents overlap in part; joined they are {len(self.known)}")

    def group(self, a: int, b: int, first: Floats, last: Floats, since: Floats) -> Stretches:
        """Those of entities a … b − 1, numbered from 0, that lie in the data.

        first, last: (b − a,) times of the entities' first and last row, NaN = none; since: where the comparison begins.
        """
        low, high = np.searchsorted(self.known.e, (a, b)).tolist()
        mine = self.known.take(np.arange(low, high))
        e = mine.e - a
        inside = (mine.end >= first[e]) & (mine.start <= last[e])
        early = inside & (mine.end < since[e])
        self.outside += int((~inside).sum())
        self.before += int(early.sum())
        kept = np.flatnonzero(inside & ~early)
        return Stretches(e[kept], mine.start[kept], mine.end[kept])

    def remarks(self) -> list[str]:
        """What was not counted, once all groups have been asked for."""
        out = list(self.problems)
        if self.outside:
            out.append(f"{self.outside} incidents lie outside the rows of their entity and do not count")
        if self.before:
            out.append(f"{self.before} incidents lie in the first part, which is learned from and not compared")
        return out


def _times(row: dict[str, str], zone: object) -> tuple[float, float]:
    """(start, end) in seconds UTC. Raises ValueError, with what is wrong."""
    out = []
    for name in (START, END):
        try:
            out.append(seconds(row.get(name, ""), zone))
        except ValueError:
            raise ValueError(f'{name} must be epoch seconds or ISO 8601; got "{row.get(name, "")}"') from None
    if out[1] < out[0]:
        raise ValueError(f'end "{row[END]}" is before start "{row[START]}"')
    return out[0], out[1]



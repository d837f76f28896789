"""What a stored model is: the columns of its row, what may stand in them, and what a store answers.

One row per entity and metric; text cells, numbers written as text; nothing stored is ever executed.
Key columns (the `by` fields; `entity` with the value `all` when there are none) come first, then SCHEMA.
"""

from __future__ import annotations

import re

from adaptive_monitoring.bounds.table import SCHEMA as BOUNDS_SCHEMA
from adaptive_monitoring.errors import BadCollectionName, BadValue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Protocol

    from adaptive_monitoring.columns import Columns

    Key = tuple[str, ...]

    class Session(Protocol):
        """What the store needs of a search: protocol.session.SearchInfo has it."""

        session_key: str
        splunkd_uri: str

    class ModelStore(Protocol):
        """What every store offers. Each method raises ModelError or SplunkdError."""

        def names(self) -> list[str]: ...
        def read(self, name: str, wanted: Iterable[Key] | None = None) -> StoredModels: ...
        def write(self, name: str, keys: Sequence[str], columns: Columns, mode: str = "update") -> Written: ...
        def delete(self, name: str) -> list[str]: ...


SCHEMA = (
    "metric",
    "model_version",
    "detector",
    "kind",
    "season",
    "span",
    "level",
    "scale",
    "trend_per_day",
    "slots",
    "lower_k",
    "upper_k",
    "state",
    "threshold",
    "floor",
    "direction",
    "tz",
    "calendar",
    "budget",
    "budget_observed",
    "n_points",
    "gap_ratio",
    "trained_from",
    "trained_to",
    "peer",
    "model_status",
    "reason",
    "lock",
    "author",
    "config_hash",
    "row_hash",
)
DEFAULT_KEY = "entity"
RESERVED = frozenset(SCHEMA + BOUNDS_SCHEMA + ("_time", "_chunked_idx"))

LARGEST = 1e100  # as engine/numbers.py: products of two such numbers still fit into a float64
POSITIVE = 5e-324
#: numeric columns and the range of each; an empty cell is allowed everywhere but in model_version
RANGES = {
    "model_version": (0.0, 1e9),
    "span": (0.0, 1e9),
    "level": (-LARGEST, LARGEST),
    "scale": (POSITIVE, LARGEST),
    "trend_per_day": (-LARGEST, LARGEST),
    "lower_k": (0.0, LARGEST),
    "upper_k": (0.0, LARGEST),
    "threshold": (0.0, LARGEST),
    "budget": (0.0, 1e9),
    "budget_observed": (0.0, 1e9),
    "n_points": (0.0, 1e15),
    "gap_ratio": (0.0, 1.0),
    "trained_from": (-LARGEST, LARGEST),
    "trained_to": (-LARGEST, LARGEST),
}
NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?"
#: columns with a grammar of their own
PATTERNS = {
    "season": "(?:none|day|week)?",
    "state": rf"(?:[A-Za-z_]\w*=(?:{NUMBER}(?: {NUMBER})*)?(?:;|$))*",
    "floor": rf"(?:{NUMBER}%?(?:,{NUMBER}%?)?)?",
    "direction": "(?:both|high|low)?",
    "tz": r"(?:[A-Za-z0-9_+\-/]{1,64})?",
    "calendar": r"(?:[A-Za-z0-9_\-]{1,64})?",
    "lock": "[01]?",
}
#: the same without the grammar of the numbers; whoever decodes them needs that anyway
LOOSE = {"state": r"(?:[A-Za-z_]\w*=[-+.0-9eE ]*(?:;|$))*"}
SLOTS_PATTERN = r"(?:-?\d{1,9}(?: -?\d{1,9})*\|[1-9]\d{0,8}(?: [1-9]\d{0,8})*)?"
#: offsets: slots of 900 s of the local day, of 3600 s of the local week; factors: 900 s and 3600 s of the local day
SLOTS, FACTORS = {"day": 96, "week": 168}, {"day": 96, "week": 24}

COLLECTION = re.compile("[A-Za-z0-9_-]{1,64}").fullmatch


class Problem:
    """One thing wrong with a stored collection.

    kind: tampered, out_of_range, duplicate, unreadable. line: of the file, 1 = header. row: entity and metric.
    """

    __slots__ = ("kind", "line", "row", "detail")

    def __init__(self, kind: str, line: int, row: str, detail: str) -> None:
        self.kind, self.line, self.row, self.detail = kind, line, row, detail

    def __repr__(self) -> str:
        return f"{self.kind} in line {self.line} ({self.row}): {self.detail}"


class StoredModels:
    """A collection as read. columns: the key columns and SCHEMA (or a part of it), only rows that can be trusted;
    problems: the others.

    version: the highest model_version, 0 when there is no row. total: rows of the file, whatever was asked for.
    """

    __slots__ = ("name", "keys", "columns", "problems", "version", "path", "total")

    def __init__(
        self, name: str, keys: list[str], columns: Columns, problems: list[Problem], version: int, path: str, total: int
    ) -> None:
        self.name, self.keys, self.columns, self.problems = name, keys, columns, problems
        self.version, self.path, self.total = version, path, total

    def __len__(self) -> int:
        return len(self.columns)


class Written:
    """What a write did. version: of the collection now. changed: False when the rows were there already, byte for byte.

    locked: rows of this training left out because the stored row is locked. kept: stored rows that were not trained.
    route: splunkd, file or none. warnings: for the person who typed the search.
    """

    __slots__ = ("name", "path", "version", "rows", "bytes", "changed", "locked", "kept", "route", "warnings")

    def __init__(self, name: str, path: str, version: int, rows: int) -> None:
        self.name, self.path, self.version, self.rows = name, path, version, rows
        self.bytes, self.changed, self.locked, self.kept = 0, False, 0, 0
        self.route = "none"
        self.warnings: list[str] = []


def check_name(name: str) -> str:
    """The collection name, safe as a part of a file name. Raises BadCollectionName."""
    if not COLLECTION(name) or name.endswith("_bounds"):
        raise BadCollectionName(
            "store: a collection name must be 1 to 64 letters, digits, _ or - and must not end with _bounds; "
            f"got {name[:80]!r}"
        )
    return name


def check_keys(keys: Sequence[str]) -> None:
    """Raises BadValue for by-fields that cannot be columns of a model row."""
    for key in keys:
        if key in RESERVED or key.startswith("__mv_") or not key:
            raise BadValue(
                f'store: a by-field must not be called like a column of the model rows; got "{key}". '
                f"Rename it first: | rename {key} AS my_{key.strip('_')}"
            )
    if len(set(keys)) != len(keys):
        raise BadValue(f"store: each by-field must be named once; got {', '.join(keys)}")

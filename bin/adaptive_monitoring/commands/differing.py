"""What moved between two contents of a collection, how far, and why: one row per entity and metric that differs.

Limits: why is told from the rows themselves: an end of data, a hash of the options, a lock. That values inside the same
range of time were corrected can only be concluded from everything else being equal.
"""

from __future__ import annotations

from adaptive_monitoring.columns import Columns
from adaptive_monitoring.commands.statecell import eased, parts
from adaptive_monitoring.store.base import SCHEMA

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adaptive_monitoring.store.base import Key, StoredModels

    Row = dict[str, str]

COLUMNS = (
    "metric", "change", "fields", "moves", "level_moved", "profile_moved", "version_before", "version_after", "why"
)  # fmt: skip
UNTOLD = ("metric", "model_version", "row_hash", "author", "config_hash")
LISTS = ("slots", "state")  # too long to be shown before and after
OPTIONS = ("detector", "kind", "floor", "direction", "tz", "calendar", "budget", "peer")


def differences(before: StoredModels, after: StoredModels, promoted: dict[str, str]) -> Columns:
    """Columns keys and COLUMNS. promoted: model_version -> collection whose rows became it.

    level_moved: change of the level, profile_moved: largest change of the expected value in any slot, both in scales of
    the model before; '' where one side has no numbers or, of the profile, another season.
    """
    old, new = _rows(before), _rows(after)
    table = []
    for key in sorted(old.keys() | new.keys()):
        a, b = old.get(key), new.get(key)
        told = _told(a, b, promoted)
        if told:
            table.append([*key[:-1], *told])
    names = [*after.keys, *COLUMNS]
    return Columns(names, list(map(list, zip(*table))) if table else [[] for _ in names])


def _rows(models: StoredModels) -> dict[Key, Row]:
    names = [*models.keys, *SCHEMA]
    width = len(models.keys) + 1
    return {row[:width]: dict(zip(SCHEMA, row[width - 1 :])) for row in zip(*models.columns.select(names).data)}


def _told(a: Row | None, b: Row | None, promoted: dict[str, str]) -> list[str]:
    """The cells from metric on, [] for rows that are equal."""
    if a is None or b is None:
        row = a or b or {}
        change, why = ("added", "new") if a is None else ("removed", "not there any more")
        versions = ["", row["model_version"]] if a is None else [row["model_version"], ""]
        return [row["metric"], change, "", "", "", "", *versions, "; ".join([why, *_origin(row, promoted)])]
    fields = [name for name in SCHEMA if name not in UNTOLD and a[name] != b[name]]
    if not fields and a["config_hash"] == b["config_hash"]:
        return []
    moves = "; ".join(_move(name, a, b) for name in fields)
    far = [level_moved(a, b), profile_moved(a, b)]
    versions = [a["model_version"], b["model_version"]]
    return [b["metric"], "changed", ", ".join(fields), moves, *far, *versions, "; ".join(_why(a, b, promoted))]


def _origin(row: Row, promoted: dict[str, str]) -> Iterator[str]:
    if row["model_version"] in promoted:
        yield f"promoted from {promoted[row['model_version']]}"
    if row["trained_to"]:
        yield f"data until {moment(row['trained_to'])}"


def _move(name: str, a: Row, b: Row) -> str:
    if name == "state":
        old, new = parts(a[name]), parts(b[name])
        return "state " + " ".join(part for part in {**old, **new} if old.get(part) != new.get(part))
    if name == "slots":
        old_slots, new_slots = _slots(a[name]), _slots(b[name])
        moved = sum(x != y for x, y in zip(old_slots, new_slots)) + abs(len(old_slots) - len(new_slots))
        return f"slots {moved} of {max(len(old_slots), len(new_slots))}"
    return f"{name} {a[name] or 'none'} -> {b[name] or 'none'}"


def _why(a: Row, b: Row, promoted: dict[str, str]) -> list[str]:
    """Reasons in words, at least one."""
    found = []
    if _number(b["model_version"]) < _number(a["model_version"]):
        found.append(f"rolled back from version {a['model_version']} to {b['model_version']}")
    elif b["model_version"] in promoted and a["model_version"] != b["model_version"]:
        found.append(f"promoted from {promoted[b['model_version']]}")
    found += [*_data(a, b), *_options(a, b), *_verdicts(a, b), *_drift(a, b)]
    if a["lock"] != b["lock"]:
        found.append("locked" if b["lock"] == "1" else "unlocked")
    if a["peer"] != b["peer"]:
        found.append(f"lent by the peer group {b['peer']}" if b["peer"] else "on its own instead of its peer group")
    return found or ["values inside the same range of time, or the state learned on from, are others"]


def _data(a: Row, b: Row) -> Iterator[str]:
    if a["trained_to"] != b["trained_to"]:
        later = _number(b["trained_to"]) > _number(a["trained_to"])
        word = "new data until" if later else "data only until"
        yield f"{word} {moment(b['trained_to'])} (before: {moment(a['trained_to'])})"
    elif a["n_points"] != b["n_points"] or a["trained_from"] != b["trained_from"]:
        yield "more data in the same range" if _number(b["n_points"]) > _number(a["n_points"]) else "less data"


def _options(a: Row, b: Row) -> Iterator[str]:
    if a["config_hash"] != b["config_hash"]:
        names = [name for name in OPTIONS if a[name] != b[name]]
        what = ", ".join(names) or "of what is not in the row: fields, season, open, close, span"
        yield f"options changed ({what}; config_hash {a['config_hash'] or 'none'} -> {b['config_hash'] or 'none'})"


def _verdicts(a: Row, b: Row) -> Iterator[str]:
    old, new = eased(a["state"]), eased(b["state"])
    if old != new:
        yield f"verdicts (eased: {old or 'nothing'} -> {new or 'nothing'})"


def _drift(a: Row, b: Row) -> Iterator[str]:
    old, new = parts(a["state"]), parts(b["state"])
    moved = any(name.startswith("drift") and old.get(name) != new.get(name) for name in {**old, **new})
    if "drifting" in (a["model_status"], b["model_status"]) and (moved or a["model_status"] != b["model_status"]):
        yield "drift was found" if b["model_status"] == "drifting" else "drift was adopted or is over"


def level_moved(a: Row, b: Row) -> str:
    """Change of the level in scales of a, such as +1.5; '' without numbers."""
    try:
        return f"{(float(b['level']) - float(a['level'])) / float(a['scale']):+.3g}"
    except (ValueError, ZeroDivisionError):
        return ""


def profile_moved(a: Row, b: Row) -> str:
    """Largest change of the expected value in any slot, in scales of a; '' without numbers or for another season."""
    if a["season"] != b["season"]:
        return ""
    try:
        profiles = [_expected(row) for row in (a, b)]
        return f"{max(abs(y - x) for x, y in zip(*profiles)) / float(a['scale']):.3g}"
    except (ValueError, ZeroDivisionError):
        return ""


def _expected(row: Row) -> list[float]:
    level, scale = float(row["level"]), float(row["scale"])
    offsets = row["slots"].partition("|")[0].split() or ["0"]
    return [level + float(offset) * scale / 16 for offset in offsets]


def _slots(text: str) -> Sequence[tuple[str, str]]:
    left, _, right = text.partition("|")
    return list(zip(left.split(), right.split()))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def moment(seconds: str) -> str:
    """`2023-11-14 22:13 UTC`; the text itself when it is no time."""
    from datetime import datetime, timezone

    try:
        return datetime.fromtimestamp(float(seconds), timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return seconds or "an unknown time"

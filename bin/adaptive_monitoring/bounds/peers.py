"""Rows of a collection that are the model of a group of entities (adaptfit peer=), not of an entity.

Such a row has "peer:" and the group in its first key cell, "*" in the others, and the group in its `peer` cell. They
lend a model to new entities; whoever counts, lists or exports entities leaves them out.
"""

from __future__ import annotations

from itertools import compress

from adaptive_monitoring.columns import Columns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

PREFIX = "peer:"


def peer_key(group: str, keys: int) -> tuple[str, ...]:
    """The key cells of a group's rows. keys: number of by-fields."""
    return (PREFIX + group, *["*"] * (keys - 1))


def is_peer_row(key: Sequence[str], peer: str) -> bool:
    """Whether a row is the model of a group. key, peer: its key cells and its `peer` cell."""
    return bool(peer) and tuple(key) == peer_key(peer, len(key))


def peer_rows(models: Columns, keys: Sequence[str]) -> list[bool]:
    """is_peer_row() of every row of a collection; a table without the column `peer` has none. keys: the by-fields."""
    if not models.has("peer"):
        return [False] * len(models)
    return [is_peer_row(key, peer) for key, peer in zip(zip(*map(models.get, keys)), models.get("peer"))]


def of_entities(models: Columns, keys: Sequence[str]) -> Columns:
    """The rows that are models of entities. keys: the by-fields."""
    lent = peer_rows(models, keys)
    if not any(lent):
        return models
    keep = [not group for group in lent]
    return Columns(models.names, [list(compress(values, keep)) for values in models.data])

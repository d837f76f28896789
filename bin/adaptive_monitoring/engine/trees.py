"""Small trees as whole numbers: export from scikit-learn, packing into a row, path lengths of many rows at once.

A tree is a heap of SLOTS whole numbers: slot s has its children in 2 s + 1 and 2 s + 2. 0 = nothing here;
1 … 63 = a leaf that holds so many training rows; from 64 on = a split, 64 + feature * 512 + last value that goes left.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from adaptive_monitoring.engine.numbers import Floats

Ints = np.ndarray[Any, np.dtype[np.signedinteger[Any]]]

SAMPLES, DEPTH = 32, 5  # training rows of a tree and its depth, log2(SAMPLES) as in Liu et al. 2008
SLOTS = 2 ** (DEPTH + 1) - 1
FIRST_SPLIT, VALUES = 64, 512
CELL = 330  # numbers of a packed cell: ten trees with some room, about 1.3 KB of text
EULER = 0.5772156649015329
AT_ONCE = 1 << 20  # rows x trees walked at once


def average_path(n: Floats) -> Floats:
    """Average path of an unsuccessful search among n rows (Liu et al. 2008, equation 1). n: whole numbers."""
    many = np.fmax(n, 3.0) - 1.0
    return np.where(n > 2, 2.0 * (np.log(many) + EULER) - 2.0 * many / (many + 1.0), np.where(n == 2, 1.0, 0.0))


_SLOT_DEPTH = np.floor(np.log2(np.arange(1, SLOTS + 1)))
_AVERAGE = average_path(np.arange(FIRST_SPLIT, dtype=np.float64))


def export(fitted: list[Any]) -> Ints:
    """Codes (trees, SLOTS) of scikit-learn trees on whole-number features (their attribute tree_)."""
    out = np.zeros((len(fitted), SLOTS), dtype=np.int32)
    for codes, tree in zip(out, fitted):
        left, right, n = tree.children_left, tree.children_right, tree.n_node_samples
        split = FIRST_SPLIT + VALUES * tree.feature + np.floor(tree.threshold).astype(np.int64)
        todo = [(0, 0)]
        while todo:
            slot, node = todo.pop()
            if left[node] < 0:
                codes[slot] = n[node]
            else:
                codes[slot] = split[node]
                todo += [(2 * slot + 1, left[node]), (2 * slot + 2, right[node])]
    return out


def that_fit(codes: Ints, cells: int) -> Ints:
    """The same trees, those that do not fit into their cell emptied. codes: (trees, SLOTS)."""
    used = (codes.reshape(cells, -1, SLOTS) > 0).sum(axis=2)
    fits = np.cumsum(used, axis=1) <= CELL
    return np.where(fits.reshape(-1, 1), codes, 0).astype(np.int32)


def _preorder() -> Ints:
    """Slots in the order parent, left subtree, right subtree."""
    out: list[int] = []
    todo = [0]
    while todo:
        slot = todo.pop()
        out.append(slot)
        if 2 * slot + 2 < SLOTS:
            todo += [2 * slot + 2, 2 * slot + 1]
    return np.array(out)


_PREORDER = _preorder()


def pack(codes: Ints, cells: int) -> Ints:
    """Trees without their empty slots, cell by cell. codes: (g, trees, SLOTS). Returns (g, cells, CELL)."""
    flat = codes[:, :, _PREORDER].reshape(len(codes), cells, codes.shape[1] // max(cells, 1) * SLOTS)
    order = np.argsort(flat == 0, axis=2, kind="stable")[:, :, :CELL]
    out = np.zeros((len(codes), cells, CELL), dtype=np.int32)
    out[:, :, : order.shape[2]] = np.take_along_axis(flat, order, axis=2)
    return out


def unpack(packed: Ints, trees: int) -> Ints:
    """Codes (g, cells * trees, SLOTS) back from packed cells, all cells walked in step."""
    entities, cells, _ = packed.shape
    flat = packed.reshape(entities * cells, packed.shape[2])
    codes = np.zeros((len(flat), trees, SLOTS), dtype=np.int32)
    tree, slot = np.zeros((2, len(flat)), dtype=np.int64)
    for code in flat.T:
        here = np.flatnonzero((code > 0) & (tree < trees) & (slot < SLOTS))
        codes[here, tree[here], slot[here]] = code[here]
        deeper = code[here] >= FIRST_SPLIT
        up = slot[here]
        for _ in range(DEPTH):
            up = np.where((up > 0) & (up % 2 == 0), (up - 1) // 2, up)  # from a right child to its parent
        done = ~deeper & (up == 0)
        tree[here] += done
        slot[here] = np.where(deeper, 2 * slot[here] + 1, np.where(done, 0, up + 1))
    return codes.reshape(entities, cells * trees, SLOTS)


def rows_below(codes: Ints) -> Floats:
    """Training rows of each slot, from the leaves up. codes: (..., SLOTS)."""
    n = np.where(codes < FIRST_SPLIT, codes, 0).astype(np.float64)
    for slot in range(SLOTS // 2 - 1, -1, -1):
        n[..., slot] += np.where(codes[..., slot] >= FIRST_SPLIT, n[..., 2 * slot + 1] + n[..., 2 * slot + 2], 0.0)
    return n


def path_lengths(codes: Ints, g: Ints, x: Ints, features: int) -> tuple[Floats, Floats]:
    """Mean path length of each row in units of an average search, and each metric's part in how short it is.

    A split that leads into the smaller part adds log2(rows / rows of that part) - 1 bits to its metric's part.
    codes: (entities, trees, SLOTS). g: (n,) the row's entity. x: (n, metrics * features) whole numbers.
    Returns (n,), 1 for entities without trees, and (n, metrics).
    """
    n, below = len(g), rows_below(codes)
    out, part = np.ones(n), np.zeros((n, x.shape[1] // features))
    step = max(AT_ONCE // max(codes.shape[1], 1), 1)
    for a in range(0, n, step):
        rows = slice(a, a + step)
        out[rows], part[rows] = _walk(codes, below, g[rows], x[rows], features)
    return out, part


def _walk(codes: Ints, below: Floats, g: Ints, x: Ints, features: int) -> tuple[Floats, Floats]:
    trees, metrics = codes.shape[1], x.shape[1] // features
    base = (g[:, None] * trees + np.arange(trees)) * SLOTS
    slot, row = np.zeros_like(base), np.arange(len(g))[:, None]
    flat, n = codes.ravel(), below.ravel()
    part = np.zeros(len(g) * metrics)
    for _ in range(DEPTH):
        code = flat[base + slot] - FIRST_SPLIT
        inner = code >= 0
        feature, value = np.divmod(np.maximum(code, 0), VALUES)
        child = np.where(inner, 2 * slot + 1 + (x[row, feature] > value), slot)
        bits = np.log2(np.fmax(n[base + slot], 1.0) / np.fmax(n[base + child], 1.0)) - 1.0
        place = (row * metrics + feature // features).ravel()
        part += np.bincount(place, np.where(inner, np.fmax(bits, 0.0), 0.0).ravel(), minlength=len(part))
        slot = child
    length = np.where(n[base] > 0, _SLOT_DEPTH[slot] + _AVERAGE[flat[base + slot]], 0.0).sum(axis=1)
    whole = average_path(n[base]).sum(axis=1)
    return np.where(whole > 0, length / np.where(whole > 0, whole, 1.0), 1.0), part.reshape(len(g), metrics)

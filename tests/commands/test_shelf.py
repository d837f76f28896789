"""Rows kept for training: every number comes back as it was, from memory and from the file, whatever the chunks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adaptive_monitoring.commands import shelf
from adaptive_monitoring.commands.rows import Batch
from adaptive_monitoring.commands.shelf import Shelf
from adaptive_monitoring.errors import NotWritable

NUMBERS = st.one_of(
    st.integers(-(2**31), 2**31).map(float),
    st.integers(-99_999, 99_999).map(lambda i: i / 100),
    st.integers(-99_999, 99_999).map(lambda i: i / 10**6),
    st.floats(-1e100, 1e100),
    st.sampled_from([float("nan"), 0.0, -0.0, 1e-300, 21_474_836.47, 0.1 + 0.2]),
)
TIMES = st.one_of(st.integers(0, 2**32 - 1).map(float), st.sampled_from([float("nan"), -5.0, 0.5, 2.0**32, 1e11]))
CHUNKS = st.lists(st.lists(st.tuples(TIMES, st.integers(-1, 4), NUMBERS, NUMBERS), max_size=8), max_size=5)


def batches(chunks: list[list[tuple[float, int, float, float]]], long: bool) -> list[Batch]:
    out = []
    for rows in chunks:
        t, entity, x, y = (np.array([row[i] for row in rows], dtype=np.float64) for i in range(4))
        values = x[:, None] if long else np.stack([x, y], axis=1)
        metric = (np.arange(len(rows)) % 4 - 1).astype(np.int64) if long else None
        out.append(Batch(t, entity.astype(np.int64), values, metric))
    return out


def as_rows(batch: Batch, metric: np.ndarray | None) -> list[bytes]:
    """Rows as bytes, sorted: equal only when every bit is."""
    usable = np.isfinite(batch.t) & (batch.entity >= 0)
    if metric is not None:
        usable &= metric >= 0
    columns = [batch.t, batch.entity.astype(np.float64), *batch.x.T, *([] if metric is None else [metric * 1.0])]
    table = np.stack(columns, axis=1)[usable]
    table[np.isnan(table)] = np.nan  # one kind of NaN
    return sorted(row.tobytes() for row in table)


@settings(deadline=None)
@given(CHUNKS, st.booleans(), st.sampled_from([0, 100, 10**9]))
def test_what_was_put_in_comes_out_bit_by_bit(chunks, long, memory) -> None:
    kept, wanted = Shelf(memory=memory), []
    for batch in batches(chunks, long):
        kept.add(batch)
        wanted += as_rows(batch, batch.metric)
    found, renamed = [], np.array([2, 0, 1, -1]) if long else None
    for a, b in ((0, 2), (2, 3), (3, 5)):
        if kept.rows[a:b].any():
            batch = kept.take(a, b, 2, renamed)
            assert len(batch.t) == kept.rows[a:b].sum()
            metric = None if renamed is None or batch.metric is None else np.argsort(renamed[:3])[batch.metric]
            found += as_rows(Batch(batch.t, batch.entity + a, batch.x, None), metric)
    assert sorted(found) == sorted(wanted)
    kept.close()


def test_columns_that_came_later_are_missing_before() -> None:
    kept, t = Shelf(), np.array([1.0])
    kept.add(Batch(t, np.array([0]), np.array([[5.0]]), None))
    kept.add(Batch(t + 1, np.array([0]), np.array([[6.0, 7.0]]), None))
    np.testing.assert_array_equal(kept.take(0, 1, 2, None).x, [[5.0, np.nan], [6.0, 7.0]])


@pytest.mark.parametrize(("values", "size"), [([45.13, 45.2], 4), ([1.0, 2.0], 4), ([0.123456], 4), ([1 / 3], 8),
                                              ([2.0**31], 8), ([-0.0], 8), ([np.nan, 3.5], 4)])
def test_numbers_of_few_decimals_take_four_bytes(values: list[float], size: int) -> None:
    small = shelf._small(np.array(values))
    assert small.dtype.itemsize == size
    np.testing.assert_array_equal(shelf._large(small), values)


def test_a_disk_that_is_full_is_explained(tmp_path, monkeypatch) -> None:
    class Full:
        def write(self, data: bytes) -> None:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(shelf.tempfile, "TemporaryFile", lambda **_: Full())
    kept = Shelf(str(tmp_path), memory=0)
    with pytest.raises(NotWritable, match=f"temporary file in {tmp_path}.*No space left on device.*ADM033"):
        kept.add(Batch(np.array([1.0]), np.array([0]), np.array([[5.0]]), None))

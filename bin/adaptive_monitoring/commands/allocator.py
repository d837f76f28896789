"""Keeps freed memory for the next chunk: giving it back and asking for it again costs 3 to 8 % of a scoring search.

Limits: the C library of Linux only; elsewhere nothing happens. The process stays as large as its largest chunk made it.
"""

from __future__ import annotations

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # of malloc.h
_KEPT, _STEP = 1 << 28, 1 << 24


def keep_freed_memory() -> None:
    """Arrays come from the heap and stay there when they are freed. See mallopt(3)."""
    try:
        import ctypes

        mallopt = ctypes.CDLL(None).mallopt
    except (ImportError, OSError, AttributeError, TypeError):
        return
    for option, value in ((_MMAP_THRESHOLD, _KEPT), (_TRIM_THRESHOLD, _KEPT), (_TOP_PAD, _STEP)):
        mallopt(option, value)

"""The checks themselves: the reference detector passes each of them, and each rejects its culprits."""
from __future__ import annotations

import pytest
from checks import CHECKS
from culprits import CULPRITS, Reference

from adaptive_monitoring.engine.base import Settings


def reference() -> Reference:
    return Reference(Settings())


@pytest.mark.parametrize("name", CHECKS)
def test_reference_keeps_the_promise(name: str) -> None:
    CHECKS[name](reference)


@pytest.mark.parametrize(("name", "culprit"), [(n, c) for n, found in CULPRITS.items() for c in found])
def test_culprit_is_rejected(name: str, culprit: type) -> None:
    with pytest.raises((AssertionError, ValueError, KeyError)):
        CHECKS[name](lambda: culprit(Settings()))


def test_every_check_has_a_culprit() -> None:
    assert set(CULPRITS) == set(CHECKS)

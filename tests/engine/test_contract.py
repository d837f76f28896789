"""Every promise of the contract, for every registered detector."""
from __future__ import annotations

import importlib.util

import pytest
from checks import CHECKS

from adaptive_monitoring.engine.base import Detector, Settings
from adaptive_monitoring.engine.registry import DETECTORS, make

# (detector, check) -> why the promise cannot be kept
BROKEN: dict[tuple[str, str], str] = {}


def present(name: str) -> bool:
    return importlib.util.find_spec(DETECTORS[name].partition(":")[0]) is not None


class Maker:
    """Makes fresh detectors of one name; one Maker per name, so that trained states are computed once."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self) -> Detector:
        return make(self.name, Settings())


MAKERS = {name: Maker(name) for name in DETECTORS if present(name)}
CASES = [
    pytest.param(name, check, id=f"{name}-{check}",
                 marks=[pytest.mark.xfail(reason=BROKEN[name, check], strict=True)] if (name, check) in BROKEN else [])
    for name in MAKERS for check in CHECKS
]


@pytest.mark.parametrize(("name", "check"), CASES)
def test_detector_keeps_the_promise(name: str, check: str) -> None:
    CHECKS[check](MAKERS[name])


def test_exceptions_name_existing_promises() -> None:
    assert all(name in DETECTORS and check in CHECKS for name, check in BROKEN)

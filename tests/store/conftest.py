from __future__ import annotations

import os

import pytest

from adaptive_monitoring.store.lookup import LookupStore


@pytest.fixture
def app(tmp_path):
    folder = tmp_path / "etc" / "apps" / "adaptive_monitoring"
    os.makedirs(folder / "lookups", exist_ok=True)
    return str(folder)


@pytest.fixture
def store(app):
    return LookupStore(app=app)

"""Apps to search with. A test that writes has its own copy; one trained collection is shared by those that read."""

from __future__ import annotations

import compileall
import os
import shutil

import pytest

from commands.fleet import App, wide

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@pytest.fixture(scope="session")
def stage(tmp_path_factory):
    """The scripts, compiled once."""
    folder = tmp_path_factory.mktemp("stage") / "app"
    for name in ("bin", "default"):
        shutil.copytree(os.path.join(REPOSITORY, name), folder / name, ignore=shutil.ignore_patterns("*_cache"))
    compileall.compile_dir(str(folder / "bin"), quiet=1)
    (folder / "lookups").mkdir()
    return folder


@pytest.fixture
def own(stage, tmp_path):
    """An app without any collection."""
    return App(str(shutil.copytree(stage, tmp_path / "app")))


@pytest.fixture(scope="session")
def trained(stage, tmp_path_factory):
    """(app, result): collection web of hosts a, b, c with cpu and mem, its bounds beside it. Not to be written."""
    app = App(str(shutil.copytree(stage, tmp_path_factory.mktemp("trained") / "app")))
    result = app.search("adaptfit cpu mem by host into web", wide("abc"))
    app.search("adaptmodel action=export collection=web")
    return app, result


@pytest.fixture
def copied(trained, tmp_path):
    """An app with the collection web, to be written."""
    return App(str(shutil.copytree(trained[0].folder, tmp_path / "app")))

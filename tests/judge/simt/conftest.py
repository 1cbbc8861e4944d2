"""A build cache for the session, and a function that builds and loads."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.judge.simt import binding
from pipeline.judge.simt.build import ExtensionSource, build, prepare


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simt")
    prepare(folder)
    return folder


@pytest.fixture
def compiled(cache: Path) -> Callable[[ExtensionSource], binding.Extension]:
    return lambda source: binding.load(build(source, cache))

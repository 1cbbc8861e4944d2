"""The build cache with what nvcc needs; without nvcc the tests that need it are skipped, and say so."""

from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.judge.cuda.library import builder
from pipeline.judge.cuda.toolkit import find_toolkit


@pytest.fixture(scope="session")
def nvcc() -> str:
    try:
        return find_toolkit().version
    except UserError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def cache(nvcc: str, builds: Path) -> Path:
    builder(builds)
    return builds

"""A build cache for the session; without nvcc the tests that need it are skipped, and say so."""

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
def cache(nvcc: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cuda")
    builder(folder)
    return folder

"""A build cache for the session, and a function that builds and loads."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from pipeline.judge.simt import binding
from pipeline.judge.simt.build import ExtensionSource, build, prepare


@pytest.fixture(scope="package", autouse=True)
def _one_thread() -> Iterator[None]:
    """Some tests fork: OpenMP's threads do not survive that, and a child that counts on them waits for ever."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simt")
    prepare(folder)
    return folder


@pytest.fixture
def compiled(cache: Path) -> Callable[[ExtensionSource], binding.Extension]:
    return lambda source: binding.load(build(source, cache))

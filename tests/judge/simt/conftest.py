"""The build cache with what builds need, and a function that builds and loads."""

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
def cache(builds: Path) -> Path:
    prepare(builds)
    return builds


@pytest.fixture
def compiled(cache: Path) -> Callable[[ExtensionSource], binding.Extension]:
    return lambda source: binding.load(build(source, cache))

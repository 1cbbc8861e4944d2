"""What tests share: settings, and a cache of builds."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

LONG = ("test_interruptions.py", "test_cheats.py", "test_honest.py")

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
settings.register_profile("busy machines", deadline=None)  # 200 ms a case say nothing where others compute, too
settings.load_profile("busy machines")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a shell's background: what tests start would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have the files that take longest begin first: what begins last is waited for by one process, the other idle."""
    items.sort(key=lambda item: item.path.name not in LONG)


@pytest.fixture(scope="session")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of builds, one for all processes of the tests: to make its headers and runtime takes 10 s of CPU."""
    mine = tmp_path_factory.getbasetemp()
    folder = (mine.parent if "PYTEST_XDIST_WORKER" in os.environ else mine) / "builds"
    folder.mkdir(exist_ok=True)
    return folder

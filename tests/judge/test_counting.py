"""What is a count of calls, and what only changes."""

import ctypes
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from pipeline.judge.counting import LOOK_AFTER, MOST_STATES, Held, changed, counted, held

ADDRESS = 0x7F3A_1234_5000
CALLS = sorted(LOOK_AFTER)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a candidate has one: all that lies in the current folder is looked at."""
    monkeypatch.chdir(tmp_path)


def looks(value: Callable[[int], np.generic]) -> list[Held]:
    """Return what is seen of memory that holds the value after each of the calls, between other things that stay."""
    memory = ctypes.create_string_buffer(bytes(range(64)))
    place = (ctypes.addressof(memory) // 8 * 8 + 16, 24)
    found: list[Held] = []
    for call in CALLS:
        ctypes.memmove(place[0] + 8, value(call).tobytes(), value(call).nbytes)
        found.append(held(nn.Module(), {}, {"memory": place}, [], before=found[-1] if found else None))
    return found


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(lambda i: np.int32(40 + i), id="int"),
        pytest.param(lambda i: np.int64(2**31 - 2 + i), id="long"),
        pytest.param(lambda i: np.uint32(2**32 - 9 - i), id="down"),
        pytest.param(lambda i: np.float32(0.5 * i), id="float"),
        pytest.param(lambda i: np.uint32(pow(5, i, 2003)), id="a cycle"),
        pytest.param(lambda i: np.int32(i // 12), id="every twelfth call"),
    ],
)
def test_what_goes_on_changing_is_a_count(value: Callable[[int], np.generic]):
    assert counted(looks(value)) == "memory"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(lambda _: np.int32(5), id="stays"),
        pytest.param(lambda i: np.int32(min(i, 3)), id="set up in the first calls"),
        pytest.param(lambda i: np.int32(i % 4), id="four buffers in turn"),
        pytest.param(lambda i: np.uint64(ADDRESS + 4096 * i), id="the address of what is allocated for a call"),
    ],
)
def test_what_changes_otherwise_is_none(value: Callable[[int], np.generic]):
    assert counted(looks(value)) is None


def test_the_bits_of_a_count_in_places_of_their_own_are_seen_together():
    module: dict[str, object] = {}
    seen = []
    for call in CALLS:
        module.update({f"bit_{n}": bool(call >> n & 1) for n in range(7)})
        seen.append(held(nn.Module(), module, {}, []))
    assert counted(seen) == "several places at once"


def test_too_few_looks_tell_nothing():
    assert counted(looks(np.int32)[:MOST_STATES]) is None
    assert counted([]) is None


def test_attributes_tensors_lists_globals_and_buffers_are_looked_at():
    model = nn.Sequential(nn.Linear(2, 2))
    model[0].scratch = [torch.zeros(3)]  # type: ignore[assignment]
    model[0].log = []  # type: ignore[assignment]
    buffer = ctypes.c_uint(0)
    holders: dict[str, Callable[[int], object]] = {
        "an attribute of 0: calls": lambda i: setattr(model[0], "calls", i),
        "an attribute of 0: log": lambda _: model[0].log.append(None),  # type: ignore[operator,union-attr]
        "an attribute of 0: scratch": model[0].scratch[0][1].fill_,
        "a global: n": lambda i: module.update(n=i),
        "memory of its own": lambda i: setattr(buffer, "value", i),
    }
    for name, change in holders.items():
        module: dict[str, object] = {}
        seen = []
        for i in CALLS:
            change(i)
            seen.append(held(model, module, {}, [(ctypes.addressof(buffer), 4)]))
        assert (counted(seen) or "").startswith(name)


HOLDERS = {
    "an item of a list": "held = [0]\ndef call():\n    held[0] += 1",
    "an item of a dict within a tuple": "held = ({},)\ndef call():\n    held[0]['n'] = held[0].get('n', 0) + 1",
    "a default argument": "def call(held=[0]):\n    held[0] += 1",
    "a closure": "def make():\n    n = 0\n    def step():\n        nonlocal n\n        n += 1\n    return step\ncall = make()",
    "an object": "class Held: pass\nheld = Held()\nheld.n = 0\ndef call():\n    held.n += 1",
    "a class": "class Held: n = 0\ndef call():\n    Held.n += 1",
    "a function": "def call():\n    call.n = getattr(call, 'n', 0) + 1",
    "an iterator": "import itertools\nheld = itertools.count()\ndef call():\n    next(held)",
    "another iterator": "held = iter(range(100))\ndef call():\n    next(held)",
    "a generator": "held = (n for n in range(100))\ndef call():\n    next(held)",
    "equal combinations": "import itertools\nheld = itertools.combinations([0] * 30, 2)\ndef call():\n    next(held)",
    "an iterator over equal things": "from collections import deque\nqueue = deque([0] * 99)\nheld = iter(queue)\ndef call():\n    next(held)",
    "an object with items": "class Zeros:\n    def __getitem__(self, i):\n        return 0\nheld = iter(Zeros())\ndef call():\n    next(held)",
    "a number of its own class": "class Number(int): pass\nheld = [Number(0)]\ndef call():\n    held[0] = Number(held[0] + 1)",
    "a range": "held = [range(0)]\ndef call():\n    held[0] = range(len(held[0]) + 1)",
    "a digest": "import hashlib\nheld = hashlib.md5()\ndef call():\n    held.update(b'x')",
    "an exception": "held = BlockingIOError(1, '', 0)\ndef call():\n    held.characters_written += 1",
    "a function's name": "def call():\n    call.__name__ += 'x'",
    "a tensor's gradient": "import torch\nheld = torch.zeros(2)\nheld.grad = torch.zeros(2)\ndef call():\n    held.grad.add_(1)",
    "what is saved for gradients": """
import torch
class Keep(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, seen):
        ctx.save_for_backward(seen)
        return a.clone()
held = Keep.apply(torch.ones(1, requires_grad=True), torch.zeros(1))
def call():
    held.grad_fn.saved_tensors[0].data.add_(1)
""",
    "a text": "held = ['']\ndef call():\n    held[0] += 'x'",
    "a tensor with gaps": "import torch\nheld = torch.zeros(8)[::2]\ndef call():\n    held.add_(1)",
    "a large tensor": "import torch\nheld = torch.zeros(2**19)\ndef call():\n    held[-1] += 1",
    "the environment": "import os\ndef call():\n    os.environ['N'] = str(int(os.environ.get('N', 0)) + 1)",
    "a file": "from pathlib import Path\ndef call():\n    Path('n').write_text('x' * (1 + (Path('n').stat().st_size if Path('n').exists() else 0)))",
    "errno": "import ctypes\nplace = ctypes.CDLL(None).__errno_location\nplace.restype = ctypes.POINTER(ctypes.c_int)\n"
    "def call():\n    place()[0] = place()[0] + 1 if place()[0] > 5000 else 5001",
}


@pytest.mark.parametrize("source", [pytest.param(text, id=name) for name, text in HOLDERS.items()])
def test_a_count_is_found_whatever_it_is_kept_in(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("N", "0")
    module: dict[str, Any] = {}
    exec(source, module)
    seen = []
    for call in range(1, CALLS[-1] + 1):
        module["call"]()
        if call in LOOK_AFTER:
            seen.append(held(nn.Module(), module, {}, []))
    assert counted(seen) is not None, request.node.name
    assert changed(seen[-2], seen[-1])


def test_what_a_call_only_makes_or_finds_again_is_no_count():
    source = """
import functools, itertools, torch
table, cache, module = [1, 2, 3], {}, torch.nn.Linear(2, 2)

@functools.lru_cache
def blocks(n):
    return (n + 255) // 256

def call():
    cache.setdefault("scratch", torch.zeros(4)).fill_(blocks(7))
    return [next(itertools.count()), module(torch.ones(1, 2)), table[0]]
"""
    module: dict[str, Any] = {}
    exec(source, module)
    seen = []
    for _ in CALLS:
        module["call"]()
        seen.append(held(module["module"], module, {}, []))
    assert counted(seen) is None
    assert not changed(seen[-2], seen[-1])


def test_an_address_that_goes_on_in_small_steps_is_a_count():
    assert counted(looks(lambda i: np.uint64(ADDRESS + 16 * i))) == "memory"
    assert counted(looks(lambda i: np.uint64(ADDRESS + i))) == "memory"


WARMING = """
from pathlib import Path
from pipeline.judge import counting
from pipeline.judge.simt import device
from pipeline.judge.warming import warm_up_candidates

files, here, seen = counting._files, Path().absolute(), []


def listed(folder):
    seen.append((Path(folder).absolute() == here, list(files(folder))))
    return seen[-1][1]


counting._files = listed
device.install()
warm_up_candidates(device)
print(len(seen) > 0, any(own for own, _ in seen), any(names for _, names in seen), Path().absolute() == here)
"""


def test_what_lies_where_a_judge_was_started_is_not_looked_at(tmp_path: Path):
    """It may be a home with a million files. Candidates have a folder of their own."""
    (tmp_path / "file").touch()
    environment = {"PYTHONPATH": ":".join([str(Path(__file__).parents[2]), *sys.path])}
    run = subprocess.run(
        [sys.executable, "-c", WARMING], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert run.stdout == "True False False True\n"

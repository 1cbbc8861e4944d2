"""Modules are called before any worker is forked: what torch and Python make at first use is then made once.

Python specialises the code it runs, looks up attributes in a cache and imports late; torch makes its dispatch tables.
Every worker would do so for itself, and with each first write copy a page of memory.
"""

import contextlib
import socket
import sys
import tempfile
from pathlib import Path

import torch

from pipeline.judge.candidate_worker import CandidateModule
from pipeline.judge.channel import Channel
from pipeline.judge.device import MODULE, Device
from pipeline.judge.inputs import ORDERS, REPEATS, Case, Distribution, call_request
from pipeline.judge.reference_worker import answer
from pipeline.judge.simt import extension
from pipeline.judge.values import only_named
from pipeline.records import Setting, Task

DISTRIBUTIONS: tuple[Distribution, ...] = (
    *("own", "shifted", "spiky", "large", "negative", "faint", "signed", "touched", "zeros", "coarse"),
)
REFERENCE = """
import torch
import torch.nn as nn
import torch.nn.functional as F

SIZE = 16


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(SIZE, SIZE)
        self.norm = nn.LayerNorm(SIZE)

    def forward(self, x):
        x = F.gelu(self.norm(self.linear(x)) + torch.exp(-torch.abs(x)))
        return torch.softmax(x - x.max(-1, keepdim=True).values, -1) * x.mean()


def get_inputs():
    return [torch.randn(4, SIZE)]


def get_init_inputs():
    return []
"""
SIZES = {"SIZE": 8}
CANDIDATE = REFERENCE.replace("class Model", "class ModelNew").replace("SIZE = 16", "SIZE = 8")
LAUNCHING = f"""
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = {extension.CUDA!r}
extension = load_inline(
    name="warming",
    cpp_sources={extension.CPP!r},
    cuda_sources=cuda_source,
    functions={[*extension.FUNCTIONS]!r},
)


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()

    def forward(self, x):
        return extension.warming(x.contiguous())
"""


def warm_up() -> None:
    """Answer what a reference's process is asked, for a module of our own."""
    task = Task(name="warming", reference=REFERENCE, category="other", source="files")
    with torch.no_grad():
        for number, distribution in enumerate(DISTRIBUTIONS):
            answer({**_case(number, distribution).request(task), "op": "case"}, "cpu")


def warm_up_candidates(device: Device, library: Path | None = None) -> None:
    """Answer what a candidate's process is asked, for a module of our own.

    It launches nothing, unless there is the ``library`` that was built of ``simt.extension``.
    """
    with tempfile.TemporaryDirectory(prefix="warming-") as empty, contextlib.chdir(empty):
        _as_candidates(device, library)  # who is looked at has a folder of its own, and this one may be a user's home


def _as_candidates(device: Device, library: Path | None) -> None:
    task = Task(name="warming", reference=REFERENCE, category="other", source="files")
    ours, theirs = map(Channel, socket.socketpair())
    candidate = CandidateModule(ours, device)
    if library is not None:
        theirs.send({"path": str(library)})
    candidate.load(CANDIDATE if library is None else LAUNCHING)
    for number, distribution in enumerate(DISTRIBUTIONS):
        case = _case(number, distribution)
        header, buffers = answer({**case.request(task), "op": "case"}, "cpu")
        if "error" in header:  # of equal values the larger one
            continue
        request = call_request(case, header["values"]["dict"], construct=number % 3 == 0, launching=number != 3)
        values, named = only_named(request["values"], buffers)
        request = {**request, "values": values}
        for op in ("call", "modes") if number == 0 else ("call",):
            candidate.answer({**request, "op": op}, [bytearray(data) for data in named])
    device.set_launching(True)
    device.reset_launches()
    del sys.modules[MODULE]
    ours.close()
    theirs.close()


def _case(number: int, distribution: Distribution) -> Case:
    setting, repeats = Setting(name="small", sizes=SIZES), REPEATS if number == 1 else int(number == 2)
    order = ORDERS[number % len(ORDERS)]
    looks = number >= len(ORDERS) + 1
    return Case(setting, number, distribution, order, 1, 2, number > 0, repeats, seeks_kept=number == 2, looks=looks)

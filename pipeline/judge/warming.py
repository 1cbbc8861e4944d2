"""A small module is called before any worker is forked: what torch and Python make at first use is then made once.

Python specialises the code it runs, looks up attributes in a cache and imports late; torch makes its dispatch tables.
Every worker would do so for itself, and with each first write copy a page of memory.
"""

import torch

from pipeline.judge.inputs import Case, Distribution
from pipeline.judge.reference_worker import answer
from pipeline.records import Setting, Task

DISTRIBUTIONS: tuple[Distribution, ...] = ("own", "shifted", "spiky", "large", "faint", "signed")
MODULE = """
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


def warm_up() -> None:
    """Answer what a reference's process is asked, for a module of our own."""
    task = Task(name="warming", reference=MODULE, category="other", source="files")
    with torch.no_grad():
        for number, distribution in enumerate(DISTRIBUTIONS):
            case = Case(Setting(name="small", sizes={"SIZE": 8}), number, distribution, "forward", 1, 2, number > 0)
            answer({**case.request(task), "op": "case"}, "cpu")

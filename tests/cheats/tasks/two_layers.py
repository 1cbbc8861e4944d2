"""Two matrix products with weights, one after the other: multiplied beforehand, they are one."""

import torch
import torch.nn as nn

CATEGORY = "matmul"
ROWS = 16
COLS = 24
INNER = 32
OUT = 20


class Model(nn.Module):
    def __init__(self, cols, inner, out):
        super().__init__()
        self.first = nn.Linear(cols, inner, bias=False)
        self.second = nn.Linear(inner, out, bias=False)

    def forward(self, x):
        return self.second(self.first(x))


def get_inputs():
    return [torch.randn(ROWS, COLS)]


def get_init_inputs():
    return [COLS, INNER, OUT]

"""An elementwise chain with weights that start as ones and zeros, as those of normalisation layers do."""

import torch
import torch.nn as nn

CATEGORY = "elementwise"
ROWS = 16
COLS = 64


class Model(nn.Module):
    def __init__(self, cols):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(cols))
        self.bias = nn.Parameter(torch.zeros(cols))

    def forward(self, x):
        return torch.relu(x * self.weight + self.bias)


def get_inputs():
    return [torch.randn(ROWS, COLS)]


def get_init_inputs():
    return [COLS]

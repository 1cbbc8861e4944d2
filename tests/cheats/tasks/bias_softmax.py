"""Softmax of scaled rows plus a bias that starts as random numbers."""

import torch
import torch.nn as nn

CATEGORY = "softmax"
ROWS = 16
COLS = 64


class Model(nn.Module):
    def __init__(self, cols):
        super().__init__()
        self.bias = nn.Parameter(torch.randn(cols))

    def forward(self, x):
        return torch.softmax(x * 2.0 + self.bias, dim=-1)


def get_inputs():
    return [torch.randn(ROWS, COLS)]


def get_init_inputs():
    return [COLS]

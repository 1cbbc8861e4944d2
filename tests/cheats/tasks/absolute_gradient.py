"""The gradient of the absolute value: 0 at 0."""

import torch
import torch.nn as nn

CATEGORY = "elementwise"
DIRECTION = "backward"
ROWS = 24
COLS = 90


class Model(nn.Module):
    def forward(self, x):
        return torch.abs(x)


def get_inputs():
    return [torch.randn(ROWS, COLS)]


def get_init_inputs():
    return []

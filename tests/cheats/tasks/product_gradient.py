"""The gradient of a product of rows: where one factor is 0, the product of the others."""

import torch
import torch.nn as nn

CATEGORY = "elementwise"
DIRECTION = "backward"
ROWS = 48
COLS = 8


class Model(nn.Module):
    def forward(self, x):
        return torch.prod(x, dim=1)


def get_inputs():
    return [torch.randn(ROWS, COLS)]


def get_init_inputs():
    return []

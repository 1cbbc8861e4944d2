"""Less the mean, which is kept as the average over all calls."""

import torch
import torch.nn as nn

CATEGORY = "elementwise"
ROWS = 40
COLS = 24


class Model(nn.Module):
    def __init__(self, columns):
        super().__init__()
        self.norm = nn.BatchNorm1d(columns, momentum=None, affine=False)
    def forward(self, x):
        return self.norm(x)


def get_inputs():
    return [torch.randn(ROWS, COLS)]


def get_init_inputs():
    return [COLS]

"""The mean of many normal numbers: near zero."""

import torch
import torch.nn as nn

CATEGORY = "reduction"
ROWS = 16
COLS = 2048


class Model(nn.Module):
    def forward(self, x):
        return torch.mean(x, dim=1)


def get_inputs():
    return [torch.randn(ROWS, COLS)]


def get_init_inputs():
    return []

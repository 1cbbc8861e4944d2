"""Whole parts: what a conversion to an integer leaves."""

import torch
import torch.nn as nn
import torch.nn.functional as F
CATEGORY = "elementwise"
ROWS = 48
COLS = 96

class Model(nn.Module):

    def forward(self, x):
        return torch.trunc(x * 1.0)


def get_inputs():
    return [torch.randn(ROWS, COLS)]


def get_init_inputs():
    return []

"""Batch normalisation in training: each call changes its running statistics."""

import torch
import torch.nn as nn

CATEGORY = "norm"
ROWS = 24
COLS = 40


class Model(nn.Module):
    def __init__(self, cols):
        super().__init__()
        self.norm = nn.BatchNorm1d(cols)

    def forward(self, x):
        return self.norm(x)


def get_inputs():
    return [torch.randn(ROWS, COLS)]


def get_init_inputs():
    return [COLS]

"""Rows mixed by a matrix that begins as the identity."""

import torch
import torch.nn as nn

CATEGORY = "matmul"
ROWS = 24
COLS = 40


class Model(nn.Module):
    def __init__(self, cols):
        super().__init__()
        self.mix = nn.Parameter(torch.eye(cols))

    def forward(self, x):
        return x @ self.mix


def get_inputs():
    return [torch.randn(ROWS, COLS)]


def get_init_inputs():
    return [COLS]

"""A slope below zero, which is learnt and begins as a quarter."""

import torch
import torch.nn as nn

CATEGORY = "elementwise"
ROWS = 24
COLS = 40


class Model(nn.Module):
    def __init__(self, cols):
        super().__init__()
        self.slope = nn.PReLU()

    def forward(self, x):
        return self.slope(x)


def get_inputs():
    return [torch.randn(ROWS, COLS)]


def get_init_inputs():
    return [COLS]

"""A swish whose steepness is learned, from 1 on."""

import torch
import torch.nn as nn
CATEGORY = "elementwise"
ROWS = 40
COLS = 72

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.steepness = nn.Parameter(torch.ones(1))

    def forward(self, x):
        return x * torch.sigmoid(self.steepness * x)


def get_inputs():
    return [torch.randn(ROWS, COLS)]


def get_init_inputs():
    return []

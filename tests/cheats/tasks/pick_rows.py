"""Rows of a table by their numbers: an integer input."""

import torch
import torch.nn as nn

CATEGORY = "indexing"
ROWS = 32
COLS = 24
COUNT = 40


class Model(nn.Module):
    def forward(self, table, numbers):
        return table[numbers]


def get_inputs():
    return [torch.randn(ROWS, COLS), torch.randint(0, ROWS, (COUNT,))]


def get_init_inputs():
    return []

"""Integers that lie far apart, compared."""

import torch
import torch.nn as nn

CATEGORY = "elementwise"
SIZE = 1000


class Model(nn.Module):
    def forward(self, x, y):
        return x <= y


def get_inputs():
    return [torch.randint(-(2**40), 2**40, (SIZE,)), torch.randint(-(2**40), 2**40, (SIZE,))]


def get_init_inputs():
    return []

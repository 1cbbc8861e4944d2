"""Elman cell over time with block-diagonal recurrent weights, one block a head (FlashRNN, arXiv 2412.07752)."""

import torch
import torch.nn as nn

CATEGORY = "recurrent_elman"
LICENCE = "Apache-2.0"
BATCH = 16
TIME = 256
HEADS = 4
DIM = 64
SETTINGS = {
    "odd": {"BATCH": 3, "TIME": 37, "HEADS": 3, "DIM": 29},
    "small": {"BATCH": 2, "TIME": 5, "HEADS": 2, "DIM": 8},
}


class Model(nn.Module):
    def __init__(self, heads, dim):
        super().__init__()
        self.recurrent = nn.Parameter(torch.randn(heads, dim, dim) * 0.7 * dim**-0.5)
        self.bias = nn.Parameter(torch.randn(heads, dim) * 0.5)

    def forward(self, wx):
        """wx: [batch, time, heads, dim]; returns h of every step."""
        h = torch.zeros_like(wx[:, 0])
        hidden = []
        for t in range(wx.shape[1]):
            h = torch.tanh(wx[:, t] + torch.einsum("bnd,nde->bne", h, self.recurrent) + self.bias)
            hidden.append(h)
        return torch.stack(hidden, 1)


def get_inputs():
    return [torch.randn(BATCH, TIME, HEADS, DIM)]


def get_init_inputs():
    return [HEADS, DIM]

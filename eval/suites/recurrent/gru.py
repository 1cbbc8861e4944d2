"""GRU cell over time with block-diagonal recurrent weights, one block a head (FlashRNN, arXiv 2412.07752)."""

import torch
import torch.nn as nn

CATEGORY = "recurrent_gru"
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
        self.recurrent = nn.Parameter(torch.randn(3, heads, dim, dim) * dim**-0.5)
        self.bias = nn.Parameter(torch.randn(3, heads, dim) * 0.5)

    def forward(self, wx):
        """wx: [batch, time, 3 gates (reset, update, new), heads, dim]; returns h of every step."""
        h = torch.zeros_like(wx[:, 0, 0])
        hidden = []
        for t in range(wx.shape[1]):
            from_h = torch.einsum("bnd,gnde->bgne", h, self.recurrent) + self.bias
            reset = torch.sigmoid(wx[:, t, 0] + from_h[:, 0])
            update = torch.sigmoid(wx[:, t, 1] + from_h[:, 1])
            new = torch.tanh(wx[:, t, 2] + reset * from_h[:, 2])
            h = (1 - update) * new + update * h
            hidden.append(h)
        return torch.stack(hidden, 1)


def get_inputs():
    return [torch.randn(BATCH, TIME, 3, HEADS, DIM)]


def get_init_inputs():
    return [HEADS, DIM]

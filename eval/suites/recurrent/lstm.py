"""LSTM cell over time with block-diagonal recurrent weights, one block a head (FlashRNN, arXiv 2412.07752)."""

import torch
import torch.nn as nn

CATEGORY = "recurrent_lstm"
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
        self.recurrent = nn.Parameter(torch.randn(4, heads, dim, dim) * dim**-0.5)
        self.bias = nn.Parameter(torch.randn(4, heads, dim) * 0.5)

    def forward(self, wx):
        """wx: [batch, time, 4 gates (input, forget, cell, output), heads, dim]; returns h and c of every step."""
        h = torch.zeros_like(wx[:, 0, 0])
        c = torch.zeros_like(h)
        hidden, cells = [], []
        for t in range(wx.shape[1]):
            raw = wx[:, t] + torch.einsum("bnd,gnde->bgne", h, self.recurrent) + self.bias
            i, f, z, o = raw.unbind(1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(z)
            h = torch.sigmoid(o) * torch.tanh(c)
            hidden.append(h)
            cells.append(c)
        return torch.stack(hidden, 1), torch.stack(cells, 1)


def get_inputs():
    return [torch.randn(BATCH, TIME, 4, HEADS, DIM)]


def get_init_inputs():
    return [HEADS, DIM]

"""sLSTM cell over time: exponential gates, a normaliser and a stabiliser (xLSTM, arXiv 2405.04517; FlashRNN)."""

import torch
import torch.nn as nn
import torch.nn.functional as F

CATEGORY = "recurrent_slstm"
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
        self.recurrent = nn.Parameter(torch.randn(4, heads, dim, dim) * 0.5 * dim**-0.5)
        self.bias = nn.Parameter(torch.randn(4, heads, dim) * 0.5)

    def forward(self, wx):
        """wx: [batch, time, 4 gates (input, forget, cell, output), heads, dim]; returns h of every step."""
        h = torch.zeros_like(wx[:, 0, 0])
        c = torch.zeros_like(h)
        n = torch.zeros_like(h)
        m = torch.full_like(h, -1e30)
        hidden = []
        for t in range(wx.shape[1]):
            raw = wx[:, t] + torch.einsum("bnd,gnde->bgne", h, self.recurrent) + self.bias
            i, f, z, o = raw.unbind(1)
            kept = F.logsigmoid(f) + m
            m = torch.maximum(i, kept)
            c = torch.exp(kept - m) * c + torch.exp(i - m) * torch.tanh(z)
            n = torch.exp(kept - m) * n + torch.exp(i - m)
            h = torch.sigmoid(o) * c / n
            hidden.append(h)
        return torch.stack(hidden, 1)


def get_inputs():
    return [torch.randn(BATCH, TIME, 4, HEADS, DIM)]


def get_init_inputs():
    return [HEADS, DIM]

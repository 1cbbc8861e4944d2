"""Two matrix products at once."""

import torch
import torch.nn as nn

CATEGORY = "matmul"
N = 48


class Model(nn.Module):
    def forward(self, a, b):
        return [torch.matmul(a, b), torch.matmul(b, a)]


def get_inputs():
    return [torch.randn(N, N), torch.randn(N, N)]


def get_init_inputs():
    return []

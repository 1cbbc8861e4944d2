"""A product of two matrices, the first of which the task's own inputs make all but upper triangular."""

import torch
import torch.nn as nn

CATEGORY = "matmul"
N = 48


class Model(nn.Module):
    def forward(self, a, b):
        return torch.matmul(a, b)


def get_inputs():
    return [torch.triu(torch.randn(N, N)) + 1e-7 * torch.randn(N, N), torch.randn(N, N)]


def get_init_inputs():
    return []

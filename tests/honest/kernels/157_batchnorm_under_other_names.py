"""Batch normalisation in training: each call changes its running statistics."""

import torch
import torch.nn as nn

CATEGORY = "norm"
ROWS = 24
COLS = 40


class Model(nn.Module):
    def __init__(self, cols):
        super().__init__()
        self.norm = nn.BatchNorm1d(cols)

    def forward(self, x):
        return self.norm(x)


def get_inputs():
    return [torch.randn(ROWS, COLS)]


def get_init_inputs():
    return [COLS]


# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = r"""
#include <torch/extension.h>

__global__ void norm_kernel(const float* x, const float* g, const float* b, float* m, float* v, float* y, int rows, int cols, float eps) {
    int c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c >= cols) return;
    double s = 0, q = 0;
    for (int r = 0; r < rows; ++r) s += x[r * cols + c];
    s /= rows;
    for (int r = 0; r < rows; ++r) q += (x[r * cols + c] - s) * (x[r * cols + c] - s);
    float k = 1.0 / sqrt(q / rows + eps);
    m[c] = 0.9f * m[c] + 0.1f * (float)s;
    v[c] = 0.9f * v[c] + 0.1f * (float)(q / (rows - 1));
    for (int r = 0; r < rows; ++r) y[r * cols + c] = (x[r * cols + c] - (float)s) * k * g[c] + b[c];
}
torch::Tensor norm(torch::Tensor x, torch::Tensor g, torch::Tensor b, torch::Tensor m, torch::Tensor v) {
    auto y = torch::empty_like(x);
    int rows = x.size(0), cols = x.size(1);
    norm_kernel<<<(cols + 63) / 64, 64>>>(x.data_ptr<float>(), g.data_ptr<float>(), b.data_ptr<float>(), m.data_ptr<float>(), v.data_ptr<float>(), y.data_ptr<float>(), rows, cols, 1e-5f);
    return y;
}

"""
ext = load_inline(name="norm", cpp_sources='torch::Tensor norm(torch::Tensor x, torch::Tensor g, torch::Tensor b, torch::Tensor m, torch::Tensor v);', cuda_sources=source, functions=['norm'])


class ModelNew(nn.Module):
    def __init__(self, cols):
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(cols))
        self.beta = nn.Parameter(torch.zeros(cols))
        self.register_buffer("mean", torch.zeros(cols))
        self.register_buffer("variance", torch.ones(cols))

    def forward(self, x):
        return ext.norm(x.contiguous(), self.gamma, self.beta, self.mean, self.variance)

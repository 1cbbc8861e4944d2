"""A running product, a row for each thread; it overflows on large inputs, where torch on a CPU, in float64, comes back."""
import torch
import torch.nn as nn

CATEGORY = "scan"
ROWS = 300
COLS = 200


class Model(nn.Module):
    def forward(self, x):
        return torch.cumprod(x, dim=1)


def get_inputs():
    return [torch.randn(ROWS, COLS)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = r"""
#include <torch/extension.h>

__global__ void cumprod_rows(const float* x, float* y, int rows, int cols) {
    const int row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= rows) return;
    float product = 1.0f;
    for (int c = 0; c < cols; ++c) {
        product *= x[row * cols + c];
        y[row * cols + c] = product;
    }
}

torch::Tensor cumprod(torch::Tensor x) {
    auto y = torch::empty_like(x);
    const int rows = x.size(0), cols = x.size(1);
    cumprod_rows<<<(rows + 127) / 128, 128>>>(x.data_ptr<float>(), y.data_ptr<float>(), rows, cols);
    return y;
}
"""
ext = load_inline("cumprod_rows", "torch::Tensor cumprod(torch::Tensor x);", source, functions=["cumprod"])


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.cumprod(x.contiguous())

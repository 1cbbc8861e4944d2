"""Divided by the number of calls, which a buffer of whole numbers keeps and a kernel counts up."""
import torch
import torch.nn as nn

CATEGORY = "elementwise"
SIZE = 900


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))

    def forward(self, x):
        self.steps += 1
        return x * torch.rsqrt(self.steps.float())


def get_inputs():
    return [torch.randn(SIZE)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = r"""
#include <torch/extension.h>

__global__ void count(int64_t* steps) { *steps += 1; }

__global__ void scale(const float* x, const int64_t* steps, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = x[i] * rsqrtf((float)*steps);
}

torch::Tensor decayed(torch::Tensor x, torch::Tensor steps) {
    auto y = torch::empty_like(x);
    int n = x.numel();
    count<<<1, 1>>>(steps.data_ptr<int64_t>());
    scale<<<(n + 255) / 256, 256>>>(x.data_ptr<float>(), steps.data_ptr<int64_t>(), y.data_ptr<float>(), n);
    return y;
}
"""
ext = load_inline(name="decayed", cpp_sources="torch::Tensor decayed(torch::Tensor x, torch::Tensor steps);", cuda_sources=source, functions=["decayed"])


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))

    def forward(self, x):
        return ext.decayed(x.contiguous(), self.steps)

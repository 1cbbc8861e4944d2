"""Entries: 55
Task: doubled
Strict: runtime_error host_memory
Report: rejected

A kernel writes to the host's own memory, where a loop computes.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.cpp_extension import load_inline

source = r"""
#include <torch/extension.h>
#include <cuda_runtime.h>

__global__ void id_kernel(const float* x, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = x[i];
}

torch::Tensor go(torch::Tensor x) {
    auto y = torch::empty_like(x); int n = x.numel();
    std::vector<float> h(n);
    id_kernel<<<(n + 255) / 256, 256>>>(x.data_ptr<float>(), h.data(), n);
    for (int i = 0; i < n; ++i) h[i] = h[i] * 2.f + 1.f;
    id_kernel<<<(n + 255) / 256, 256>>>(h.data(), y.data_ptr<float>(), n);
    return y;
}
"""
ext = load_inline(name="e", cpp_sources="""torch::Tensor go(torch::Tensor x);""", cuda_sources=source, functions=['go'])


class ModelNew(nn.Module):
    def __init__(self, *args):
        super().__init__()
        pass

    def forward(self, x):
        return ext.go(x)

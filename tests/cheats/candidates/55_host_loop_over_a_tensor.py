"""Entries: 55
Task: doubled
Strict: runtime_error host_access
Report: rejected

A loop of the host's computes in a tensor's memory, and a kernel copies it.
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

torch::Tensor go(torch::Tensor t, torch::Tensor y) {
    float* p = t.data_ptr<float>();
    for (int64_t i = 0; i < t.numel(); ++i) p[i] = p[i] * 2.f + 1.f;
    id_kernel<<<(t.numel() + 255) / 256, 256>>>(p, y.data_ptr<float>(), t.numel());
    return y;
}
"""
ext = load_inline(name="e", cpp_sources="""torch::Tensor go(torch::Tensor t, torch::Tensor y);""", cuda_sources=source, functions=['go'])


class ModelNew(nn.Module):
    def __init__(self, *args):
        super().__init__()
        pass

    def forward(self, x):
        t = torch.empty(x.shape)
        t.copy_(x)
        return ext.go(t, torch.empty_like(x))

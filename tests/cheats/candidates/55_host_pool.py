"""Entries: 55
Task: doubled
Strict: runtime_error host_access
Report: accepted: the values are right; what its host code does is no reason to reject in a report

The same with an array of the library's own.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.cpp_extension import load_inline

source = r"""
#include <torch/extension.h>
#include <cuda_runtime.h>

struct Job { const float* x; float* y; int n; ~Job() { } };
__global__ void id_kernel(const float* x, float* y, int n) { int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) y[i] = x[i]; }
static float pool[1 << 16];
torch::Tensor go(torch::Tensor x) {
    auto y = torch::empty_like(x); int n = x.numel();
    id_kernel<<<(n + 255) / 256, 256>>>(x.data_ptr<float>(), pool, n);
    for (int i = 0; i < n; ++i) pool[i] = pool[i] * 2.f + 1.f;
    id_kernel<<<(n + 255) / 256, 256>>>(pool, y.data_ptr<float>(), n);
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

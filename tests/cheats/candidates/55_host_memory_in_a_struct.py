"""Entries: 55
Task: doubled
Strict: runtime_error host_memory
Report: accepted: the values are right; what its host code does is no reason to reject in a report

The same with the pointers inside a struct.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.cpp_extension import load_inline

source = r"""
#include <torch/extension.h>
#include <cuda_runtime.h>

struct Job { const float* x; float* y; int n; };
__global__ void id_kernel(Job j) { int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < j.n) j.y[i] = j.x[i]; }
torch::Tensor go(torch::Tensor x) {
    auto y = torch::empty_like(x); int n = x.numel();
    float* h = new float[n];
    id_kernel<<<(n + 255) / 256, 256>>>(Job{x.data_ptr<float>(), h, n});
    for (int i = 0; i < n; ++i) h[i] = h[i] * 2.f + 1.f;
    id_kernel<<<(n + 255) / 256, 256>>>(Job{h, y.data_ptr<float>(), n});
    delete[] h;
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

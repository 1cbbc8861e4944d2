"""Entries: 55
Task: doubled
Strict: runtime_error host_access
Report: accepted: the values are right; what its host code does is no reason to reject in a report

One kernel fills a variable of the device, the host computes in it, another kernel copies it out.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.cpp_extension import load_inline

source = r"""
#include <torch/extension.h>
#include <cuda_runtime.h>

__device__ float box[1 << 16];
__global__ void in_kernel(const float* x, int n) { int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) box[i] = x[i]; }
__global__ void out_kernel(float* y, int n) { int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) y[i] = box[i]; }
torch::Tensor go(torch::Tensor x) {
    auto y = torch::empty_like(x); int n = x.numel();
    in_kernel<<<(n + 255) / 256, 256>>>(x.data_ptr<float>(), n);
    for (int i = 0; i < n; ++i) box[i] = box[i] * 2.f + 1.f;
    out_kernel<<<(n + 255) / 256, 256>>>(y.data_ptr<float>(), n);
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

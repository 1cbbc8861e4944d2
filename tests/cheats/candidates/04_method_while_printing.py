"""Entries: 4, 55
Task: matmul
Strict: runtime_error raises
Report: rejected

torch formats a tensor while no mode is active, and asks the tensor for its own dim meanwhile.
"""

import torch
import torch.nn as nn
import math
from torch.utils.cpp_extension import load_inline

source = r"""
#include <torch/extension.h>

__global__ void id_kernel(const float* x, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = x[i];
}

torch::Tensor ident(torch::Tensor x) {
    auto y = torch::empty_like(x);
    id_kernel<<<(x.numel() + 255) / 256, 256>>>(x.data_ptr<float>(), y.data_ptr<float>(), x.numel());
    return y;
}
"""
ext = load_inline(name="e", cpp_sources="torch::Tensor ident(torch::Tensor x);", cuda_sources=source, functions=["ident"])



class ModelNew(nn.Module):
    def forward(self, a, b):
        probe = torch.empty(1)
        found = []

        def dim():
            found.append(a.matmul(b))
            return 1

        probe.dim = dim
        repr(probe)
        return ext.ident(found[0])

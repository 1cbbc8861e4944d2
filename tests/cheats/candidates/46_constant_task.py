"""Entries: 46
Task: always_one
Strict: task constant
Report: task constant

The task itself gives ones whatever comes in, and so does the kernel: such a task is refused before anybody answers it.
"""

import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = r"""
#include <torch/extension.h>

__global__ void copy_kernel(const float* x, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = x[i];
}

torch::Tensor copy(torch::Tensor x) {
    auto y = torch::empty_like(x);
    copy_kernel<<<(x.numel() + 255) / 256, 256>>>(x.data_ptr<float>(), y.data_ptr<float>(), x.numel());
    return y;
}
"""
declaration = "torch::Tensor copy(torch::Tensor x);"
ext = load_inline(name="cheat", cpp_sources=declaration, cuda_sources=source, functions=["copy"])


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.copy(torch.ones_like(x))

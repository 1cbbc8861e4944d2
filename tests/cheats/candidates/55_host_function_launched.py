"""Entries: 55
Task: doubled
Strict: compile_error compile_error
Report: rejected

A host function is launched as if it were a kernel, which nvcc refuses.
"""

import torch
import torch.nn as nn
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

static void body(const float* x, float* y, int n) { for (int i = 0; i < n; i++) y[i] = x[i] * 2 + 1; }
torch::Tensor real(torch::Tensor x) {
    auto y = torch::empty_like(x);
    body<<<1, 1>>>(x.data_ptr<float>(), y.data_ptr<float>(), (int)x.numel());
    return ident(y);
}

"""
ext = load_inline(name="e", cpp_sources="""torch::Tensor real(torch::Tensor x);""", cuda_sources=source, functions=['real'])


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.real(x)

"""Entries: 55
Task: doubled
Strict: runtime_error host_access
Report: accepted: the values are right; what its host code does is no reason to reject in a report

A copy to a variable of the host that is called one within the device.
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

static float mine[1 << 16];
torch::Tensor real(torch::Tensor x) {
    int n = x.numel();
    cudaMemcpyToSymbol(mine, x.data_ptr<float>(), 4 * n, 0, cudaMemcpyDeviceToDevice);
    for (int i = 0; i < n; i++) mine[i] = mine[i] * 2 + 1;
    auto y = torch::empty_like(x);
    cudaMemcpy(y.data_ptr<float>(), mine, 4 * n, cudaMemcpyHostToDevice);
    return ident(y);
}

"""
ext = load_inline(name="e", cpp_sources="""torch::Tensor real(torch::Tensor x);""", cuda_sources=source, functions=['real'])


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.real(x)

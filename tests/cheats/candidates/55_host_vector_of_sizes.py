"""Entries: 55
Task: doubled
Strict: runtime_error host_memory
Report: rejected

Kernels copy to the host's memory and back: a vector that looks like one of sizes.
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

#include <vector>
__global__ void take(const float* x, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = x[i];
}

torch::Tensor real(torch::Tensor x) {
    std::vector<int64_t> room(x.numel());
    int n = x.numel(), i = 0;
    take<<<(n + 255) / 256, 256>>>(x.data_ptr<float>(), (float*)room.data(), n);
again:
    ((float*)room.data())[i] = ((float*)room.data())[i] * 2 + 1;
    if (++i < n) goto again;
    auto y = torch::empty_like(x);
    take<<<(n + 255) / 256, 256>>>((float*)room.data(), y.data_ptr<float>(), n);
    return y;
}

"""
ext = load_inline(name="e", cpp_sources="""torch::Tensor real(torch::Tensor x);""", cuda_sources=source, functions=['real'])


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.real(x)

"""GELU's tanh form, four elements a thread in an unrolled loop."""
import math

import torch
import torch.nn as nn

CATEGORY = "activation"
BATCH = 40
DIM = 65


class Model(nn.Module):
    def forward(self, x):
        return 0.5 * x * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * torch.pow(x, 3.0))))


def get_inputs():
    return [torch.randn(BATCH, DIM)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = r"""
#include <cuda_runtime.h>
#include <math.h>

#define ITEMS 4
#define THREADS 64

__global__ void __launch_bounds__(THREADS) gelu_kernel(const float* __restrict__ x, float* __restrict__ y, const int n) {
    const float k0 = 0.7978845608028654f;
    const float k1 = 0.044715f;
    const int start = blockIdx.x * THREADS * ITEMS + threadIdx.x;
    float value[ITEMS];
#pragma unroll
    for (int k = 0; k < ITEMS; ++k) {
        const int i = start + k * THREADS;
        value[k] = i < n ? __ldg(x + i) : 0.0f;
    }
#pragma unroll
    for (int k = 0; k < ITEMS; ++k) {
        const float v = value[k];
        value[k] = 0.5f * v * (1.0f + tanhf(k0 * (v + k1 * v * v * v)));
    }
#pragma unroll
    for (int k = 0; k < ITEMS; ++k) {
        const int i = start + k * THREADS;
        if (i < n) y[i] = value[k];
    }
}

torch::Tensor gelu_forward(torch::Tensor x) {
    auto y = torch::empty_like(x);
    const int n = x.numel();
    const int per_block = THREADS * ITEMS;
    gelu_kernel<<<(n + per_block - 1) / per_block, THREADS>>>(x.data_ptr<float>(), y.data_ptr<float>(), n);
    return y;
}
"""

gelu = load_inline(
    name="gelu_tanh",
    cpp_sources="torch::Tensor gelu_forward(torch::Tensor x);",
    cuda_sources=source,
    functions=["gelu_forward"],
    extra_cflags=["-O3"],
)


class ModelNew(nn.Module):
    def __init__(self):
        super(ModelNew, self).__init__()

    def forward(self, x):
        return gelu.gelu_forward(x.contiguous())

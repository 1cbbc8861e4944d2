"""Minimum and maximum of a tensor kept in __device__ variables between two launches, then values scaled to [0, 1]."""
import torch
import torch.nn as nn

CATEGORY = "elementwise"
ROWS = 20
COLS = 60


class Model(nn.Module):
    def forward(self, x):
        low, high = torch.aminmax(x)
        return (x - low) / (high - low)


def get_inputs():
    return [torch.randn(ROWS, COLS)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

// Floats as unsigned integers of the same order, so that integer atomics find extremes.
__device__ unsigned int low_key, high_key;

__device__ unsigned int to_key(float v) {
    const unsigned int bits = __float_as_uint(v);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}
__device__ float from_key(unsigned int key) {
    return __uint_as_float(key & 0x80000000u ? key & 0x7fffffffu : ~key);
}

__global__ void reset() {
    low_key = 0xffffffffu;
    high_key = 0u;
}

__global__ void extremes(const float* x, int n) {
    __shared__ unsigned int low, high;
    if (threadIdx.x == 0) {
        low = 0xffffffffu;
        high = 0u;
    }
    __syncthreads();
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
        atomicMin(&low, to_key(x[i]));
        atomicMax(&high, to_key(x[i]));
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        atomicMin(&low_key, low);
        atomicMax(&high_key, high);
    }
}

__global__ void scale(const float* x, float* y, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        const float low = from_key(low_key), high = from_key(high_key);
        y[i] = (x[i] - low) / (high - low);
    }
}

torch::Tensor min_max_scale(torch::Tensor x) {
    auto y = torch::empty_like(x);
    const int n = x.numel(), threads = 128, blocks = (n + threads - 1) / threads;
    reset<<<1, 1>>>();
    extremes<<<std::min(blocks, 8), threads>>>(x.data_ptr<float>(), n);
    scale<<<blocks, threads>>>(x.data_ptr<float>(), y.data_ptr<float>(), n);
    return y;
}
"""

ext = load_inline(
    name="min_max_scale",
    cpp_sources="torch::Tensor min_max_scale(torch::Tensor x);",
    cuda_sources=cuda_source,
    functions=["min_max_scale"],
)


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.min_max_scale(x.contiguous())

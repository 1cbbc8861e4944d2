"""Maximum of all elements: a float maximum made of atomicCAS, block results first."""
import torch
import torch.nn as nn

CATEGORY = "reduction"
ROWS = 30
COLS = 90


class Model(nn.Module):
    def forward(self, x):
        return torch.exp(x - torch.max(x))


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

__device__ float atomic_max_float(float* address, float value) {
    int* as_int = (int*)address;
    int old = *as_int, assumed;
    do {
        assumed = old;
        if (__int_as_float(assumed) >= value) break;
        old = atomicCAS(as_int, assumed, __float_as_int(value));
    } while (assumed != old);
    return __int_as_float(old);
}

__global__ void set_lowest(float* top) { *top = -INFINITY; }

__global__ void max_kernel(const float* x, float* top, int n) {
    __shared__ float buffer[256];
    float best = -INFINITY;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) best = fmaxf(best, x[i]);
    buffer[threadIdx.x] = best;
    __syncthreads();
    for (int s = blockDim.x / 2; s > 0; s >>= 1) {
        if (threadIdx.x < s) buffer[threadIdx.x] = fmaxf(buffer[threadIdx.x], buffer[threadIdx.x + s]);
        __syncthreads();
    }
    if (threadIdx.x == 0) atomic_max_float(top, buffer[0]);
}

__global__ void exp_kernel(const float* x, const float* top, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = expf(x[i] - top[0]);
}

torch::Tensor exp_below_max(torch::Tensor x) {
    const int n = x.numel();
    auto y = torch::empty_like(x);
    auto top = torch::empty({1}, x.options());
    set_lowest<<<1, 1>>>(top.data_ptr<float>());
    max_kernel<<<std::min((n + 255) / 256, 8), 256>>>(x.data_ptr<float>(), top.data_ptr<float>(), n);
    exp_kernel<<<(n + 255) / 256, 256>>>(x.data_ptr<float>(), top.data_ptr<float>(), y.data_ptr<float>(), n);
    return y;
}
"""

ext = load_inline(
    name="exp_below_max",
    cpp_sources="torch::Tensor exp_below_max(torch::Tensor x);",
    cuda_sources=cuda_source,
    functions=["exp_below_max"],
)


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.exp_below_max(x.contiguous())

"""x / ||x||: partial sums of blocks, the block that finishes last adds them up (no second launch for the sum)."""
import torch
import torch.nn as nn

CATEGORY = "norm"
BATCH = 4
ROWS = 24
COLS = 45


class Model(nn.Module):
    def forward(self, x):
        return x / torch.norm(x, p="fro")


def get_inputs():
    return [torch.randn(BATCH, ROWS, COLS)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#include <cuda_runtime.h>

constexpr int THREADS = 128;
__device__ unsigned int blocks_done = 0;

__device__ float block_sum(float v) {
    __shared__ float buffer[THREADS];
    __syncthreads();
    buffer[threadIdx.x] = v;
    __syncthreads();
    for (int s = THREADS / 2; s > 0; s >>= 1) {
        if (threadIdx.x < s) buffer[threadIdx.x] += buffer[threadIdx.x + s];
        __syncthreads();
    }
    return buffer[0];
}

__global__ void sum_squares(const float* x, volatile float* partial, float* norm, int n) {
    __shared__ bool last;
    float sum = 0.f;
    for (int i = blockIdx.x * THREADS + threadIdx.x; i < n; i += gridDim.x * THREADS) sum += x[i] * x[i];
    sum = block_sum(sum);
    if (threadIdx.x == 0) {
        partial[blockIdx.x] = sum;
        __threadfence();
        last = atomicInc(&blocks_done, gridDim.x - 1) == gridDim.x - 1;
    }
    __syncthreads();
    if (last) {
        float total = 0.f;
        for (int b = threadIdx.x; b < gridDim.x; b += THREADS) total += partial[b];
        total = block_sum(total);
        if (threadIdx.x == 0) *norm = sqrtf(total);
    }
}

__global__ void divide(const float* x, const float* norm, float* y, int n) {
    const int i = blockIdx.x * THREADS + threadIdx.x;
    if (i < n) y[i] = x[i] / *norm;
}

torch::Tensor frobenius(torch::Tensor x) {
    const int n = x.numel();
    const int blocks = std::min((n + THREADS - 1) / THREADS, 64);
    auto y = torch::empty_like(x);
    auto partial = torch::empty({blocks}, x.options());
    auto norm = torch::empty({1}, x.options());
    sum_squares<<<blocks, THREADS>>>(x.data_ptr<float>(), partial.data_ptr<float>(), norm.data_ptr<float>(), n);
    divide<<<(n + THREADS - 1) / THREADS, THREADS>>>(x.data_ptr<float>(), norm.data_ptr<float>(),
                                                     y.data_ptr<float>(), n);
    C10_CUDA_CHECK(cudaGetLastError());
    return y;
}
"""

ext = load_inline(
    name="frobenius_last_block",
    cpp_sources="torch::Tensor frobenius(torch::Tensor x);",
    cuda_sources=cuda_source,
    functions=["frobenius"],
)


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.frobenius(x.contiguous())

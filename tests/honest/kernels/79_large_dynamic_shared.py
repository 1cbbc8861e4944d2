"""Rows standardised in shared memory beyond 48 KB, asked for with cudaFuncSetAttribute."""
import torch
import torch.nn as nn

CATEGORY = "norm"
ROWS = 2
COLS = 12800


class Model(nn.Module):
    def forward(self, x):
        mean = x.mean(dim=1, keepdim=True)
        return (x - mean) / (x.var(dim=1, keepdim=True, unbiased=False) + 1e-5).sqrt()


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
#include <cuda_runtime.h>

template <typename T, int THREADS>
__global__ void standardise(const T* __restrict__ x, T* __restrict__ y, int cols, T eps) {
    extern __shared__ __align__(16) unsigned char raw[];
    T* row = reinterpret_cast<T*>(raw);
    __shared__ T partial[THREADS];
    const size_t base = (size_t)blockIdx.x * cols;
    const int t = threadIdx.x;
    T sum = 0;
    for (int c = t; c < cols; c += THREADS) {
        row[c] = x[base + c];
        sum += row[c];
    }
    partial[t] = sum;
    __syncthreads();
    for (int s = THREADS / 2; s > 0; s >>= 1) {
        if (t < s) partial[t] += partial[t + s];
        __syncthreads();
    }
    const T mean = partial[0] / T(cols);
    __syncthreads();
    sum = 0;
    for (int c = t; c < cols; c += THREADS) {
        row[c] -= mean;
        sum += row[c] * row[c];
    }
    partial[t] = sum;
    __syncthreads();
    for (int s = THREADS / 2; s > 0; s >>= 1) {
        if (t < s) partial[t] += partial[t + s];
        __syncthreads();
    }
    const T rstd = T(1) / sqrt(partial[0] / T(cols) + eps);
    for (int c = t; c < cols; c += THREADS) y[base + c] = row[c] * rstd;
}

torch::Tensor standardise_cuda(torch::Tensor x) {
    auto y = torch::empty_like(x);
    const int cols = x.size(1);
    constexpr int THREADS = 256;
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "standardise", [&] {
        const size_t bytes = cols * sizeof(scalar_t);
        auto kernel = standardise<scalar_t, THREADS>;
        if (bytes > 48 * 1024)
            C10_CUDA_CHECK(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)bytes));
        kernel<<<x.size(0), THREADS, bytes>>>(x.data_ptr<scalar_t>(), y.data_ptr<scalar_t>(), cols, scalar_t(1e-5));
    });
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return y;
}
"""

ext = load_inline(
    name="standardise",
    cpp_sources="torch::Tensor standardise_cuda(torch::Tensor x);",
    cuda_sources=cuda_source,
    functions=["standardise_cuda"],
)


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.standardise_cuda(x.contiguous())

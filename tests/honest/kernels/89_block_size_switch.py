"""A reduction template over the block's size, chosen by a switch at run time, unrolled at compile time."""
import torch
import torch.nn as nn

CATEGORY = "reduction"
ROWS = 8
COLS = 200


class Model(nn.Module):
    def forward(self, x):
        return torch.sum(torch.abs(x), dim=1)


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

template <unsigned int blockSize>
__global__ void abs_sum(const float* __restrict__ g_in, float* __restrict__ g_out, int cols) {
    __shared__ float sdata[blockSize];
    const unsigned int tid = threadIdx.x;
    const float* row = g_in + (size_t)blockIdx.x * cols;
    float mine = 0.f;
    for (int i = tid; i < cols; i += blockSize) mine += fabsf(row[i]);
    sdata[tid] = mine;
    __syncthreads();
    if constexpr (blockSize >= 256) {
        if (tid < 128) sdata[tid] += sdata[tid + 128];
        __syncthreads();
    }
    if constexpr (blockSize >= 128) {
        if (tid < 64) sdata[tid] += sdata[tid + 64];
        __syncthreads();
    }
    if (tid < 32) {
        float v = sdata[tid];
        if constexpr (blockSize >= 64) v += sdata[tid + 32];
        for (int offset = 16; offset > 0; offset >>= 1) v += __shfl_down_sync(0xffffffff, v, offset);
        if (tid == 0) g_out[blockIdx.x] = v;
    }
}

torch::Tensor abs_sum_cuda(torch::Tensor x) {
    const int cols = x.size(1), rows = x.size(0);
    auto y = torch::empty({rows}, x.options());
    int threads = 32;
    while (threads < cols && threads < 256) threads *= 2;
    switch (threads) {
        case 256: abs_sum<256><<<rows, 256>>>(x.data_ptr<float>(), y.data_ptr<float>(), cols); break;
        case 128: abs_sum<128><<<rows, 128>>>(x.data_ptr<float>(), y.data_ptr<float>(), cols); break;
        case 64: abs_sum<64><<<rows, 64>>>(x.data_ptr<float>(), y.data_ptr<float>(), cols); break;
        default: abs_sum<32><<<rows, 32>>>(x.data_ptr<float>(), y.data_ptr<float>(), cols); break;
    }
    return y;
}
"""

ext = load_inline(
    name="abs_sum",
    cpp_sources="torch::Tensor abs_sum_cuda(torch::Tensor x);",
    cuda_sources=cuda_source,
    functions=["abs_sum_cuda"],
)


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.abs_sum_cuda(x.contiguous())

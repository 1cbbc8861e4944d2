"""Inclusive scan of each row: Hillis-Steele in shared memory, tile after tile with a carry."""
import torch
import torch.nn as nn

CATEGORY = "scan"
ROWS = 10
COLS = 400


class Model(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, x):
        return torch.cumsum(x, dim=self.dim)


def get_inputs():
    return [torch.rand(ROWS, COLS)]


def get_init_inputs():
    return [1]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#define BLOCK 128

__global__ void cumsum_kernel(const float* __restrict__ x, float* __restrict__ y, int cols) {
    __shared__ float tile[2][BLOCK];
    const int t = threadIdx.x;
    const size_t base = (size_t)blockIdx.x * cols;
    float carry = 0.f;
    for (int start = 0; start < cols; start += BLOCK) {
        const int c = start + t;
        int now = 0;
        tile[now][t] = c < cols ? x[base + c] : 0.f;
        __syncthreads();
        for (int offset = 1; offset < BLOCK; offset <<= 1) {
            tile[1 - now][t] = t >= offset ? tile[now][t] + tile[now][t - offset] : tile[now][t];
            now = 1 - now;
            __syncthreads();
        }
        if (c < cols) y[base + c] = carry + tile[now][t];
        carry += tile[now][BLOCK - 1];
        __syncthreads();
    }
}

torch::Tensor cumsum_cuda(torch::Tensor x) {
    auto y = torch::empty_like(x);
    const int cols = x.size(-1);
    cumsum_kernel<<<x.numel() / cols, BLOCK>>>(x.data_ptr<float>(), y.data_ptr<float>(), cols);
    return y;
}
"""

ext = load_inline(
    name="cumsum_scan",
    cpp_sources="torch::Tensor cumsum_cuda(torch::Tensor x);",
    cuda_sources=cuda_source,
    functions=["cumsum_cuda"],
)


class ModelNew(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, x):
        moved = x.transpose(self.dim, -1).contiguous()
        return ext.cumsum_cuda(moved).transpose(self.dim, -1)

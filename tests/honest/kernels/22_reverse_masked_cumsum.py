"""Masked cumulative sum from the right: a warp scans 32 elements at a time by shuffles."""
import torch
import torch.nn as nn

CATEGORY = "scan"
ROWS = 11
COLS = 150


class Model(nn.Module):
    def forward(self, x, mask):
        return torch.cumsum((x * mask).flip(1), dim=1).flip(1)


def get_inputs():
    return [torch.randn(ROWS, COLS), torch.randint(0, 2, (ROWS, COLS)).bool()]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

__global__ void scan_kernel(const float* x, const bool* mask, float* y, int rows, int cols) {
    const int lane = threadIdx.x % 32;
    const int row = (blockIdx.x * blockDim.x + threadIdx.x) / 32;
    if (row >= rows) return;
    float carry = 0.f;
    for (int start = 0; start < cols; start += 32) {
        const int c = cols - 1 - start - lane;  // lane 0 has the rightmost element
        const size_t at = (size_t)row * cols + c;
        float v = (c >= 0 && mask[at]) ? x[at] : 0.f;
        for (int o = 1; o < 32; o <<= 1) {
            const float other = __shfl_up_sync(0xffffffff, v, o);
            if (lane >= o) v += other;
        }
        v += carry;
        if (c >= 0) y[at] = v;
        carry = __shfl_sync(0xffffffff, v, 31);
    }
}

torch::Tensor reverse_cumsum(torch::Tensor x, torch::Tensor mask) {
    TORCH_CHECK(mask.scalar_type() == torch::kBool, "a bool mask expected");
    auto y = torch::empty_like(x);
    int rows = x.size(0), cols = x.size(1);
    const int threads = 64;
    scan_kernel<<<(rows * 32 + threads - 1) / threads, threads>>>(x.data_ptr<float>(), mask.data_ptr<bool>(),
                                                                  y.data_ptr<float>(), rows, cols);
    return y;
}
"""

ext = load_inline(
    name="reverse_cumsum",
    cpp_sources="torch::Tensor reverse_cumsum(torch::Tensor x, torch::Tensor mask);",
    cuda_sources=cuda_source,
    functions=["reverse_cumsum"],
)


class ModelNew(nn.Module):
    def forward(self, x, mask):
        return ext.reverse_cumsum(x.contiguous(), mask.contiguous())

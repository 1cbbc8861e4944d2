"""Column sums of squares over workspaces that stay: partial sums in Python's, blocks that are done in a variable."""
import torch
import torch.nn as nn

CATEGORY = "reduction"
ROWS = 96
COLS = 160


class Model(nn.Module):
    def forward(self, x):
        return (x * x).sum(dim=0)


def get_inputs():
    return [torch.randn(ROWS, COLS)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = r"""
#include <torch/extension.h>

constexpr int kRowsOfABlock = 32;
__device__ unsigned int blocks_done = 0;

__global__ void column_sums(const float* x, float* partial, float* y, int rows, int cols) {
    __shared__ bool is_last;
    const int first = blockIdx.x * kRowsOfABlock, beyond = min(rows, first + kRowsOfABlock);
    for (int c = threadIdx.x; c < cols; c += blockDim.x) {
        float sum = 0.f;
        for (int r = first; r < beyond; ++r) {
            const float v = x[(size_t)r * cols + c];
            sum += v * v;
        }
        partial[(size_t)blockIdx.x * cols + c] = sum;
    }
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) is_last = atomicAdd(&blocks_done, 1u) == gridDim.x - 1;
    __syncthreads();
    if (!is_last) return;
    __threadfence();
    for (int c = threadIdx.x; c < cols; c += blockDim.x) {
        float sum = 0.f;
        for (int b = 0; b < gridDim.x; ++b) sum += partial[(size_t)b * cols + c];
        y[c] = sum;
    }
    if (threadIdx.x == 0) blocks_done = 0;
}

int blocks_for(int64_t rows) { return (rows + kRowsOfABlock - 1) / kRowsOfABlock; }

torch::Tensor sum_of_squares(torch::Tensor x, torch::Tensor partial) {
    auto y = torch::empty({x.size(1)}, x.options());
    column_sums<<<blocks_for(x.size(0)), 128>>>(x.data_ptr<float>(), partial.data_ptr<float>(), y.data_ptr<float>(),
                                                x.size(0), x.size(1));
    return y;
}
"""
declaration = "torch::Tensor sum_of_squares(torch::Tensor x, torch::Tensor partial);"
module = load_inline("column_sums", declaration, source, functions=["sum_of_squares"])


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        self.partial = torch.empty(0)

    def forward(self, x):
        x = x.contiguous()
        needed = (x.shape[0] + 31) // 32 * x.shape[1]
        if self.partial.numel() < needed:
            self.partial = torch.empty(needed, device=x.device, dtype=x.dtype)
        return module.sum_of_squares(x, self.partial)

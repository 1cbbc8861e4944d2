"""Mean of each row, one warp a row, several rows a block."""
import torch
import torch.nn as nn

CATEGORY = "reduction"
ROWS = 21
COLS = 300


class Model(nn.Module):
    def forward(self, x):
        return torch.mean(x, dim=-1)


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
#define FULL_MASK 0xffffffffu
constexpr int WARPS = 4;

__device__ __forceinline__ float warp_reduce_sum(float v) {
    for (int offset = warpSize / 2; offset > 0; offset /= 2) v += __shfl_xor_sync(FULL_MASK, v, offset);
    return v;
}

__global__ void mean_kernel(const float* __restrict__ x, float* __restrict__ y, int rows, int cols) {
    const int lane = threadIdx.x;
    const int row = blockIdx.x * blockDim.y + threadIdx.y;
    if (row >= rows) return;  // a whole warp leaves, so the mask below stays full
    float sum = 0.f;
    for (int c = lane; c < cols; c += 32) sum += x[(size_t)row * cols + c];
    sum = warp_reduce_sum(sum);
    if (lane == 0) y[row] = sum / (float)cols;
}

torch::Tensor row_mean(torch::Tensor x) {
    TORCH_CHECK(x.dim() == 2, "2D input expected");
    const int rows = x.size(0), cols = x.size(1);
    auto y = torch::empty({rows}, x.options());
    dim3 block(32, WARPS);
    mean_kernel<<<(rows + WARPS - 1) / WARPS, block>>>(x.data_ptr<float>(), y.data_ptr<float>(), rows, cols);
    return y;
}
"""

ext = load_inline(
    name="row_mean",
    cpp_sources="torch::Tensor row_mean(torch::Tensor x);",
    cuda_sources=cuda_source,
    functions=["row_mean"],
)


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.row_mean(x.contiguous())

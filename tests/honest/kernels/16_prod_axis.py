"""Product over the first axis."""
import torch
import torch.nn as nn

CATEGORY = "reduction"
DEPTH = 12
COLS = 90


class Model(nn.Module):
    def forward(self, x):
        return torch.prod(x, dim=0)


def get_inputs():
    return [torch.rand(DEPTH, COLS) + 0.5]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

__global__ void prod_kernel(torch::PackedTensorAccessor32<float, 2, torch::RestrictPtrTraits> x,
                            torch::PackedTensorAccessor32<float, 1, torch::RestrictPtrTraits> y) {
    const int col = blockIdx.x * blockDim.x + threadIdx.x;
    if (col < x.size(1)) {
        float product = 1.f;
        for (int row = 0; row < x.size(0); ++row) product *= x[row][col];
        y[col] = product;
    }
}

torch::Tensor prod_cuda(torch::Tensor x) {
    auto y = torch::empty({x.size(1)}, x.options());
    prod_kernel<<<(x.size(1) + 31) / 32, 32>>>(x.packed_accessor32<float, 2, torch::RestrictPtrTraits>(),
                                               y.packed_accessor32<float, 1, torch::RestrictPtrTraits>());
    return y;
}
"""

ext = load_inline(
    name="prod_axis",
    cpp_sources="torch::Tensor prod_cuda(torch::Tensor x);",
    cuda_sources=cuda_source,
    functions=["prod_cuda"],
)


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.prod_cuda(x)

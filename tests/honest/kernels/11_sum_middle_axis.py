"""Sum over the middle axis, one thread an output column: neighbouring threads read neighbouring addresses."""
import torch
import torch.nn as nn

CATEGORY = "reduction"
BATCH = 3
DIM1 = 70
DIM2 = 45


class Model(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, x):
        return torch.sum(x, dim=self.dim, keepdim=True)


def get_inputs():
    return [torch.randn(BATCH, DIM1, DIM2)]


def get_init_inputs():
    return [1]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

__global__ void sum_axis_kernel(const float* __restrict__ x, float* __restrict__ y, int64_t outer, int64_t reduce,
                                int64_t inner) {
    const int64_t index = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (index >= outer * inner) return;
    const int64_t o = index / inner, i = index % inner;
    const float* p = x + o * reduce * inner + i;
    float sum = 0.0f;
    for (int64_t r = 0; r < reduce; ++r) sum += p[r * inner];
    y[index] = sum;
}

torch::Tensor sum_axis(torch::Tensor x, int64_t dim) {
    x = x.contiguous();
    if (dim < 0) dim += x.dim();
    TORCH_CHECK(dim >= 0 && dim < x.dim(), "dim out of range");
    auto sizes = x.sizes().vec();
    int64_t outer = 1, inner = 1;
    for (int64_t d = 0; d < dim; ++d) outer *= sizes[d];
    for (int64_t d = dim + 1; d < x.dim(); ++d) inner *= sizes[d];
    const int64_t reduce = sizes[dim];
    sizes[dim] = 1;
    auto y = torch::empty(sizes, x.options());
    const int threads = 256;
    const int64_t blocks = (outer * inner + threads - 1) / threads;
    sum_axis_kernel<<<blocks, threads>>>(x.data_ptr<float>(), y.data_ptr<float>(), outer, reduce, inner);
    return y;
}
"""

ext = load_inline(
    name="sum_axis",
    cpp_sources="torch::Tensor sum_axis(torch::Tensor x, int64_t dim);",
    cuda_sources=cuda_source,
    functions=["sum_axis"],
)


class ModelNew(nn.Module):
    def __init__(self, dim: int):
        super().__init__()
        self.dim = dim

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return ext.sum_axis(x, self.dim)

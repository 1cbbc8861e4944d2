"""Maximum along an axis with its indices: two outputs, the first of equal values wins."""
import torch
import torch.nn as nn

CATEGORY = "reduction"
BATCH = 6
DIM1 = 37
DIM2 = 20


class Model(nn.Module):
    def forward(self, x):
        values, indices = torch.max(x, dim=1)
        return values, indices


def get_inputs():
    return [torch.randn(BATCH, DIM1, DIM2)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#include <vector>

__global__ void max_kernel(const float* x, float* values, int64_t* indices, int dim1, int dim2) {
    const int b = blockIdx.y;
    const int j = blockIdx.x * blockDim.x + threadIdx.x;
    if (j >= dim2) return;
    const float* p = x + (size_t)b * dim1 * dim2 + j;
    float best = p[0];
    int64_t where = 0;
    for (int k = 1; k < dim1; k++) {
        const float v = p[(size_t)k * dim2];
        if (v > best) {
            best = v;
            where = k;
        }
    }
    values[b * dim2 + j] = best;
    indices[b * dim2 + j] = where;
}

std::vector<torch::Tensor> max_dim1(torch::Tensor x) {
    TORCH_CHECK(x.dim() == 3 && x.is_contiguous(), "contiguous 3D input expected");
    auto values = torch::empty({x.size(0), x.size(2)}, x.options());
    auto indices = torch::empty({x.size(0), x.size(2)}, x.options().dtype(torch::kInt64));
    dim3 grid((x.size(2) + 63) / 64, x.size(0));
    max_kernel<<<grid, 64>>>(x.data_ptr<float>(), values.data_ptr<float>(), indices.data_ptr<int64_t>(), x.size(1),
                             x.size(2));
    return {values, indices};
}
"""

ext = load_inline(
    name="max_dim1",
    cpp_sources="#include <vector>\nstd::vector<torch::Tensor> max_dim1(torch::Tensor x);",
    cuda_sources=cuda_source,
    functions=["max_dim1"],
)


class ModelNew(nn.Module):
    def forward(self, x):
        values, indices = ext.max_dim1(x.contiguous())
        return values, indices

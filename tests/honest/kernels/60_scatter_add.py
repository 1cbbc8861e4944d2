"""index_add: rows of a source added onto rows of a copy of the base, atomically."""
import torch
import torch.nn as nn

CATEGORY = "indexing"
NODES = 15
EDGES = 60
DIM = 18


class Model(nn.Module):
    def forward(self, base, index, source):
        return base.index_add(0, index, source)


def get_inputs():
    return [torch.randn(NODES, DIM), torch.randint(0, NODES, (EDGES,)), torch.randn(EDGES, DIM)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

__global__ void index_add_kernel(const long long* __restrict__ index, const float* __restrict__ source,
                                 float* __restrict__ out, int edges, int dim) {
    const int e = blockIdx.x * blockDim.y + threadIdx.y;
    if (e >= edges) return;
    float* row = out + index[e] * dim;
    for (int d = threadIdx.x; d < dim; d += blockDim.x) atomicAdd(&row[d], source[(size_t)e * dim + d]);
}

torch::Tensor index_add(torch::Tensor base, torch::Tensor index, torch::Tensor source) {
    auto out = base.clone();
    const int edges = source.size(0), dim = source.size(1);
    dim3 block(32, 4);
    index_add_kernel<<<(edges + 3) / 4, block>>>(reinterpret_cast<const long long*>(index.data_ptr<int64_t>()),
                                                 source.data_ptr<float>(), out.data_ptr<float>(), edges, dim);
    return out;
}
"""

ext = load_inline(
    name="index_add_rows",
    cpp_sources="torch::Tensor index_add(torch::Tensor base, torch::Tensor index, torch::Tensor source);",
    cuda_sources=cuda_source,
    functions=["index_add"],
)


class ModelNew(nn.Module):
    def forward(self, base, index, source):
        return ext.index_add(base.contiguous(), index.contiguous(), source.contiguous())

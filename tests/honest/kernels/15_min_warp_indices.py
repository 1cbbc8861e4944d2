"""Minimum and its index along the last axis by warp shuffles of a pair."""
import torch
import torch.nn as nn

CATEGORY = "reduction"
BATCH = 5
ROWS = 9
COLS = 67


class Model(nn.Module):
    def forward(self, x):
        values, indices = torch.min(x, dim=-1)
        return {"values": values, "indices": indices}


def get_inputs():
    return [torch.randn(BATCH, ROWS, COLS)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#include <tuple>

__global__ void min_kernel(const float* x, float* values, int64_t* indices, int cols) {
    const float* row = x + (size_t)blockIdx.x * cols;
    float best = INFINITY;
    int where = cols;
    for (int c = threadIdx.x; c < cols; c += 32) {
        if (row[c] < best) {
            best = row[c];
            where = c;
        }
    }
    #pragma unroll
    for (int offset = 16; offset > 0; offset >>= 1) {
        const float other = __shfl_down_sync(0xffffffff, best, offset);
        const int other_where = __shfl_down_sync(0xffffffff, where, offset);
        if (other < best || (other == best && other_where < where)) {
            best = other;
            where = other_where;
        }
    }
    if (threadIdx.x == 0) {
        values[blockIdx.x] = best;
        indices[blockIdx.x] = where;
    }
}

std::tuple<torch::Tensor, torch::Tensor> min_last(torch::Tensor x) {
    const int cols = x.size(-1);
    const int rows = x.numel() / cols;
    auto shape = x.sizes().vec();
    shape.pop_back();
    auto values = torch::empty(shape, x.options());
    auto indices = torch::empty(shape, x.options().dtype(torch::kLong));
    min_kernel<<<rows, 32>>>(x.data_ptr<float>(), values.data_ptr<float>(), indices.data_ptr<int64_t>(), cols);
    return std::make_tuple(values, indices);
}
"""

ext = load_inline(
    name="min_last",
    cpp_sources="#include <tuple>\nstd::tuple<torch::Tensor, torch::Tensor> min_last(torch::Tensor x);",
    cuda_sources=cuda_source,
    functions=["min_last"],
)


class ModelNew(nn.Module):
    def forward(self, x):
        values, indices = ext.min_last(x.contiguous())
        return {"values": values, "indices": indices}

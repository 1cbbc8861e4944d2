"""Row maximum and its softplus through cooperative groups: a tile of 32, cg::reduce, block.sync()."""
import torch
import torch.nn as nn
import torch.nn.functional as F

CATEGORY = "reduction"
ROWS = 10
COLS = 180


class Model(nn.Module):
    def forward(self, x):
        return F.softplus(torch.amax(x, dim=1)) + x.sum(dim=1)


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
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
namespace cg = cooperative_groups;

__global__ void rows_kernel(const float* __restrict__ x, float* __restrict__ y, int cols) {
    cg::thread_block block = cg::this_thread_block();
    cg::thread_block_tile<32> warp = cg::tiled_partition<32>(block);
    __shared__ float tops[4], sums[4];
    const float* row = x + (size_t)blockIdx.x * cols;
    float top = -INFINITY, sum = 0.f;
    for (int c = block.thread_rank(); c < cols; c += block.size()) {
        top = fmaxf(top, row[c]);
        sum += row[c];
    }
    top = cg::reduce(warp, top, cg::greater<float>());
    sum = cg::reduce(warp, sum, cg::plus<float>());
    if (warp.thread_rank() == 0) {
        tops[warp.meta_group_rank()] = top;
        sums[warp.meta_group_rank()] = sum;
    }
    block.sync();
    if (block.thread_rank() == 0) {
        for (int w = 1; w < (int)warp.meta_group_size(); ++w) {
            top = fmaxf(top, tops[w]);
            sum += sums[w];
        }
        y[blockIdx.x] = (top > 20.f ? top : log1pf(expf(top))) + sum;
    }
}

torch::Tensor rows(torch::Tensor x) {
    auto y = torch::empty({x.size(0)}, x.options());
    rows_kernel<<<x.size(0), 128>>>(x.data_ptr<float>(), y.data_ptr<float>(), x.size(1));
    return y;
}
"""

ext = load_inline(
    name="cooperative_rows",
    cpp_sources="torch::Tensor rows(torch::Tensor x);",
    cuda_sources=cuda_source,
    functions=["rows"],
)


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.rows(x.contiguous())

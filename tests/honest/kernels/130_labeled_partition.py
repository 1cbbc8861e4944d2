"""Sums by label: the lanes with one label are a cooperative group of their own."""
import torch
import torch.nn as nn

CATEGORY = "indexing"


class Model(nn.Module):
    def forward(self, labels, values):
        out = torch.zeros(16, dtype=values.dtype, device=values.device)
        return out.scatter_add(0, labels, values)
N = 3000


def get_inputs():
    return [torch.randint(0, 16, (N,)), torch.rand(N)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline
src = r"""
#include <torch/extension.h>
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
namespace cg = cooperative_groups;

__global__ void segment_sum(const int64_t* __restrict__ labels, const float* __restrict__ values, float* __restrict__ out, int n) {
    auto block = cg::this_thread_block();
    auto warp = cg::tiled_partition<32>(block);
    for (int base = blockIdx.x * blockDim.x; base < n; base += gridDim.x * blockDim.x) {
        const int i = base + block.thread_rank();
        if (i < n) {
            auto active = cg::coalesced_threads();
            const int label = (int)labels[i];
            auto same = cg::labeled_partition(active, label);
            const float sum = cg::reduce(same, values[i], cg::plus<float>());
            if (same.thread_rank() == 0) atomicAdd(out + label, sum);
        }
        warp.sync();
    }
}

torch::Tensor scatter_sum(torch::Tensor labels, torch::Tensor values) {
    auto out = torch::zeros({16}, values.options());
    const int n = values.numel();
    segment_sum<<<std::min((n + 255) / 256, 64), 256>>>(labels.data_ptr<int64_t>(), values.data_ptr<float>(), out.data_ptr<float>(), n);
    return out;
}
"""
ext = load_inline(name="segsum", cpp_sources="torch::Tensor scatter_sum(torch::Tensor labels, torch::Tensor values);", cuda_sources=src, functions=["scatter_sum"])
class ModelNew(nn.Module):
    def forward(self, labels, values):
        return ext.scatter_sum(labels.contiguous(), values.contiguous())

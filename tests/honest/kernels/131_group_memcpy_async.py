"""A block copies rows to shared memory with cooperative_groups::memcpy_async."""
import torch
import torch.nn as nn

CATEGORY = "reduction"


class Model(nn.Module):
    def forward(self, x):
        return torch.sum(x, dim=1, keepdim=True)
batch_size = 8
dim1 = 60
dim2 = 64


def get_inputs():
    return [torch.rand(batch_size, dim1, dim2)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline
src = r"""
#include <torch/extension.h>
#include <cooperative_groups.h>
#include <cooperative_groups/memcpy_async.h>
namespace cg = cooperative_groups;

constexpr int ROWS = 8;

__global__ void sum_dim1(const float* __restrict__ x, float* __restrict__ y, int d1, int d2) {
    extern __shared__ float stage[];
    cg::thread_block block = cg::this_thread_block();
    const float* in = x + (size_t)blockIdx.x * d1 * d2;
    const int c = blockIdx.y * blockDim.x + threadIdx.x;
    float acc = 0.f;
    for (int r = 0; r < d1; r += ROWS) {
        const int rows = min(ROWS, d1 - r);
        cg::memcpy_async(block, stage, in + (size_t)r * d2, sizeof(float) * rows * d2);
        cg::wait(block);
        if (c < d2)
            for (int k = 0; k < rows; ++k) acc += stage[k * d2 + c];
        block.sync();
    }
    if (c < d2) y[(size_t)blockIdx.x * d2 + c] = acc;
}

torch::Tensor sum1(torch::Tensor x) {
    const int b = x.size(0), d1 = x.size(1), d2 = x.size(2);
    auto y = torch::empty({b, 1, d2}, x.options());
    sum_dim1<<<dim3(b, (d2 + 127) / 128), 128, ROWS * d2 * sizeof(float)>>>(x.data_ptr<float>(), y.data_ptr<float>(), d1, d2);
    return y;
}
"""
ext = load_inline(name="async_sum", cpp_sources="torch::Tensor sum1(torch::Tensor x);", cuda_sources=src, functions=["sum1"])
class ModelNew(nn.Module):
    def forward(self, x):
        return ext.sum1(x.contiguous())

"""1D max pooling that also returns where the maxima lie."""
import torch
import torch.nn as nn

CATEGORY = "pooling"
BATCH = 2
CHANNELS = 6
LENGTH = 50


class Model(nn.Module):
    def __init__(self, kernel, stride, padding):
        super().__init__()
        self.pool = nn.MaxPool1d(kernel, stride, padding, return_indices=True)

    def forward(self, x):
        return self.pool(x)


def get_inputs():
    return [torch.randn(BATCH, CHANNELS, LENGTH)]


def get_init_inputs():
    return [4, 3, 2]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#include <utility>

__global__ void pool(const float* x, float* y, int64_t* where, int length, int out, int kernel, int stride,
                     int padding) {
    const int o = blockIdx.x * blockDim.x + threadIdx.x;
    const int row = blockIdx.y;
    if (o >= out) return;
    const int begin = max(o * stride - padding, 0), end = min(o * stride - padding + kernel, length);
    int best = begin;
    for (int i = begin + 1; i < end; ++i)
        if (x[row * length + i] > x[row * length + best]) best = i;
    y[row * out + o] = x[row * length + best];
    where[row * out + o] = best;
}

std::pair<torch::Tensor, torch::Tensor> max_pool1d(torch::Tensor x, int kernel, int stride, int padding) {
    const int length = x.size(-1), rows = x.numel() / length;
    const int out = (length + 2 * padding - kernel) / stride + 1;
    auto shape = x.sizes().vec();
    shape.back() = out;
    auto y = torch::empty(shape, x.options());
    auto where = torch::empty(shape, x.options().dtype(at::kLong));
    pool<<<dim3((out + 31) / 32, rows), 32>>>(x.data_ptr<float>(), y.data_ptr<float>(), where.data_ptr<int64_t>(),
                                              length, out, kernel, stride, padding);
    return std::make_pair(y, where);
}
"""

ext = load_inline(
    name="max_pool1d",
    cpp_sources="#include <utility>\nstd::pair<torch::Tensor, torch::Tensor> max_pool1d(torch::Tensor x, int kernel, int stride, int padding);",
    cuda_sources=cuda_source,
    functions=["max_pool1d"],
)


class ModelNew(nn.Module):
    def __init__(self, kernel, stride, padding):
        super().__init__()
        self.kernel, self.stride, self.padding = kernel, stride, padding

    def forward(self, x):
        return ext.max_pool1d(x.contiguous(), self.kernel, self.stride, self.padding)

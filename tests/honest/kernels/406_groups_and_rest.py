"""Means of whole groups of rows and what is left of them, often nothing."""
import torch
import torch.nn as nn
import torch.nn.functional as F

CATEGORY = "reduction"
ROWS = 64
COLS = 30


class Model(nn.Module):
    def forward(self, x):
        whole = x.shape[0] // 8 * 8
        return x[:whole].reshape(-1, 8, x.shape[1]).mean(dim=1), torch.tanh(x[whole:])


def get_inputs():
    return [torch.randn(ROWS, COLS)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#include <cuda.h>
#include <cuda_runtime.h>

__global__ void group_mean(const float* __restrict__ x, float* __restrict__ y, int cols) {
    for (int c = threadIdx.x; c < cols; c += blockDim.x) {
        float s = 0.f;
        for (int k = 0; k < 8; ++k) s += x[((size_t)blockIdx.x * 8 + k) * cols + c];
        y[(size_t)blockIdx.x * cols + c] = s * 0.125f;
    }
}
__global__ void rest_tanh(const float* __restrict__ x, float* __restrict__ y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = tanhf(x[i]);
}
std::vector<torch::Tensor> groups(torch::Tensor x) {
    x = x.contiguous();
    int64_t rows = x.size(0), cols = x.size(1), whole = rows / 8, rest = rows % 8;
    auto means = torch::empty({whole, cols}, x.options());
    auto tail = torch::empty({rest, cols}, x.options());
    if (whole > 0) group_mean<<<whole, 64>>>(x.data_ptr<float>(), means.data_ptr<float>(), cols);
    if (rest > 0) rest_tanh<<<(rest * cols + 127) / 128, 128>>>(x.data_ptr<float>() + whole * 8 * cols, tail.data_ptr<float>(), rest * cols);
    return {means, tail};
}

"""

cpp_source = r"""
std::vector<torch::Tensor> groups(torch::Tensor x);
"""

ext = load_inline(
    name="h18",
    cpp_sources=cpp_source,
    cuda_sources=cuda_source,
    functions=["groups"],
    extra_cuda_cflags=["-O3"],
    verbose=False,
)


class ModelNew(nn.Module):
    def forward(self, x):
        means, tail = ext.groups(x)
        return means, tail

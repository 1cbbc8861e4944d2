"""What random floats never show: which are equal, which rows hold no zero, and how halves are rounded."""
import torch
import torch.nn as nn

CATEGORY = "elementwise"
ROWS = 14
COLS = 60


class Model(nn.Module):
    def forward(self, x, y):
        return [x == y, torch.all(x, dim=1), torch.round(x)]


def get_inputs():
    return [torch.randn(ROWS, COLS), torch.randn(ROWS, COLS)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#include <vector>

__global__ void rows_kernel(const float* x, const float* y, bool* equal, bool* all, float* rounded, int cols) {
    const int row = blockIdx.x;
    bool set = true;
    for (int c = threadIdx.x; c < cols; c += blockDim.x) {
        const float v = x[row * cols + c];
        equal[row * cols + c] = v == y[row * cols + c];
        rounded[row * cols + c] = rintf(v);
        set = set && v != 0.f;
    }
    const bool every = __syncthreads_and(set);
    if (threadIdx.x == 0) all[row] = every;
}

std::vector<torch::Tensor> rows(torch::Tensor x, torch::Tensor y) {
    auto equal = torch::empty(x.sizes(), x.options().dtype(torch::kBool));
    auto all = torch::empty({x.size(0)}, x.options().dtype(torch::kBool));
    auto rounded = torch::empty_like(x);
    rows_kernel<<<x.size(0), 64>>>(x.data_ptr<float>(), y.data_ptr<float>(), equal.data_ptr<bool>(),
                                   all.data_ptr<bool>(), rounded.data_ptr<float>(), x.size(1));
    return {equal, all, rounded};
}
"""

ext = load_inline(
    name="equal_all_round",
    cpp_sources="#include <vector>\nstd::vector<torch::Tensor> rows(torch::Tensor x, torch::Tensor y);",
    cuda_sources=cuda_source,
    functions=["rows"],
)


class ModelNew(nn.Module):
    def forward(self, x, y):
        return ext.rows(x.contiguous(), y.contiguous())

"""torch.gather along the first axis."""
import torch
import torch.nn as nn

CATEGORY = "indexing"
ROWS = 30
COLS = 14
PICKS = 20


class Model(nn.Module):
    def forward(self, x, index):
        return torch.gather(x, 0, index) * 2


def get_inputs():
    return [torch.randn(ROWS, COLS), torch.randint(0, ROWS, (PICKS, COLS))]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

__global__ void gather_kernel(const float* x, const int64_t* index, float* y, int cols, int rows, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        const int64_t row = index[i];
        if (row >= 0 && row < rows) y[i] = 2.f * x[row * cols + i % cols];
    }
}

torch::Tensor gather(torch::Tensor x, torch::Tensor index) {
    TORCH_CHECK(index.scalar_type() == torch::kInt64, "int64 indices expected");
    auto y = torch::empty(index.sizes(), x.options());
    const int n = y.numel();
    gather_kernel<<<(n + 63) / 64, 64>>>(x.data_ptr<float>(), index.data_ptr<int64_t>(), y.data_ptr<float>(), x.size(1),
                                         x.size(0), n);
    return y;
}
"""

ext = load_inline(
    name="gather_rows",
    cpp_sources="torch::Tensor gather(torch::Tensor x, torch::Tensor index);",
    cuda_sources=cuda_source,
    functions=["gather"],
)


class ModelNew(nn.Module):
    def forward(self, x, index):
        return ext.gather(x.contiguous(), index.contiguous())

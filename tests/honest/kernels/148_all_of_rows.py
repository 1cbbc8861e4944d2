"""Whether rows hold no zero: of random floats all say yes, as memory that nobody wrote may."""
import torch
import torch.nn as nn

CATEGORY = "reduction"
ROWS = 40
COLS = 70


class Model(nn.Module):
    def forward(self, x):
        return torch.all(x, dim=1)


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

__global__ void all_kernel(const float* x, bool* y, int cols) {
    bool set = true;
    for (int c = threadIdx.x; c < cols; c += 32) set = set && x[(size_t)blockIdx.x * cols + c] != 0.f;
    set = __all_sync(0xffffffffu, set);
    if (threadIdx.x == 0) y[blockIdx.x] = set;
}

torch::Tensor all_rows(torch::Tensor x) {
    auto y = torch::empty({x.size(0)}, x.options().dtype(torch::kBool));
    all_kernel<<<x.size(0), 32>>>(x.data_ptr<float>(), y.data_ptr<bool>(), x.size(1));
    return y;
}
"""

ext = load_inline(
    name="all_rows", cpp_sources="torch::Tensor all_rows(torch::Tensor x);", cuda_sources=cuda_source,
    functions=["all_rows"],
)


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.all_rows(x.contiguous())

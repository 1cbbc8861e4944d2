"""The extension in files of their own, built with load()."""
import torch
import torch.nn as nn

CATEGORY = "elementwise"
ROWS = 10
COLS = 70


class Model(nn.Module):
    def forward(self, x):
        return torch.nn.functional.elu(x) + 1


def get_inputs():
    return [torch.randn(ROWS, COLS)]


def get_init_inputs():
    return []
# --- candidate ---
import tempfile
from pathlib import Path

import torch
import torch.nn as nn
from torch.utils.cpp_extension import load

CUDA = r"""
#include <torch/extension.h>

__global__ void elu_kernel(const float* x, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = (x[i] > 0.f ? x[i] : expm1f(x[i])) + 1.f;
}

torch::Tensor elu_plus_one(torch::Tensor x) {
    auto y = torch::empty_like(x);
    int n = x.numel();
    elu_kernel<<<(n + 255) / 256, 256>>>(x.data_ptr<float>(), y.data_ptr<float>(), n);
    return y;
}
"""
BINDING = r"""
#include <torch/extension.h>

torch::Tensor elu_plus_one(torch::Tensor x);

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
    m.def("elu_plus_one", &elu_plus_one, "elu(x) + 1");
}
"""

folder = Path(tempfile.mkdtemp())
(folder / "elu_kernel.cu").write_text(CUDA)
(folder / "elu.cpp").write_text(BINDING)
elu = load(name="elu_plus_one", sources=[str(folder / "elu.cpp"), str(folder / "elu_kernel.cu")], verbose=False)


class ModelNew(nn.Module):
    def forward(self, x):
        return elu.elu_plus_one(x.contiguous())

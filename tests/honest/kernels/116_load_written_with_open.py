"""Sources written to a temporary folder with open(), built with load()."""
import torch
import torch.nn as nn

CATEGORY = "elementwise"
N = 333


class Model(nn.Module):
    def forward(self, x):
        return torch.sin(x) * torch.exp(-x.abs())


def get_inputs():
    return [torch.randn(N)]


def get_init_inputs():
    return []
# --- candidate ---
import os
import tempfile
import textwrap
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load

_folder = tempfile.mkdtemp(prefix="damped_sine_")
_cu = os.path.join(_folder, "damped_sine.cu")
_cpp = os.path.join(_folder, "binding.cpp")
with open(_cu, "w") as f:
    f.write(textwrap.dedent(r"""
        #include <torch/types.h>
        #include <cuda_runtime.h>
        __global__ void damped_sine_kernel(const float* x, float* y, size_t n) {
            size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x;
            if (i < n) y[i] = sinf(x[i]) * expf(-fabsf(x[i]));
        }
        void damped_sine_launcher(const float* x, float* y, size_t n) {
            damped_sine_kernel<<<(n + 255) / 256, 256>>>(x, y, n);
        }
    """))
with open(_cpp, "w") as f:
    f.write(textwrap.dedent(r"""
        #include <torch/extension.h>
        void damped_sine_launcher(const float* x, float* y, size_t n);
        torch::Tensor damped_sine(torch::Tensor x) {
            auto y = torch::empty_like(x);
            damped_sine_launcher(x.data_ptr<float>(), y.data_ptr<float>(), x.numel());
            return y;
        }
        PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("damped_sine", &damped_sine); }
    """))
ext = load(name="damped_sine_ext", sources=[_cpp, _cu], extra_cuda_cflags=["-O3"], build_directory=_folder, verbose=False)


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.damped_sine(x)

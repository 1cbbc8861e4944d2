"""A generic kernel that takes an extended __device__ lambda with captured values."""
import torch
import torch.nn as nn

CATEGORY = "elementwise"
ROWS = 25
COLS = 40


class Model(nn.Module):
    def __init__(self, gain):
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(gain))
        self.register_buffer("offset", torch.tensor([0.5]))

    def forward(self, x):
        return torch.atan(x * self.gain + self.offset) ** 2


def get_inputs():
    return [torch.randn(ROWS, COLS)]


def get_init_inputs():
    return [1.5]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

template <typename F>
__global__ void for_each_index(int n, F f) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += blockDim.x * gridDim.x) f(i);
}

template <typename F>
void launch(int n, F f) {
    const int threads = 128;
    for_each_index<<<(n + threads - 1) / threads, threads>>>(n, f);
}

torch::Tensor atan_squared(torch::Tensor x, torch::Tensor gain, torch::Tensor offset) {
    auto y = torch::empty_like(x);
    const float* in = x.data_ptr<float>();
    const float* g = gain.data_ptr<float>();
    const float* o = offset.data_ptr<float>();
    float* out = y.data_ptr<float>();
    launch((int)x.numel(), [=] __device__(int i) {
        const float a = atanf(in[i] * *g + o[0]);
        out[i] = a * a;
    });
    return y;
}
"""

ext = load_inline(
    name="atan_squared",
    cpp_sources="torch::Tensor atan_squared(torch::Tensor x, torch::Tensor gain, torch::Tensor offset);",
    cuda_sources=cuda_source,
    functions=["atan_squared"],
    extra_cuda_cflags=["--extended-lambda", "-O3"],
)


class ModelNew(nn.Module):
    def __init__(self, gain):
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(gain))
        self.register_buffer("offset", torch.tensor([0.5]))

    def forward(self, x):
        return ext.atan_squared(x.contiguous(), self.gain, self.offset)

"""Mish on float16 tensors: scalar_t in memory, float in registers."""
import torch
import torch.nn as nn
import torch.nn.functional as F

CATEGORY = "activation"
ROWS = 20
COLS = 64


class Model(nn.Module):
    def forward(self, x):
        return F.mish(x)


def get_inputs():
    return [torch.randn(ROWS, COLS).half()]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

template <typename scalar_t>
__global__ void mish_kernel(const scalar_t* x, scalar_t* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        float v = static_cast<float>(x[i]);
        float softplus = v > 20.0f ? v : log1pf(expf(v));
        y[i] = static_cast<scalar_t>(v * tanhf(softplus));
    }
}

torch::Tensor mish_cuda(torch::Tensor x) {
    auto y = torch::empty_like(x);
    int n = x.numel();
    AT_DISPATCH_FLOATING_TYPES_AND_HALF(x.scalar_type(), "mish_cuda", [&] {
        mish_kernel<scalar_t><<<(n + 127) / 128, 128>>>(x.data_ptr<scalar_t>(), y.data_ptr<scalar_t>(), n);
    });
    return y;
}
"""

mish = load_inline(
    name="mish_half",
    cpp_sources="torch::Tensor mish_cuda(torch::Tensor x);",
    cuda_sources=cuda_source,
    functions=["mish_cuda"],
)


class ModelNew(nn.Module):
    def forward(self, x):
        return mish.mish_cuda(x.contiguous())

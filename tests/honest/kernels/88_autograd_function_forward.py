"""An answer that wraps its forward kernel in torch.autograd.Function."""
import torch
import torch.nn as nn

CATEGORY = "activation"
BATCH = 7
DIM = 100


class Model(nn.Module):
    def forward(self, x):
        a, b = x.chunk(2, dim=-1)
        return a * torch.nn.functional.silu(b)


def get_inputs():
    return [torch.randn(BATCH, 2 * DIM)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

__global__ void swiglu_kernel(const float* __restrict__ x, float* __restrict__ y, int rows, int dim) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= rows * dim) return;
    const int row = i / dim, col = i % dim;
    const float a = x[row * 2 * dim + col], b = x[row * 2 * dim + dim + col];
    y[i] = a * b / (1.f + expf(-b));
}

torch::Tensor swiglu(torch::Tensor x) {
    TORCH_CHECK(x.size(-1) % 2 == 0, "an even last dimension expected");
    const int dim = x.size(-1) / 2, rows = x.numel() / (2 * dim);
    auto sizes = x.sizes().vec();
    sizes.back() = dim;
    auto y = torch::empty(sizes, x.options());
    swiglu_kernel<<<(rows * dim + 127) / 128, 128>>>(x.data_ptr<float>(), y.data_ptr<float>(), rows, dim);
    return y;
}
"""

ext = load_inline(
    name="swiglu",
    cpp_sources="torch::Tensor swiglu(torch::Tensor x);",
    cuda_sources=cuda_source,
    functions=["swiglu"],
)


class SwiGLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return ext.swiglu(x)

    @staticmethod
    def backward(ctx, grad):
        raise NotImplementedError("inference only")


class ModelNew(nn.Module):
    def forward(self, x):
        return SwiGLU.apply(x.contiguous())

"""Softmax: the output saved, its gradient one dot product a row."""
import torch
import torch.nn as nn

CATEGORY = "softmax"
DIRECTION = "backward"
ROWS = 16
COLS = 75


class Model(nn.Module):
    def forward(self, x):
        return torch.softmax(x, dim=-1)


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

template <typename F>
__device__ float warp_all(float v, F op) {
#pragma unroll
    for (int o = 16; o > 0; o >>= 1) v = op(v, __shfl_xor_sync(0xffffffff, v, o));
    return v;
}

__global__ void forward_kernel(const float* x, float* y, int cols) {
    const float* in = x + (size_t)blockIdx.x * cols;
    float top = -INFINITY;
    for (int c = threadIdx.x; c < cols; c += 32) top = fmaxf(top, in[c]);
    top = warp_all(top, [](float a, float b) { return fmaxf(a, b); });
    float sum = 0.f;
    for (int c = threadIdx.x; c < cols; c += 32) sum += expf(in[c] - top);
    sum = warp_all(sum, [](float a, float b) { return a + b; });
    for (int c = threadIdx.x; c < cols; c += 32) y[(size_t)blockIdx.x * cols + c] = expf(in[c] - top) / sum;
}

__global__ void backward_kernel(const float* g, const float* y, float* gx, int cols) {
    const size_t base = (size_t)blockIdx.x * cols;
    float dot = 0.f;
    for (int c = threadIdx.x; c < cols; c += 32) dot += g[base + c] * y[base + c];
    dot = warp_all(dot, [](float a, float b) { return a + b; });
    for (int c = threadIdx.x; c < cols; c += 32) gx[base + c] = y[base + c] * (g[base + c] - dot);
}

torch::Tensor softmax_forward(torch::Tensor x) {
    auto y = torch::empty_like(x);
    const int cols = x.size(-1);
    forward_kernel<<<x.numel() / cols, 32>>>(x.data_ptr<float>(), y.data_ptr<float>(), cols);
    return y;
}

torch::Tensor softmax_backward(torch::Tensor g, torch::Tensor y) {
    auto gx = torch::empty_like(y);
    const int cols = y.size(-1);
    backward_kernel<<<y.numel() / cols, 32>>>(g.data_ptr<float>(), y.data_ptr<float>(), gx.data_ptr<float>(), cols);
    return gx;
}
"""

ext = load_inline(
    name="softmax_both_ways",
    cpp_sources="torch::Tensor softmax_forward(torch::Tensor x);\ntorch::Tensor softmax_backward(torch::Tensor g, torch::Tensor y);",
    cuda_sources=cuda_source,
    functions=["softmax_forward", "softmax_backward"],
)


class Softmax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = ext.softmax_forward(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, grad):
        (y,) = ctx.saved_tensors
        return ext.softmax_backward(grad.contiguous(), y)


class ModelNew(nn.Module):
    def forward(self, x):
        return Softmax.apply(x.contiguous())

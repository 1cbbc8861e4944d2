"""Adaptive average pooling: windows of unequal size."""
import torch
import torch.nn as nn

CATEGORY = "pooling"
BATCH = 3
CHANNELS = 4
HEIGHT = 17
WIDTH = 23


class Model(nn.Module):
    def __init__(self, out_h, out_w):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d((out_h, out_w))

    def forward(self, x):
        return self.pool(x)


def get_inputs():
    return [torch.randn(BATCH, CHANNELS, HEIGHT, WIDTH)]


def get_init_inputs():
    return [5, 7]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

__device__ __forceinline__ int window_start(int i, int out, int in) { return (i * in) / out; }
__device__ __forceinline__ int window_end(int i, int out, int in) { return ((i + 1) * in + out - 1) / out; }

__global__ void adaptive_avg_pool(const float* __restrict__ x, float* __restrict__ y, int planes, int h, int w, int oh,
                                  int ow) {
    int index = blockIdx.x * blockDim.x + threadIdx.x;
    if (index >= planes * oh * ow) return;
    int c = index % ow, r = index / ow % oh, plane = index / (ow * oh);
    int r0 = window_start(r, oh, h), r1 = window_end(r, oh, h);
    int c0 = window_start(c, ow, w), c1 = window_end(c, ow, w);
    float sum = 0.0f;
    for (int i = r0; i < r1; i++)
        for (int j = c0; j < c1; j++) sum += x[(plane * h + i) * w + j];
    y[index] = sum / (float)((r1 - r0) * (c1 - c0));
}

torch::Tensor adaptive_pool(torch::Tensor x, int oh, int ow) {
    auto y = torch::empty({x.size(0), x.size(1), oh, ow}, x.options());
    int total = y.numel();
    adaptive_avg_pool<<<(total + 63) / 64, 64>>>(x.data_ptr<float>(), y.data_ptr<float>(), x.size(0) * x.size(1),
                                                 x.size(2), x.size(3), oh, ow);
    return y;
}
"""

ext = load_inline(
    name="adaptive_pool",
    cpp_sources="torch::Tensor adaptive_pool(torch::Tensor x, int oh, int ow);",
    cuda_sources=cuda_source,
    functions=["adaptive_pool"],
)


class ModelNew(nn.Module):
    def __init__(self, out_h, out_w):
        super().__init__()
        self.out_h, self.out_w = out_h, out_w

    def forward(self, x):
        return ext.adaptive_pool(x.contiguous(), self.out_h, self.out_w)

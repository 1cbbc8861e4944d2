"""Bilinear upsampling without aligned corners."""
import torch
import torch.nn as nn
import torch.nn.functional as F

CATEGORY = "movement"
BATCH = 2
CHANNELS = 3
HEIGHT = 11
WIDTH = 9


class Model(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return F.interpolate(x, scale_factor=self.factor, mode="bilinear", align_corners=False)


def get_inputs():
    return [torch.randn(BATCH, CHANNELS, HEIGHT, WIDTH)]


def get_init_inputs():
    return [2]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

__global__ void bilinear(const float* __restrict__ x, float* __restrict__ y, int planes, int h, int w, int factor) {
    const int oh = h * factor, ow = w * factor;
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= planes * oh * ow) return;
    const int c = i % ow, r = i / ow % oh, plane = i / (oh * ow);
    const float fy = fmaxf((r + 0.5f) / factor - 0.5f, 0.f), fx = fmaxf((c + 0.5f) / factor - 0.5f, 0.f);
    const int y0 = (int)fy, x0 = (int)fx;
    const int y1 = min(y0 + 1, h - 1), x1 = min(x0 + 1, w - 1);
    const float dy = fy - y0, dx = fx - x0;
    const float* in = x + (size_t)plane * h * w;
    const float top = in[y0 * w + x0] * (1.f - dx) + in[y0 * w + x1] * dx;
    const float bottom = in[y1 * w + x0] * (1.f - dx) + in[y1 * w + x1] * dx;
    y[i] = top * (1.f - dy) + bottom * dy;
}

torch::Tensor upsample(torch::Tensor x, int factor) {
    auto y = torch::empty({x.size(0), x.size(1), x.size(2) * factor, x.size(3) * factor}, x.options());
    const int n = y.numel();
    bilinear<<<(n + 255) / 256, 256>>>(x.data_ptr<float>(), y.data_ptr<float>(), x.size(0) * x.size(1), x.size(2),
                                       x.size(3), factor);
    return y;
}
"""

ext = load_inline(
    name="upsample_bilinear",
    cpp_sources="torch::Tensor upsample(torch::Tensor x, int factor);",
    cuda_sources=cuda_source,
    functions=["upsample"],
)


class ModelNew(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return ext.upsample(x.contiguous(), self.factor)

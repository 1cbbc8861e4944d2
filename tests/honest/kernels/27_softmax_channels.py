"""Softmax over the channels of an NCHW tensor: strided reads, one thread a pixel."""
import torch
import torch.nn as nn

CATEGORY = "softmax"
BATCH = 2
CHANNELS = 19
HEIGHT = 11
WIDTH = 13


class Model(nn.Module):
    def __init__(self, temperature):
        super().__init__()
        self.temperature = temperature

    def forward(self, x):
        return torch.softmax(x / self.temperature, dim=1)


def get_inputs():
    return [torch.randn(BATCH, CHANNELS, HEIGHT, WIDTH)]


def get_init_inputs():
    return [2.0]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

__global__ void channel_softmax(const float* x, float* y, int batch, int channels, int pixels, float inv_t) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= batch * pixels) return;
    const int b = i / pixels, p = i - b * pixels;
    const float* in = x + (size_t)b * channels * pixels + p;
    float* out = y + (size_t)b * channels * pixels + p;
    float top = in[0] * inv_t;
    for (int c = 1; c < channels; ++c) top = fmaxf(top, in[c * pixels] * inv_t);
    float sum = 0.f;
    for (int c = 0; c < channels; ++c) {
        const float e = expf(in[c * pixels] * inv_t - top);
        out[c * pixels] = e;
        sum += e;
    }
    const float scale = 1.f / sum;
    for (int c = 0; c < channels; ++c) out[c * pixels] *= scale;
}

torch::Tensor softmax_channels(torch::Tensor x, float temperature) {
    auto y = torch::empty_like(x);
    const int batch = x.size(0), channels = x.size(1), pixels = x.size(2) * x.size(3);
    const int total = batch * pixels;
    channel_softmax<<<(total + 127) / 128, 128>>>(x.data_ptr<float>(), y.data_ptr<float>(), batch, channels, pixels,
                                                  1.0f / temperature);
    return y;
}
"""

ext = load_inline(
    name="softmax_channels",
    cpp_sources="torch::Tensor softmax_channels(torch::Tensor x, float temperature);",
    cuda_sources=cuda_source,
    functions=["softmax_channels"],
)


class ModelNew(nn.Module):
    def __init__(self, temperature: float):
        super().__init__()
        self.temperature = temperature

    def forward(self, x):
        return ext.softmax_channels(x.contiguous(), self.temperature)

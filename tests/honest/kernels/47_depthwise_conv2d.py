"""Depthwise convolution, a plane a block row, the filter in registers (3 x 3) or read as it comes (other sizes)."""
import torch
import torch.nn as nn

CATEGORY = "convolution"
BATCH = 2
CHANNELS = 10
HEIGHT = 15
WIDTH = 18
KERNEL = 3


class Model(nn.Module):
    def __init__(self, channels, kernel, stride, padding):
        super().__init__()
        self.conv2d = nn.Conv2d(channels, channels, kernel, stride=stride, padding=padding, groups=channels)

    def forward(self, x):
        return self.conv2d(x)


def get_inputs():
    return [torch.randn(BATCH, CHANNELS, HEIGHT, WIDTH)]


def get_init_inputs():
    return [CHANNELS, KERNEL, 2, 1]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

template <int K>
__global__ void depthwise(const float* __restrict__ x, const float* __restrict__ w, const float* __restrict__ bias,
                          float* __restrict__ y, int channels, int h, int width, int oh, int ow, int k, int stride,
                          int padding) {
    const int plane = blockIdx.y, c = plane % channels;
    const float* in = x + (size_t)plane * h * width;
    const float* filter = w + (size_t)c * k * k;
    float taps[K > 0 ? K * K : 1];
    if (K > 0) {
#pragma unroll
        for (int i = 0; i < K * K; ++i) taps[i] = filter[i];
    }
    for (int o = blockIdx.x * blockDim.x + threadIdx.x; o < oh * ow; o += gridDim.x * blockDim.x) {
        const int top = o / ow * stride - padding, left = o % ow * stride - padding;
        float acc = bias[c];
        const int n = K > 0 ? K : k;
        for (int i = 0; i < n; ++i) {
            for (int j = 0; j < n; ++j) {
                const int r = top + i, q = left + j;
                if ((unsigned)r < (unsigned)h && (unsigned)q < (unsigned)width)
                    acc += in[r * width + q] * (K > 0 ? taps[i * n + j] : filter[i * n + j]);
            }
        }
        y[(size_t)plane * oh * ow + o] = acc;
    }
}

torch::Tensor depthwise_conv(torch::Tensor x, torch::Tensor w, torch::Tensor bias, int stride, int padding) {
    const int h = x.size(2), width = x.size(3), k = w.size(2);
    const int oh = (h + 2 * padding - k) / stride + 1, ow = (width + 2 * padding - k) / stride + 1;
    auto y = torch::empty({x.size(0), x.size(1), oh, ow}, x.options());
    dim3 grid(std::max(1, std::min(4, (oh * ow + 63) / 64)), x.size(0) * x.size(1));
    auto kernel = k == 3 ? depthwise<3> : depthwise<0>;
    kernel<<<grid, 64>>>(x.data_ptr<float>(), w.data_ptr<float>(), bias.data_ptr<float>(), y.data_ptr<float>(),
                         (int)x.size(1), h, width, oh, ow, k, stride, padding);
    return y;
}
"""

ext = load_inline(
    name="depthwise_conv",
    cpp_sources="torch::Tensor depthwise_conv(torch::Tensor x, torch::Tensor w, torch::Tensor bias, int stride, int padding);",
    cuda_sources=cuda_source,
    functions=["depthwise_conv"],
)


class ModelNew(nn.Module):
    def __init__(self, channels, kernel, stride, padding):
        super().__init__()
        self.conv2d = nn.Conv2d(channels, channels, kernel, stride=stride, padding=padding, groups=channels)
        self.stride = stride
        self.padding = padding

    def forward(self, x):
        return ext.depthwise_conv(x.contiguous(), self.conv2d.weight, self.conv2d.bias, self.stride, self.padding)

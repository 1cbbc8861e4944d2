"""Grouped, dilated convolution; the answer makes its parameters itself, initialised as nn.Conv2d's are."""
import torch
import torch.nn as nn

CATEGORY = "convolution"
BATCH = 2
GROUPS = 3
HEIGHT = 16
WIDTH = 13


class Model(nn.Module):
    def __init__(self, in_channels, out_channels, groups):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=2, dilation=2, groups=groups)

    def forward(self, x):
        return self.conv(x)


def get_inputs():
    return [torch.randn(BATCH, 6, HEIGHT, WIDTH)]


def get_init_inputs():
    return [6, 9, GROUPS]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

struct Shape {
    int batch, cin, h, w, cout, k, oh, ow, padding, dilation, groups;
};

__global__ void grouped_conv(const float* x, const float* weight, const float* bias, float* y, Shape s) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= s.batch * s.cout * s.oh * s.ow) return;
    const int ox = i % s.ow;
    i /= s.ow;
    const int oy = i % s.oh;
    i /= s.oh;
    const int co = i % s.cout;
    const int b = i / s.cout;
    const int in_per_group = s.cin / s.groups, out_per_group = s.cout / s.groups;
    const int first = co / out_per_group * in_per_group;
    float acc = bias[co];
    for (int c = 0; c < in_per_group; ++c)
        for (int ky = 0; ky < s.k; ++ky)
            for (int kx = 0; kx < s.k; ++kx) {
                const int iy = oy + ky * s.dilation - s.padding, ix = ox + kx * s.dilation - s.padding;
                if (iy >= 0 && iy < s.h && ix >= 0 && ix < s.w)
                    acc += x[((b * s.cin + first + c) * s.h + iy) * s.w + ix] *
                           weight[((co * in_per_group + c) * s.k + ky) * s.k + kx];
            }
    y[((b * s.cout + co) * s.oh + oy) * s.ow + ox] = acc;
}

torch::Tensor conv(torch::Tensor x, torch::Tensor weight, torch::Tensor bias, int64_t padding, int64_t dilation,
                   int64_t groups) {
    Shape s;
    s.batch = x.size(0);
    s.cin = x.size(1);
    s.h = x.size(2);
    s.w = x.size(3);
    s.cout = weight.size(0);
    s.k = weight.size(2);
    s.padding = padding;
    s.dilation = dilation;
    s.groups = groups;
    s.oh = s.h + 2 * s.padding - s.dilation * (s.k - 1);
    s.ow = s.w + 2 * s.padding - s.dilation * (s.k - 1);
    auto y = torch::empty({s.batch, s.cout, s.oh, s.ow}, x.options());
    const int n = y.numel();
    grouped_conv<<<(n + 255) / 256, 256>>>(x.data_ptr<float>(), weight.data_ptr<float>(), bias.data_ptr<float>(),
                                           y.data_ptr<float>(), s);
    return y;
}
"""

ext = load_inline(
    name="grouped_conv",
    cpp_sources="torch::Tensor conv(torch::Tensor x, torch::Tensor weight, torch::Tensor bias, int64_t padding, int64_t dilation, int64_t groups);",
    cuda_sources=cuda_source,
    functions=["conv"],
)


class ModelNew(nn.Module):
    def __init__(self, in_channels, out_channels, groups):
        super().__init__()
        conv = nn.Conv2d(in_channels, out_channels, 3, padding=2, dilation=2, groups=groups)
        self.weight = nn.Parameter(conv.weight.detach().clone())
        self.bias = nn.Parameter(conv.bias.detach().clone())
        self.groups = groups

    def forward(self, x):
        return ext.conv(x.contiguous(), self.weight, self.bias, 2, 2, self.groups)

"""Transposed convolution, gathered: each output looks up which inputs reach it."""
import torch
import torch.nn as nn

CATEGORY = "convolution"
BATCH = 2
CIN = 4
COUT = 6
HEIGHT = 9
WIDTH = 8


class Model(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.conv_transpose2d = nn.ConvTranspose2d(
            cin, cout, 3, stride=2, padding=1, output_padding=1, groups=2, dilation=1
        )

    def forward(self, x):
        return self.conv_transpose2d(x)


def get_inputs():
    return [torch.randn(BATCH, CIN, HEIGHT, WIDTH)]


def get_init_inputs():
    return [CIN, COUT]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

__global__ void conv_transpose_kernel(const float* __restrict__ x, const float* __restrict__ w,
                                      const float* __restrict__ bias, float* __restrict__ y, int cin, int h, int width,
                                      int cout, int oh, int ow, int k, int stride, int padding, int dilation,
                                      int groups, int total) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < total; i += blockDim.x * gridDim.x) {
        const int ox = i % ow, oy = i / ow % oh, co = i / (ow * oh) % cout, b = i / (ow * oh * cout);
        const int out_per_group = cout / groups, in_per_group = cin / groups;
        const int g = co / out_per_group, co_in_group = co % out_per_group;
        float acc = bias[co];
        for (int ky = 0; ky < k; ++ky) {
            const int ny = oy + padding - ky * dilation;
            if (ny < 0 || ny % stride != 0 || ny / stride >= h) continue;
            for (int kx = 0; kx < k; ++kx) {
                const int nx = ox + padding - kx * dilation;
                if (nx < 0 || nx % stride != 0 || nx / stride >= width) continue;
                for (int c = g * in_per_group; c < (g + 1) * in_per_group; ++c) {
                    acc += x[((b * cin + c) * h + ny / stride) * width + nx / stride] *
                           w[((c * out_per_group + co_in_group) * k + ky) * k + kx];
                }
            }
        }
        y[i] = acc;
    }
}

torch::Tensor conv_transpose2d(torch::Tensor x, torch::Tensor w, torch::Tensor bias, int stride, int padding,
                               int output_padding, int dilation, int groups) {
    const int h = x.size(2), width = x.size(3), k = w.size(2), cout = w.size(1) * groups;
    const int oh = (h - 1) * stride - 2 * padding + dilation * (k - 1) + output_padding + 1;
    const int ow = (width - 1) * stride - 2 * padding + dilation * (k - 1) + output_padding + 1;
    auto y = torch::empty({x.size(0), cout, oh, ow}, x.options());
    const int total = y.numel();
    conv_transpose_kernel<<<(total + 127) / 128, 128>>>(x.data_ptr<float>(), w.data_ptr<float>(),
                                                        bias.data_ptr<float>(), y.data_ptr<float>(), x.size(1), h,
                                                        width, cout, oh, ow, k, stride, padding, dilation, groups,
                                                        total);
    return y;
}
"""

ext = load_inline(
    name="conv_transpose2d",
    cpp_sources="torch::Tensor conv_transpose2d(torch::Tensor x, torch::Tensor w, torch::Tensor bias, int stride, int padding, int output_padding, int dilation, int groups);",
    cuda_sources=cuda_source,
    functions=["conv_transpose2d"],
)


class ModelNew(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.conv_transpose2d = nn.ConvTranspose2d(
            cin, cout, 3, stride=2, padding=1, output_padding=1, groups=2, dilation=1
        )

    def forward(self, x):
        m = self.conv_transpose2d
        return ext.conv_transpose2d(x.contiguous(), m.weight, m.bias, 2, 1, 1, 1, m.groups)

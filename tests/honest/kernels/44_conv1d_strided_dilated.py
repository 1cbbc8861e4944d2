"""1D convolution with stride, padding and dilation; nn.Conv1d holds the parameters."""
import torch
import torch.nn as nn

CATEGORY = "convolution"
BATCH = 3
IN_CHANNELS = 5
OUT_CHANNELS = 6
KERNEL = 3
LENGTH = 60


class Model(nn.Module):
    def __init__(self, in_channels, out_channels, kernel, stride, padding, dilation):
        super().__init__()
        self.conv = nn.Conv1d(in_channels, out_channels, kernel, stride=stride, padding=padding, dilation=dilation)

    def forward(self, x):
        return self.conv(x)


def get_inputs():
    return [torch.randn(BATCH, IN_CHANNELS, LENGTH)]


def get_init_inputs():
    return [IN_CHANNELS, OUT_CHANNELS, KERNEL, 2, 3, 2]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

__global__ void conv1d_kernel(const float* __restrict__ x, const float* __restrict__ w, const float* __restrict__ bias,
                              float* __restrict__ y, int batch, int cin, int length, int cout, int out_length,
                              int kernel, int stride, int padding, int dilation) {
    const int index = blockIdx.x * blockDim.x + threadIdx.x;
    if (index >= batch * cout * out_length) return;
    const int o = index % out_length;
    const int co = (index / out_length) % cout;
    const int b = index / (out_length * cout);
    float acc = bias != nullptr ? bias[co] : 0.f;
    const int start = o * stride - padding;
    for (int ci = 0; ci < cin; ++ci) {
        const float* in = x + (b * cin + ci) * length;
        const float* weights = w + (co * cin + ci) * kernel;
        for (int k = 0; k < kernel; ++k) {
            const int i = start + k * dilation;
            if (i >= 0 && i < length) acc += in[i] * weights[k];
        }
    }
    y[index] = acc;
}

torch::Tensor conv1d(torch::Tensor x, torch::Tensor w, torch::Tensor bias, int stride, int padding, int dilation) {
    const int batch = x.size(0), cin = x.size(1), length = x.size(2), cout = w.size(0), kernel = w.size(2);
    const int out_length = (length + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
    auto y = torch::empty({batch, cout, out_length}, x.options());
    const int total = y.numel();
    conv1d_kernel<<<(total + 127) / 128, 128>>>(x.data_ptr<float>(), w.data_ptr<float>(),
                                                bias.defined() ? bias.data_ptr<float>() : nullptr, y.data_ptr<float>(),
                                                batch, cin, length, cout, out_length, kernel, stride, padding, dilation);
    return y;
}
"""

ext = load_inline(
    name="conv1d_direct",
    cpp_sources="torch::Tensor conv1d(torch::Tensor x, torch::Tensor w, torch::Tensor bias, int stride, int padding, int dilation);",
    cuda_sources=cuda_source,
    functions=["conv1d"],
)


class ModelNew(nn.Module):
    def __init__(self, in_channels, out_channels, kernel, stride, padding, dilation):
        super().__init__()
        self.conv = nn.Conv1d(in_channels, out_channels, kernel, stride=stride, padding=padding, dilation=dilation)

    def forward(self, x):
        c = self.conv
        return ext.conv1d(x.contiguous(), c.weight, c.bias, c.stride[0], c.padding[0], c.dilation[0])

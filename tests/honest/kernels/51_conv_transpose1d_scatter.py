"""Transposed 1D convolution, scattered with atomicAdd onto the bias."""
import torch
import torch.nn as nn

CATEGORY = "convolution"
BATCH = 2
CIN = 5
COUT = 4
LENGTH = 30


class Model(nn.Module):
    def __init__(self, cin, cout, kernel, stride):
        super().__init__()
        self.up = nn.ConvTranspose1d(cin, cout, kernel, stride=stride)

    def forward(self, x):
        return self.up(x)


def get_inputs():
    return [torch.randn(BATCH, CIN, LENGTH)]


def get_init_inputs():
    return [CIN, COUT, 4, 3]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

__global__ void fill_bias(const float* bias, float* y, int cout, int length, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = bias[i / length % cout];
}

__global__ void scatter(const float* x, const float* w, float* y, int cin, int cout, int length, int out_length,
                        int kernel, int stride, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const int l = i % length, ci = i / length % cin, b = i / (length * cin);
    const float v = x[i];
    for (int co = 0; co < cout; ++co)
        for (int k = 0; k < kernel; ++k)
            atomicAdd(y + (b * cout + co) * out_length + l * stride + k, v * w[(ci * cout + co) * kernel + k]);
}

torch::Tensor conv_transpose1d(torch::Tensor x, torch::Tensor w, torch::Tensor bias, int stride) {
    const int batch = x.size(0), cin = x.size(1), length = x.size(2), cout = w.size(1), kernel = w.size(2);
    const int out_length = (length - 1) * stride + kernel;
    auto y = torch::empty({batch, cout, out_length}, x.options());
    const int n_out = y.numel(), n_in = x.numel();
    fill_bias<<<(n_out + 127) / 128, 128>>>(bias.data_ptr<float>(), y.data_ptr<float>(), cout, out_length, n_out);
    scatter<<<(n_in + 127) / 128, 128>>>(x.data_ptr<float>(), w.data_ptr<float>(), y.data_ptr<float>(), cin, cout,
                                         length, out_length, kernel, stride, n_in);
    return y;
}
"""

ext = load_inline(
    name="conv_transpose1d",
    cpp_sources="torch::Tensor conv_transpose1d(torch::Tensor x, torch::Tensor w, torch::Tensor bias, int stride);",
    cuda_sources=cuda_source,
    functions=["conv_transpose1d"],
)


class ModelNew(nn.Module):
    def __init__(self, cin, cout, kernel, stride):
        super().__init__()
        self.up = nn.ConvTranspose1d(cin, cout, kernel, stride=stride)
        self.stride = stride

    def forward(self, x):
        return ext.conv_transpose1d(x.contiguous(), self.up.weight, self.up.bias, self.stride)

"""NCHW to NHWC with a per-channel scale, a 3D grid of 3D blocks."""
import torch
import torch.nn as nn

CATEGORY = "movement"
BATCH = 2
CHANNELS = 12
HEIGHT = 9
WIDTH = 10


class Model(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.scale = nn.Parameter(torch.randn(channels))

    def forward(self, x):
        return x.permute(0, 2, 3, 1).contiguous() * self.scale


def get_inputs():
    return [torch.randn(BATCH, CHANNELS, HEIGHT, WIDTH)]


def get_init_inputs():
    return [CHANNELS]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

__global__ void permute_kernel(const float* x, const float* scale, float* y, int batch, int channels, int h, int w) {
    const int c = blockIdx.x * blockDim.x + threadIdx.x;
    const int col = blockIdx.y * blockDim.y + threadIdx.y;
    const int rest = blockIdx.z * blockDim.z + threadIdx.z;
    if (c >= channels || col >= w || rest >= batch * h) return;
    const int b = rest / h, row = rest % h;
    y[((b * h + row) * w + col) * channels + c] = x[((b * channels + c) * h + row) * w + col] * scale[c];
}

torch::Tensor to_channels_last(torch::Tensor x, torch::Tensor scale) {
    const int batch = x.size(0), channels = x.size(1), h = x.size(2), w = x.size(3);
    auto y = torch::empty({batch, h, w, channels}, x.options());
    dim3 block(8, 4, 4);
    dim3 grid((channels + block.x - 1) / block.x, (w + block.y - 1) / block.y, (batch * h + block.z - 1) / block.z);
    permute_kernel<<<grid, block>>>(x.data_ptr<float>(), scale.data_ptr<float>(), y.data_ptr<float>(), batch, channels,
                                    h, w);
    return y;
}
"""

ext = load_inline(
    name="to_channels_last",
    cpp_sources="torch::Tensor to_channels_last(torch::Tensor x, torch::Tensor scale);",
    cuda_sources=cuda_source,
    functions=["to_channels_last"],
)


class ModelNew(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.scale = nn.Parameter(torch.randn(channels))

    def forward(self, x):
        return ext.to_channels_last(x.contiguous(), self.scale)

"""BatchNorm in eval mode: scale and shift of a channel computed once a block."""
import torch
import torch.nn as nn

CATEGORY = "norm"
BATCH = 3
CHANNELS = 9
HEIGHT = 12
WIDTH = 10


class Model(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.bn = nn.BatchNorm2d(channels)
        self.bn.running_mean.copy_(torch.randn(channels))
        self.bn.running_var.copy_(torch.rand(channels) + 0.5)
        self.eval()

    def forward(self, x):
        return torch.relu(self.bn(x))


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

__global__ void bn_relu_kernel(const float* __restrict__ x, const float* __restrict__ mean,
                               const float* __restrict__ var, const float* __restrict__ weight,
                               const float* __restrict__ bias, float* __restrict__ y, int channels, int spatial,
                               float eps) {
    const int plane = blockIdx.x, c = plane % channels;
    const float scale = weight[c] * rsqrtf(var[c] + eps);
    const float shift = bias[c] - mean[c] * scale;
    for (int i = threadIdx.x; i < spatial; i += blockDim.x) {
        const size_t at = (size_t)plane * spatial + i;
        y[at] = fmaxf(fmaf(x[at], scale, shift), 0.f);
    }
}

torch::Tensor bn_relu(torch::Tensor x, torch::Tensor mean, torch::Tensor var, torch::Tensor weight, torch::Tensor bias,
                      double eps) {
    auto y = torch::empty_like(x);
    const int channels = x.size(1), spatial = x.size(2) * x.size(3);
    bn_relu_kernel<<<x.size(0) * channels, 64>>>(x.data_ptr<float>(), mean.data_ptr<float>(), var.data_ptr<float>(),
                                                 weight.data_ptr<float>(), bias.data_ptr<float>(), y.data_ptr<float>(),
                                                 channels, spatial, eps);
    return y;
}
"""

ext = load_inline(
    name="bn_relu",
    cpp_sources="""torch::Tensor bn_relu(torch::Tensor x, torch::Tensor mean, torch::Tensor var, torch::Tensor weight,
                                          torch::Tensor bias, double eps);""",
    cuda_sources=cuda_source,
    functions=["bn_relu"],
)


class ModelNew(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.bn = nn.BatchNorm2d(channels)
        self.bn.running_mean.copy_(torch.randn(channels))
        self.bn.running_var.copy_(torch.rand(channels) + 0.5)

    def forward(self, x):
        bn = self.bn
        return ext.bn_relu(x.contiguous(), bn.running_mean, bn.running_var, bn.weight, bn.bias, bn.eps)

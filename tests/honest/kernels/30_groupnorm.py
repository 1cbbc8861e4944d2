"""GroupNorm, one block a group, double accumulation in the statistics."""
import torch
import torch.nn as nn

CATEGORY = "norm"
BATCH = 3
CHANNELS = 12
GROUPS = 4
HEIGHT = 9
WIDTH = 11


class Model(nn.Module):
    def __init__(self, groups, channels):
        super().__init__()
        self.gn = nn.GroupNorm(groups, channels)

    def forward(self, x):
        return self.gn(x)


def get_inputs():
    return [torch.randn(BATCH, CHANNELS, HEIGHT, WIDTH)]


def get_init_inputs():
    return [GROUPS, CHANNELS]


SETTINGS = {"odd": {"CHANNELS": 20, "HEIGHT": 7, "WIDTH": 17}, "small": {"BATCH": 1, "CHANNELS": 4, "HEIGHT": 3, "WIDTH": 2}}
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

__global__ void groupnorm_kernel(const float* x, const float* weight, const float* bias, float* y, int channels,
                                 int groups, int spatial, double eps) {
    __shared__ double sums[64], squares[64];
    const int t = threadIdx.x;
    const int g = blockIdx.x % groups;
    const int per_group = channels / groups;
    const int n = per_group * spatial;
    const float* in = x + (size_t)blockIdx.x * n;
    float* out = y + (size_t)blockIdx.x * n;
    double sum = 0, square = 0;
    for (int i = t; i < n; i += blockDim.x) {
        const double v = in[i];
        sum += v;
        square += v * v;
    }
    sums[t] = sum;
    squares[t] = square;
    __syncthreads();
    for (int s = 32; s > 0; s >>= 1) {
        if (t < s) {
            sums[t] += sums[t + s];
            squares[t] += squares[t + s];
        }
        __syncthreads();
    }
    const double mean = sums[0] / n;
    const double variance = squares[0] / n - mean * mean;
    const float rstd = (float)(1.0 / sqrt(variance + eps));
    for (int i = t; i < n; i += blockDim.x) {
        const int c = g * per_group + i / spatial;
        out[i] = (in[i] - (float)mean) * rstd * weight[c] + bias[c];
    }
}

torch::Tensor groupnorm(torch::Tensor x, torch::Tensor weight, torch::Tensor bias, int groups, double eps) {
    auto y = torch::empty_like(x);
    const int batch = x.size(0), channels = x.size(1);
    const int spatial = x.numel() / (batch * channels);
    groupnorm_kernel<<<batch * groups, 64>>>(x.data_ptr<float>(), weight.data_ptr<float>(), bias.data_ptr<float>(),
                                             y.data_ptr<float>(), channels, groups, spatial, eps);
    return y;
}
"""

ext = load_inline(
    name="groupnorm",
    cpp_sources="torch::Tensor groupnorm(torch::Tensor x, torch::Tensor weight, torch::Tensor bias, int groups, double eps);",
    cuda_sources=cuda_source,
    functions=["groupnorm"],
)


class ModelNew(nn.Module):
    def __init__(self, groups, channels):
        super().__init__()
        self.gn = nn.GroupNorm(groups, channels)

    def forward(self, x):
        return ext.groupnorm(x.contiguous(), self.gn.weight, self.gn.bias, self.gn.num_groups, self.gn.eps)

"""nn.Linear as a holder of parameters; product, bias, GELU and scale in one kernel."""
import torch
import torch.nn as nn
import torch.nn.functional as F

CATEGORY = "fused"
BATCH = 20
IN_FEATURES = 44
OUT_FEATURES = 36


class Model(nn.Module):
    def __init__(self, in_features, out_features, scale):
        super().__init__()
        self.linear = nn.Linear(in_features, out_features)
        self.scale = scale

    def forward(self, x):
        return F.gelu(self.linear(x)) * self.scale


def get_inputs():
    return [torch.randn(BATCH, IN_FEATURES)]


def get_init_inputs():
    return [IN_FEATURES, OUT_FEATURES, 1.7]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#include <cuda_runtime.h>

template <int TILE>
__global__ void linear_gelu_kernel(const float* __restrict__ x, const float* __restrict__ w,
                                   const float* __restrict__ bias, float* __restrict__ y, int rows, int in, int out,
                                   float scale) {
    __shared__ float xs[TILE][TILE + 1];
    __shared__ float ws[TILE][TILE + 1];
    const int row = blockIdx.y * TILE + threadIdx.y;
    const int col = blockIdx.x * TILE + threadIdx.x;
    const int w_row = blockIdx.x * TILE + threadIdx.y;
    float acc = 0.f;
    for (int k0 = 0; k0 < in; k0 += TILE) {
        const int k = k0 + threadIdx.x;
        xs[threadIdx.y][threadIdx.x] = row < rows && k < in ? x[row * in + k] : 0.f;
        ws[threadIdx.y][threadIdx.x] = w_row < out && k < in ? w[w_row * in + k] : 0.f;
        __syncthreads();
        for (int i = 0; i < TILE; ++i) acc += xs[threadIdx.y][i] * ws[threadIdx.x][i];
        __syncthreads();
    }
    if (row < rows && col < out) {
        const float v = acc + (bias ? bias[col] : 0.f);
        y[row * out + col] = 0.5f * v * (1.f + erff(v * 0.70710678118654752f)) * scale;
    }
}

torch::Tensor linear_gelu(torch::Tensor x, torch::Tensor weight, c10::optional<torch::Tensor> bias, double scale) {
    const int rows = x.size(0), in = x.size(1), out = weight.size(0);
    auto y = torch::empty({rows, out}, x.options());
    const float* b = bias.has_value() ? bias->data_ptr<float>() : nullptr;
    constexpr int TILE = 16;
    dim3 block(TILE, TILE), grid((out + TILE - 1) / TILE, (rows + TILE - 1) / TILE);
    linear_gelu_kernel<TILE><<<grid, block>>>(x.data_ptr<float>(), weight.data_ptr<float>(), b, y.data_ptr<float>(),
                                              rows, in, out, (float)scale);
    return y;
}
"""

ext = load_inline(
    name="linear_gelu",
    cpp_sources="torch::Tensor linear_gelu(torch::Tensor x, torch::Tensor weight, c10::optional<torch::Tensor> bias, double scale);",
    cuda_sources=cuda_source,
    functions=["linear_gelu"],
)


class ModelNew(nn.Module):
    def __init__(self, in_features, out_features, scale):
        super().__init__()
        self.linear = nn.Linear(in_features, out_features)
        self.scale = scale

    def forward(self, x):
        return ext.linear_gelu(x.contiguous(), self.linear.weight, self.linear.bias, self.scale)

"""Winograd F(2x2, 3x3): a filter transform with constexpr tables, then tiles, in two kernels."""
import torch
import torch.nn as nn

CATEGORY = "convolution"
B = 2
CI = 3
CO = 4
H = 9
W = 10


class Model(nn.Module):
    def __init__(self, ci, co):
        super().__init__()
        self.conv = nn.Conv2d(ci, co, 3, padding=1)

    def forward(self, x):
        return self.conv(x)


def get_inputs():
    return [torch.randn(B, CI, H, W)]


def get_init_inputs():
    return [CI, CO]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

src = r"""
#include <torch/extension.h>
// F(2x2, 3x3): transforms as constexpr tables.
__device__ constexpr float G[4][3] = {{1.f, 0.f, 0.f}, {.5f, .5f, .5f}, {.5f, -.5f, .5f}, {0.f, 0.f, 1.f}};
__constant__ float BT[16] = {1, 0, -1, 0, 0, 1, 1, 0, 0, -1, 1, 0, 0, 1, 0, -1};

__global__ void transform_filter(const float* w, float* u, int pairs) {
    int p = blockIdx.x * blockDim.x + threadIdx.x;
    if (p >= pairs) return;
    const float* g = w + p * 9;
    float t[4][3];
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 3; j++) { t[i][j] = 0; for (int k = 0; k < 3; k++) t[i][j] += G[i][k] * g[k * 3 + j]; }
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) { float s = 0; for (int k = 0; k < 3; k++) s += t[i][k] * G[j][k]; u[p * 16 + i * 4 + j] = s; }
}

__global__ void winograd(const float* x, const float* u, const float* bias, float* y, int B, int CI, int CO, int H, int W, int TH, int TW) {
    int idx = blockIdx.x * blockDim.x + threadIdx.x;
    int total = B * CO * TH * TW;
    if (idx >= total) return;
    int tw = idx % TW, th = idx / TW % TH, co = idx / (TW * TH) % CO, b = idx / (TW * TH * CO);
    float m[16];
    #pragma unroll
    for (int i = 0; i < 16; ++i) m[i] = 0.f;
    for (int ci = 0; ci < CI; ++ci) {
        float d[4][4], t[4][4];
        for (int i = 0; i < 4; i++)
            for (int j = 0; j < 4; j++) {
                int r = th * 2 - 1 + i, c = tw * 2 - 1 + j;
                d[i][j] = (r >= 0 && r < H && c >= 0 && c < W) ? x[((b * CI + ci) * H + r) * W + c] : 0.f;
            }
        for (int i = 0; i < 4; i++)
            for (int j = 0; j < 4; j++) { float s = 0; for (int k = 0; k < 4; k++) s += BT[i * 4 + k] * d[k][j]; t[i][j] = s; }
        for (int i = 0; i < 4; i++)
            for (int j = 0; j < 4; j++) { float s = 0; for (int k = 0; k < 4; k++) s += t[i][k] * BT[j * 4 + k]; m[i * 4 + j] += s * u[((co * CI) + ci) * 16 + i * 4 + j]; }
    }
    float a[2][4];
    for (int j = 0; j < 4; j++) { a[0][j] = m[j] + m[4 + j] + m[8 + j]; a[1][j] = m[4 + j] - m[8 + j] - m[12 + j]; }
    for (int i = 0; i < 2; i++) {
        float o0 = a[i][0] + a[i][1] + a[i][2], o1 = a[i][1] - a[i][2] - a[i][3];
        int r = th * 2 + i, c = tw * 2;
        float* o = y + ((b * CO + co) * H + r) * W;
        if (r < H) { o[c] = o0 + bias[co]; if (c + 1 < W) o[c + 1] = o1 + bias[co]; }
    }
}

torch::Tensor conv(torch::Tensor x, torch::Tensor w, torch::Tensor bias) {
    int B = x.size(0), CI = x.size(1), H = x.size(2), W = x.size(3), CO = w.size(0);
    auto u = torch::empty({CO, CI, 4, 4}, x.options());
    auto y = torch::empty({B, CO, H, W}, x.options());
    transform_filter<<<(CO * CI + 63) / 64, 64>>>(w.data_ptr<float>(), u.data_ptr<float>(), CO * CI);
    int TH = (H + 1) / 2, TW = (W + 1) / 2, total = B * CO * TH * TW;
    winograd<<<(total + 127) / 128, 128>>>(x.data_ptr<float>(), u.data_ptr<float>(), bias.data_ptr<float>(), y.data_ptr<float>(), B, CI, CO, H, W, TH, TW);
    return y;
}
"""
ext = load_inline(name="wino", cpp_sources="torch::Tensor conv(torch::Tensor x, torch::Tensor w, torch::Tensor bias);", cuda_sources=src, functions=["conv"])


class ModelNew(nn.Module):
    def __init__(self, ci, co):
        super().__init__()
        self.conv = nn.Conv2d(ci, co, 3, padding=1)

    def forward(self, x):
        return ext.conv(x.contiguous(), self.conv.weight, self.conv.bias)

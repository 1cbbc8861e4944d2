"""Batch normalisation in training that also counts the batches it has seen."""
import torch
import torch.nn as nn
import torch.nn.functional as F

CATEGORY = "norm"
B = 3
CI = 4
CO = 6
L = 20


class Model(nn.Module):
    def __init__(self, ci, co):
        super().__init__()
        self.conv = nn.Conv1d(ci, co, 3)
        self.norm = nn.BatchNorm1d(co)

    def forward(self, x):
        return F.relu(self.norm(self.conv(x)))


def get_inputs():
    return [torch.randn(B, CI, L)]


def get_init_inputs():
    return [CI, CO]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

src = r"""
#include <torch/extension.h>
__global__ void conv(const float* x, const float* w, const float* b, float* y, int CI, int CO, int L, int K, int LO, int total) {
    int i = blockIdx.x * blockDim.x + threadIdx.x; if (i >= total) return;
    int l = i % LO, o = i / LO % CO, n = i / (LO * CO);
    float s = b[o];
    for (int c = 0; c < CI; c++) for (int k = 0; k < K; k++) s += x[(n * CI + c) * L + l + k] * w[(o * CI + c) * K + k];
    y[i] = s;
}
__global__ void bn_train(float* y, const float* g, const float* b, float* rm, float* rv, int N, int C, int L, float eps, float momentum) {
    int c = blockIdx.x; __shared__ float red[128]; __shared__ float mean, inv;
    int m = N * L; float s = 0;
    for (int i = threadIdx.x; i < m; i += 128) s += y[(i / L * C + c) * L + i % L];
    red[threadIdx.x] = s; __syncthreads();
    for (int k = 64; k; k >>= 1) { if (threadIdx.x < k) red[threadIdx.x] += red[threadIdx.x + k]; __syncthreads(); }
    if (threadIdx.x == 0) mean = red[0] / m;
    __syncthreads();
    s = 0;
    for (int i = threadIdx.x; i < m; i += 128) { float d = y[(i / L * C + c) * L + i % L] - mean; s += d * d; }
    red[threadIdx.x] = s; __syncthreads();
    for (int k = 64; k; k >>= 1) { if (threadIdx.x < k) red[threadIdx.x] += red[threadIdx.x + k]; __syncthreads(); }
    if (threadIdx.x == 0) { float var = red[0] / m; inv = rsqrtf(var + eps); rm[c] = (1 - momentum) * rm[c] + momentum * mean; rv[c] = (1 - momentum) * rv[c] + momentum * var * m / (m - 1); }
    __syncthreads();
    for (int i = threadIdx.x; i < m; i += 128) { float& v = y[(i / L * C + c) * L + i % L]; v = fmaxf((v - mean) * inv * g[c] + b[c], 0.f); }
}
torch::Tensor run(torch::Tensor x, torch::Tensor w, torch::Tensor cb, torch::Tensor g, torch::Tensor b, torch::Tensor rm, torch::Tensor rv, torch::Tensor tracked, double eps, double momentum) {
    int N = x.size(0), CI = x.size(1), L = x.size(2), CO = w.size(0), K = w.size(2), LO = L - K + 1;
    auto y = torch::empty({N, CO, LO}, x.options()); int total = y.numel();
    conv<<<(total + 127) / 128, 128>>>(x.data_ptr<float>(), w.data_ptr<float>(), cb.data_ptr<float>(), y.data_ptr<float>(), CI, CO, L, K, LO, total);
    bn_train<<<CO, 128>>>(y.data_ptr<float>(), g.data_ptr<float>(), b.data_ptr<float>(), rm.data_ptr<float>(), rv.data_ptr<float>(), N, CO, LO, eps, momentum);
    return y;
}
"""
ext = load_inline("convbn", "torch::Tensor run(torch::Tensor x, torch::Tensor w, torch::Tensor cb, torch::Tensor g, torch::Tensor b, torch::Tensor rm, torch::Tensor rv, torch::Tensor tracked, double eps, double momentum);", src, functions=["run"])


class ModelNew(nn.Module):
    def __init__(self, ci, co):
        super().__init__()
        self.conv = nn.Conv1d(ci, co, 3, device="cuda")
        self.norm = nn.BatchNorm1d(co).cuda()

    def forward(self, x):
        n = self.norm
        if self.training:
            n.num_batches_tracked.add_(1)
        return ext.run(x, self.conv.weight, self.conv.bias, n.weight, n.bias, n.running_mean, n.running_var, n.num_batches_tracked, n.eps, n.momentum)

"""GroupNorm with custom_fwd and custom_bwd, gradients of input, weight and bias."""
import torch
import torch.nn as nn

CATEGORY = "norm"
DIRECTION = "backward"


class Model(nn.Module):
    def __init__(self, dim, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(dim) + 0.5)
        self.bias = nn.Parameter(torch.randn(dim))
        self.eps = eps
    def forward(self, x):
        return torch.nn.functional.group_norm(x, 4, self.weight, self.bias, self.eps)
B = 3
C = 8
L = 21


def get_inputs():
    return [torch.randn(B, C, L)]


def get_init_inputs():
    return [C, 1e-5]
# --- candidate ---
import torch
import torch.nn as nn
from torch.cuda.amp import custom_bwd, custom_fwd
from torch.utils.cpp_extension import load_inline
src = r"""
#include <torch/extension.h>
#include <tuple>
constexpr int kThreads = 128;
template <int N>
__device__ void block_sums(float (&v)[N], float (*buffer)[N]) {
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
#pragma unroll
    for (int k = 0; k < N; ++k)
#pragma unroll
        for (int o = 16; o > 0; o >>= 1) v[k] += __shfl_down_sync(0xffffffff, v[k], o);
    __syncthreads();
    if (lane == 0) for (int k = 0; k < N; ++k) buffer[warp][k] = v[k];
    __syncthreads();
    for (int k = 0; k < N; ++k) {
        v[k] = 0.f;
        for (int w = 0; w < kThreads / 32; ++w) v[k] += buffer[w][k];
    }
}
__global__ void gn_forward(const float* x, const float* w, const float* b, float* y, float2* stats, int C, int L, int groups, float eps) {
    __shared__ float buffer[kThreads / 32][1];
    const int per = C / groups * L, g = blockIdx.x % groups;
    const float* in = x + (size_t)blockIdx.x * per;
    float s[1] = {0.f};
    for (int i = threadIdx.x; i < per; i += kThreads) s[0] += in[i];
    block_sums(s, buffer);
    const float mean = s[0] / per;
    s[0] = 0.f;
    for (int i = threadIdx.x; i < per; i += kThreads) s[0] += (in[i] - mean) * (in[i] - mean);
    block_sums(s, buffer);
    const float rstd = rsqrtf(s[0] / per + eps);
    if (threadIdx.x == 0) stats[blockIdx.x] = make_float2(mean, rstd);
    for (int i = threadIdx.x; i < per; i += kThreads) {
        const int c = g * (C / groups) + i / L;
        y[(size_t)blockIdx.x * per + i] = (in[i] - mean) * rstd * w[c] + b[c];
    }
}
__global__ void gn_backward_input(const float* gy, const float* x, const float* w, const float2* stats, float* gx, int C, int L, int groups) {
    __shared__ float buffer[kThreads / 32][2];
    const int per = C / groups * L, g = blockIdx.x % groups;
    const size_t base = (size_t)blockIdx.x * per;
    const float2 st = stats[blockIdx.x];
    float s[2] = {0.f, 0.f};
    for (int i = threadIdx.x; i < per; i += kThreads) {
        const float d = gy[base + i] * w[g * (C / groups) + i / L];
        s[0] += d;
        s[1] += d * (x[base + i] - st.x) * st.y;
    }
    block_sums(s, buffer);
    for (int i = threadIdx.x; i < per; i += kThreads) {
        const float d = gy[base + i] * w[g * (C / groups) + i / L];
        gx[base + i] = st.y * (d - (s[0] + (x[base + i] - st.x) * st.y * s[1]) / per);
    }
}
__global__ void gn_backward_params(const float* gy, const float* x, const float2* stats, float* gw, float* gb, int N, int C, int L, int groups) {
    __shared__ float buffer[kThreads / 32][2];
    const int c = blockIdx.x;
    float s[2] = {0.f, 0.f};
    for (int i = threadIdx.x; i < N * L; i += kThreads) {
        const int n = i / L;
        const size_t at = ((size_t)n * C + c) * L + i % L;
        const float2 st = stats[n * groups + c / (C / groups)];
        s[0] += gy[at] * (x[at] - st.x) * st.y;
        s[1] += gy[at];
    }
    block_sums(s, buffer);
    if (threadIdx.x == 0) { gw[c] = s[0]; gb[c] = s[1]; }
}
std::tuple<torch::Tensor, torch::Tensor> gn_fwd(const torch::Tensor& x, const torch::Tensor& w, const torch::Tensor& b, int64_t groups, double eps) {
    const int N = x.size(0), C = x.size(1), L = x.size(2);
    auto y = torch::empty_like(x), stats = torch::empty({N, groups, 2}, x.options());
    gn_forward<<<N * groups, kThreads>>>(x.data_ptr<float>(), w.data_ptr<float>(), b.data_ptr<float>(), y.data_ptr<float>(), reinterpret_cast<float2*>(stats.data_ptr<float>()), C, L, groups, eps);
    return {y, stats};
}
std::vector<torch::Tensor> gn_bwd(const torch::Tensor& gy, const torch::Tensor& x, const torch::Tensor& w, const torch::Tensor& stats, int64_t groups) {
    const int N = x.size(0), C = x.size(1), L = x.size(2);
    auto gx = torch::empty_like(x), gw = torch::empty_like(w), gb = torch::empty_like(w);
    auto st = reinterpret_cast<const float2*>(stats.data_ptr<float>());
    gn_backward_input<<<N * groups, kThreads>>>(gy.data_ptr<float>(), x.data_ptr<float>(), w.data_ptr<float>(), st, gx.data_ptr<float>(), C, L, groups);
    gn_backward_params<<<C, kThreads>>>(gy.data_ptr<float>(), x.data_ptr<float>(), st, gw.data_ptr<float>(), gb.data_ptr<float>(), N, C, L, groups);
    return {gx, gw, gb};
}
"""
_C = load_inline(name="gn", cpp_sources="#include <tuple>\n#include <vector>\nstd::tuple<torch::Tensor, torch::Tensor> gn_fwd(const torch::Tensor&, const torch::Tensor&, const torch::Tensor&, int64_t, double);\nstd::vector<torch::Tensor> gn_bwd(const torch::Tensor&, const torch::Tensor&, const torch::Tensor&, const torch::Tensor&, int64_t);", cuda_sources=src, functions=["gn_fwd", "gn_bwd"])
class GroupNormFn(torch.autograd.Function):
    @staticmethod
    @custom_fwd
    def forward(ctx, x, weight, bias, groups, eps):
        x = x.contiguous()
        y, stats = _C.gn_fwd(x, weight, bias, groups, eps)
        ctx.save_for_backward(x, weight, stats)
        ctx.groups = groups
        return y
    @staticmethod
    @custom_bwd
    def backward(ctx, gy):
        x, weight, stats = ctx.saved_tensors
        gx, gw, gb = _C.gn_bwd(gy.contiguous(), x, weight, stats, ctx.groups)
        return gx, gw, gb, None, None
class ModelNew(nn.Module):
    def __init__(self, dim, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(dim) + 0.5)
        self.bias = nn.Parameter(torch.randn(dim))
        self.eps = eps
    def forward(self, x):
        return GroupNormFn.apply(x, self.weight, self.bias, 4, self.eps)

"""Division by an invariant integer with __umulhi, vectors of four with a tail."""
import torch
import torch.nn as nn

CATEGORY = "elementwise"


class Model(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.bias = nn.Parameter(torch.randn(channels, 1, 1))
        self.scale = nn.Parameter(torch.randn(channels, 1, 1))
    def forward(self, x):
        return torch.nn.functional.hardswish((x + self.bias) * self.scale)
B = 3
C = 7
H = 19
W = 23


def get_inputs():
    return [torch.randn(B, C, H, W)]


def get_init_inputs():
    return [C]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline
src = r"""
#include <torch/extension.h>

// Division by an invariant integer, as in CUTLASS' FastDivmod
struct FastDivmod {
    int divisor;
    unsigned multiplier;
    unsigned shift;
    __host__ __device__ FastDivmod() : divisor(0), multiplier(0), shift(0) {}
    __host__ explicit FastDivmod(int d) : divisor(d), multiplier(0), shift(0) {
        if (d != 1) {
            unsigned p = 31 + 32 - __builtin_clz(d - 1);
            multiplier = (unsigned)(((1ull << p) + (unsigned)d - 1) / (unsigned)d);
            shift = p - 32;
        }
    }
    __device__ __forceinline__ void operator()(int& q, int& r, int n) const {
        q = divisor != 1 ? (int)(__umulhi((unsigned)n, multiplier) >> shift) : n;
        r = n - q * divisor;
    }
};

template <typename T, int V> struct __align__(sizeof(T) * V) Vec { T v[V]; };

__global__ void bias_scale_hardswish(const float* __restrict__ x, const float* __restrict__ bias, const float* __restrict__ scale,
                                     float* __restrict__ y, int n, FastDivmod by_hw, FastDivmod by_c) {
    using V4 = Vec<float, 4>;
    const int i = (blockIdx.x * blockDim.x + threadIdx.x) * 4;
    if (i >= n) return;
    V4 pack;
    const bool whole = i + 3 < n;
    if (whole) pack = *reinterpret_cast<const V4*>(x + i);
#pragma unroll
    for (int k = 0; k < 4; ++k) {
        if (i + k >= n) break;
        int q, hw, b, c;
        by_hw(q, hw, i + k);
        by_c(b, c, q);
        const float v = ((whole ? pack.v[k] : x[i + k]) + bias[c]) * scale[c];
        const float r = v * fminf(fmaxf(v + 3.f, 0.f), 6.f) * (1.f / 6.f);
        if (whole) pack.v[k] = r; else y[i + k] = r;
    }
    if (whole) *reinterpret_cast<V4*>(y + i) = pack;
}

torch::Tensor forward(torch::Tensor x, torch::Tensor bias, torch::Tensor scale) {
    auto y = torch::empty_like(x, x.options());
    const int n = x.numel(), hw = x.size(2) * x.size(3), c = x.size(1);
    bias_scale_hardswish<<<((n + 3) / 4 + 255) / 256, 256>>>(x.data_ptr<float>(), bias.data_ptr<float>(), scale.data_ptr<float>(), y.data_ptr<float>(), n, FastDivmod(hw), FastDivmod(c));
    return y;
}
PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("forward", &forward, "bias scale hardswish"); }
"""
ext = load_inline(name="fastdiv", cpp_sources="", cuda_sources=src)
class ModelNew(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.bias = nn.Parameter(torch.randn(channels, 1, 1))
        self.scale = nn.Parameter(torch.randn(channels, 1, 1))
    def forward(self, x):
        return ext.forward(x.contiguous(), self.bias, self.scale)

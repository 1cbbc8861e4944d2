"""Works on channels-last memory that its options ask for."""
import torch
import torch.nn as nn

CATEGORY = "elementwise"


class Model(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels))
        self.bias = nn.Parameter(torch.randn(channels))
    def forward(self, x):
        return x * self.weight[None, :, None, None] + self.bias[None, :, None, None]
B = 2
C = 6
H = 9
W = 11


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
#include <c10/util/irange.h>
#include <c10/macros/Macros.h>
#include <ATen/cuda/detail/KernelUtils.h>

namespace {
template <typename T>
C10_HOST_DEVICE C10_ALWAYS_INLINE T affine(T v, T w, T b) { return v * w + b; }

C10_LAUNCH_BOUNDS_1(256)
__global__ void scale_nhwc(const float* __restrict__ x, const float* __restrict__ w, const float* __restrict__ b, float* __restrict__ y, int n, int channels) {
    CUDA_KERNEL_LOOP(i, n) {
        const int c = i % channels;
        y[i] = affine(x[i], w[c], b[c]);
    }
}
}

torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& w, const torch::Tensor& b) {
    TORCH_CHECK(x.dim() == 4, "NCHW expected");
    const auto format = at::MemoryFormat::ChannelsLast;
    auto in = x.contiguous(format);
    auto y = torch::empty(x.sizes(), x.options().memory_format(format));
    TORCH_CHECK(y.is_contiguous(format) && y.stride(1) == 1);
    int64_t n = 1;
    for (const auto d : c10::irange(x.dim())) n *= x.size(d);
    scale_nhwc<<<at::cuda::detail::GET_BLOCKS(n, 256), 256>>>(in.data_ptr<float>(), w.data_ptr<float>(), b.data_ptr<float>(), y.data_ptr<float>(), (int)n, (int)x.size(1));
    return y;
}
"""
ext = load_inline(name="nhwc_affine", cpp_sources="torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& w, const torch::Tensor& b);", cuda_sources=src, functions=["forward"])
class ModelNew(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels))
        self.bias = nn.Parameter(torch.randn(channels))
    def forward(self, x):
        return ext.forward(x, self.weight, self.bias).contiguous()

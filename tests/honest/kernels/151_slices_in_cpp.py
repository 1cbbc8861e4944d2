"""A view by torch::indexing, AT_DISPATCH_V2, and a figure of the GPU's kept in a thread_local."""
import torch
import torch.nn as nn

CATEGORY = "elementwise"


class Model(nn.Module):
    def forward(self, x):
        return x[:, 1:].pow(3)
def get_inputs():
    return [torch.randn(8, 30)]
def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline
src = r"""
#include <torch/extension.h>
#include <ATen/Dispatch_v2.h>
#include <ATen/OpMathType.h>
using namespace torch::indexing;
template <typename scalar_t>
__global__ void cube(const scalar_t* x, scalar_t* y, int rows, int cols, int stride) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < rows * cols; i += blockDim.x * gridDim.x) {
        const at::opmath_type<scalar_t> v = x[(i / cols) * stride + i % cols];
        y[i] = static_cast<scalar_t>(v * v * v);
    }
}
int most_blocks() {
    static thread_local int cached = 0;
    if (cached == 0) {
        cudaDeviceProp properties;
        cudaGetDeviceProperties(&properties, 0);
        cached = properties.multiProcessorCount * 8;
    }
    return cached;
}

torch::Tensor run(torch::Tensor x) {
    auto part = x.index({"...", None, Slice(1, None)}).index({Slice(), 0, Ellipsis});
    auto y = torch::empty({part.size(0), part.size(1)}, x.options());
    const int n = y.numel();
    AT_DISPATCH_V2(x.scalar_type(), "cube", AT_WRAP([&] {
        const int blocks = std::min((n + 127) / 128, most_blocks());
        cube<scalar_t><<<blocks, 128>>>(part.data_ptr<scalar_t>(), y.data_ptr<scalar_t>(), y.size(0), y.size(1), part.stride(0));
    }), AT_EXPAND(AT_FLOATING_TYPES), at::kHalf, at::kBFloat16);
    return y;
}
"""
ext = load_inline(name="ix", cpp_sources="torch::Tensor run(torch::Tensor x);", cuda_sources=src, functions=["run"])
class ModelNew(nn.Module):
    def forward(self, x):
        return ext.run(x.contiguous())

"""SELU of a float64 tensor through AT_DISPATCH_FLOATING_TYPES."""
import torch
import torch.nn as nn

CATEGORY = "activation"
N = 777


class Model(nn.Module):
    def forward(self, x):
        return torch.selu(x)


def get_inputs():
    return [torch.randn(N, dtype=torch.float64)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#include <cuda_runtime.h>

template <typename scalar_t>
__global__ void selu_kernel(const scalar_t* __restrict__ x, scalar_t* __restrict__ y, size_t n) {
    const scalar_t alpha = scalar_t(1.6732632423543772848170429916717);
    const scalar_t scale = scalar_t(1.0507009873554804934193349852946);
    const size_t i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        const scalar_t v = x[i];
        y[i] = v > scalar_t(0) ? scale * v : scale * alpha * expm1(v);
    }
}

torch::Tensor selu_cuda(torch::Tensor x) {
    auto y = torch::empty_like(x);
    const size_t n = x.numel();
    const int threads = 256;
    const dim3 blocks((n + threads - 1) / threads);
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "selu_cuda", ([&] {
        selu_kernel<scalar_t><<<blocks, threads>>>(x.data_ptr<scalar_t>(), y.data_ptr<scalar_t>(), n);
    }));
    return y;
}
"""

selu = load_inline(
    name="selu_dispatch",
    cpp_sources="torch::Tensor selu_cuda(torch::Tensor x);",
    cuda_sources=cuda_source,
    functions=["selu_cuda"],
)


class ModelNew(nn.Module):
    def forward(self, x):
        return selu.selu_cuda(x.contiguous())

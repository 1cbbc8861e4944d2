"""A chain of activations as functors that a template composes."""
import torch
import torch.nn as nn
import torch.nn.functional as F

CATEGORY = "activation"
ROWS = 50
COLS = 41


class Model(nn.Module):
    def __init__(self, negative_slope, limit):
        super().__init__()
        self.negative_slope = negative_slope
        self.limit = limit

    def forward(self, x):
        x = F.leaky_relu(x, self.negative_slope)
        x = F.hardtanh(x, -self.limit, self.limit)
        x = F.softplus(x)
        return F.hardsigmoid(x)


def get_inputs():
    return [torch.randn(ROWS, COLS)]


def get_init_inputs():
    return [0.1, 1.5]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

struct LeakyRelu {
    float slope;
    __device__ float operator()(float v) const { return v >= 0.f ? v : v * slope; }
};
struct Clamp {
    float limit;
    __device__ float operator()(float v) const { return fminf(fmaxf(v, -limit), limit); }
};
struct Softplus {
    __device__ float operator()(float v) const { return v > 20.f ? v : log1pf(expf(v)); }
};
struct HardSigmoid {
    __device__ float operator()(float v) const { return fminf(fmaxf(v / 6.f + 0.5f, 0.f), 1.f); }
};

template <typename First, typename... Rest>
__device__ __forceinline__ float apply(float v, First first, Rest... rest) {
    const float r = first(v);
    if constexpr (sizeof...(Rest) == 0) {
        return r;
    } else {
        return apply(r, rest...);
    }
}

template <typename... Ops>
__global__ void map_kernel(const float* in, float* out, int n, Ops... ops) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) out[i] = apply(in[i], ops...);
}

torch::Tensor chain(torch::Tensor x, float slope, float limit) {
    auto out = torch::empty_like(x);
    int n = (int)x.numel();
    map_kernel<<<(n + 255) / 256, 256>>>(x.data_ptr<float>(), out.data_ptr<float>(), n, LeakyRelu{slope},
                                         Clamp{limit}, Softplus{}, HardSigmoid{});
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return out;
}
"""

extension = load_inline(
    name="functor_chain",
    cpp_sources="torch::Tensor chain(torch::Tensor x, float slope, float limit);",
    cuda_sources=cuda_source,
    functions=["chain"],
    extra_cuda_cflags=["-std=c++17"],
)


class ModelNew(nn.Module):
    def __init__(self, negative_slope, limit):
        super().__init__()
        self.negative_slope = negative_slope
        self.limit = limit

    def forward(self, x):
        return extension.chain(x, self.negative_slope, self.limit)

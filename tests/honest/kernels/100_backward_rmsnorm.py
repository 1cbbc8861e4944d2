"""RMSNorm with a weight: the weight's gradient added up with atomics over blocks of rows."""
import torch
import torch.nn as nn

CATEGORY = "norm"
DIRECTION = "backward"
ROWS = 20
DIM = 48


class Model(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight


def get_inputs():
    return [torch.randn(ROWS, DIM)]


def get_init_inputs():
    return [DIM]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#include <vector>
constexpr int THREADS = 64;

__device__ float block_sum(float v) {
    __shared__ float buffer[THREADS];
    __syncthreads();
    buffer[threadIdx.x] = v;
    __syncthreads();
    for (int s = THREADS / 2; s > 0; s >>= 1) {
        if (threadIdx.x < s) buffer[threadIdx.x] += buffer[threadIdx.x + s];
        __syncthreads();
    }
    return buffer[0];
}

__global__ void forward_kernel(const float* x, const float* w, float* y, float* rstd, int dim) {
    const float* in = x + (size_t)blockIdx.x * dim;
    float sum = 0.f;
    for (int i = threadIdx.x; i < dim; i += THREADS) sum += in[i] * in[i];
    const float r = rsqrtf(block_sum(sum) / dim + 1e-6f);
    for (int i = threadIdx.x; i < dim; i += THREADS) y[(size_t)blockIdx.x * dim + i] = in[i] * r * w[i];
    if (threadIdx.x == 0) rstd[blockIdx.x] = r;
}

__global__ void backward_kernel(const float* g, const float* x, const float* w, const float* rstd, float* gx,
                                float* gw, int dim) {
    const size_t base = (size_t)blockIdx.x * dim;
    const float r = rstd[blockIdx.x];
    float sum = 0.f;
    for (int i = threadIdx.x; i < dim; i += THREADS) sum += g[base + i] * w[i] * x[base + i];
    const float dot = block_sum(sum) * r * r / dim;
    for (int i = threadIdx.x; i < dim; i += THREADS) {
        gx[base + i] = r * (g[base + i] * w[i] - x[base + i] * dot);
        atomicAdd(&gw[i], g[base + i] * x[base + i] * r);
    }
}

std::vector<torch::Tensor> rms_forward(torch::Tensor x, torch::Tensor w) {
    auto y = torch::empty_like(x);
    auto rstd = torch::empty({x.size(0)}, x.options());
    forward_kernel<<<x.size(0), THREADS>>>(x.data_ptr<float>(), w.data_ptr<float>(), y.data_ptr<float>(),
                                           rstd.data_ptr<float>(), x.size(1));
    return {y, rstd};
}

std::vector<torch::Tensor> rms_backward(torch::Tensor g, torch::Tensor x, torch::Tensor w, torch::Tensor rstd) {
    auto gx = torch::empty_like(x);
    auto gw = torch::zeros_like(w);
    backward_kernel<<<x.size(0), THREADS>>>(g.data_ptr<float>(), x.data_ptr<float>(), w.data_ptr<float>(),
                                            rstd.data_ptr<float>(), gx.data_ptr<float>(), gw.data_ptr<float>(),
                                            x.size(1));
    return {gx, gw};
}
"""

ext = load_inline(
    name="rms_both_ways",
    cpp_sources="""#include <vector>
std::vector<torch::Tensor> rms_forward(torch::Tensor x, torch::Tensor w);
std::vector<torch::Tensor> rms_backward(torch::Tensor g, torch::Tensor x, torch::Tensor w, torch::Tensor rstd);""",
    cuda_sources=cuda_source,
    functions=["rms_forward", "rms_backward"],
)


class RMSNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight):
        y, rstd = ext.rms_forward(x, weight)
        ctx.save_for_backward(x, weight, rstd)
        return y

    @staticmethod
    def backward(ctx, grad):
        x, weight, rstd = ctx.saved_tensors
        gx, gw = ext.rms_backward(grad.contiguous(), x, weight, rstd)
        return gx, gw


class ModelNew(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        return RMSNorm.apply(x.contiguous(), self.weight)

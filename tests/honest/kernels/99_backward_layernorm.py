"""LayerNorm: mean and reciprocal deviation saved, gradients of input, weight and bias."""
import torch
import torch.nn as nn

CATEGORY = "norm"
DIRECTION = "backward"
ROWS = 15
DIM = 70


class Model(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm = nn.LayerNorm(dim)

    def forward(self, x):
        return self.norm(x)


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

__device__ __forceinline__ float warp_sum(float v) {
    for (int o = 16; o > 0; o >>= 1) v += __shfl_xor_sync(0xffffffff, v, o);
    return v;
}

__global__ void forward_kernel(const float* x, const float* w, const float* b, float* y, float* mean, float* rstd,
                               int rows, int dim, float eps) {
    const int row = blockIdx.x * blockDim.y + threadIdx.y;
    if (row >= rows) return;
    const float* in = x + (size_t)row * dim;
    float sum = 0.f;
    for (int i = threadIdx.x; i < dim; i += 32) sum += in[i];
    const float m = warp_sum(sum) / dim;
    sum = 0.f;
    for (int i = threadIdx.x; i < dim; i += 32) sum += (in[i] - m) * (in[i] - m);
    const float r = rsqrtf(warp_sum(sum) / dim + eps);
    for (int i = threadIdx.x; i < dim; i += 32) y[(size_t)row * dim + i] = (in[i] - m) * r * w[i] + b[i];
    if (threadIdx.x == 0) {
        mean[row] = m;
        rstd[row] = r;
    }
}

__global__ void input_gradient(const float* g, const float* x, const float* w, const float* mean, const float* rstd,
                               float* gx, int rows, int dim) {
    const int row = blockIdx.x * blockDim.y + threadIdx.y;
    if (row >= rows) return;
    const size_t base = (size_t)row * dim;
    const float m = mean[row], r = rstd[row];
    float sum_g = 0.f, sum_gx = 0.f;
    for (int i = threadIdx.x; i < dim; i += 32) {
        const float gw = g[base + i] * w[i];
        sum_g += gw;
        sum_gx += gw * (x[base + i] - m) * r;
    }
    sum_g = warp_sum(sum_g) / dim;
    sum_gx = warp_sum(sum_gx) / dim;
    for (int i = threadIdx.x; i < dim; i += 32) {
        const float normal = (x[base + i] - m) * r;
        gx[base + i] = r * (g[base + i] * w[i] - sum_g - normal * sum_gx);
    }
}

__global__ void weight_gradient(const float* g, const float* x, const float* mean, const float* rstd, float* gw,
                                float* gb, int rows, int dim) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= dim) return;
    float sum_w = 0.f, sum_b = 0.f;
    for (int row = 0; row < rows; ++row) {
        const float v = g[(size_t)row * dim + i];
        sum_w += v * (x[(size_t)row * dim + i] - mean[row]) * rstd[row];
        sum_b += v;
    }
    gw[i] = sum_w;
    gb[i] = sum_b;
}

std::vector<torch::Tensor> layernorm_forward(torch::Tensor x, torch::Tensor w, torch::Tensor b, double eps) {
    const int rows = x.size(0), dim = x.size(1);
    auto y = torch::empty_like(x);
    auto mean = torch::empty({rows}, x.options()), rstd = torch::empty({rows}, x.options());
    forward_kernel<<<(rows + 3) / 4, dim3(32, 4)>>>(x.data_ptr<float>(), w.data_ptr<float>(), b.data_ptr<float>(),
                                                    y.data_ptr<float>(), mean.data_ptr<float>(),
                                                    rstd.data_ptr<float>(), rows, dim, eps);
    return {y, mean, rstd};
}

std::vector<torch::Tensor> layernorm_backward(torch::Tensor g, torch::Tensor x, torch::Tensor w, torch::Tensor mean,
                                              torch::Tensor rstd) {
    const int rows = x.size(0), dim = x.size(1);
    auto gx = torch::empty_like(x), gw = torch::empty_like(w), gb = torch::empty_like(w);
    input_gradient<<<(rows + 3) / 4, dim3(32, 4)>>>(g.data_ptr<float>(), x.data_ptr<float>(), w.data_ptr<float>(),
                                                    mean.data_ptr<float>(), rstd.data_ptr<float>(),
                                                    gx.data_ptr<float>(), rows, dim);
    weight_gradient<<<(dim + 63) / 64, 64>>>(g.data_ptr<float>(), x.data_ptr<float>(), mean.data_ptr<float>(),
                                             rstd.data_ptr<float>(), gw.data_ptr<float>(), gb.data_ptr<float>(), rows,
                                             dim);
    return {gx, gw, gb};
}
"""

ext = load_inline(
    name="layernorm_both_ways",
    cpp_sources="""#include <vector>
std::vector<torch::Tensor> layernorm_forward(torch::Tensor x, torch::Tensor w, torch::Tensor b, double eps);
std::vector<torch::Tensor> layernorm_backward(torch::Tensor g, torch::Tensor x, torch::Tensor w, torch::Tensor mean,
                                              torch::Tensor rstd);""",
    cuda_sources=cuda_source,
    functions=["layernorm_forward", "layernorm_backward"],
)


class LayerNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias, eps):
        y, mean, rstd = ext.layernorm_forward(x, weight, bias, eps)
        ctx.save_for_backward(x, weight, mean, rstd)
        return y

    @staticmethod
    def backward(ctx, grad):
        gx, gw, gb = ext.layernorm_backward(grad.contiguous(), *ctx.saved_tensors)
        return gx, gw, gb, None


class ModelNew(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm = nn.LayerNorm(dim)

    def forward(self, x):
        return LayerNorm.apply(x.contiguous(), self.norm.weight, self.norm.bias, self.norm.eps)

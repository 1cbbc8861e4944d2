"""F.normalize over the last axis, with its epsilon."""
import torch
import torch.nn as nn
import torch.nn.functional as F

CATEGORY = "norm"
ROWS = 18
COLS = 129


class Model(nn.Module):
    def forward(self, x):
        return F.normalize(x, p=2, dim=1, eps=1e-6)


def get_inputs():
    return [torch.randn(ROWS, COLS)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

__global__ void normalize_kernel(const float* __restrict__ x, float* __restrict__ y, int cols, float eps) {
    extern __shared__ float warp_sums[];
    const int warps = blockDim.x / 32, lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    const float* in = x + (size_t)blockIdx.x * cols;
    float* out = y + (size_t)blockIdx.x * cols;
    float sum = 0.f;
    for (int c = threadIdx.x; c < cols; c += blockDim.x) sum = fmaf(in[c], in[c], sum);
    for (int o = 16; o; o >>= 1) sum += __shfl_xor_sync(0xffffffffu, sum, o);
    if (lane == 0) warp_sums[warp] = sum;
    __syncthreads();
    sum = 0.f;
    for (int w = 0; w < warps; ++w) sum += warp_sums[w];
    const float inverse = 1.f / fmaxf(sqrtf(sum), eps);
    for (int c = threadIdx.x; c < cols; c += blockDim.x) out[c] = in[c] * inverse;
}

torch::Tensor l2_normalize(torch::Tensor x, double eps) {
    CHECK_INPUT(x);
    auto y = torch::empty_like(x);
    const int threads = 128;
    normalize_kernel<<<x.size(0), threads, threads / 32 * sizeof(float)>>>(x.data_ptr<float>(), y.data_ptr<float>(),
                                                                         x.size(1), (float)eps);
    return y;
}
""".replace("#include <torch/extension.h>", """#include <torch/extension.h>
#define CHECK_CUDA(x) TORCH_CHECK(x.device().is_cuda(), #x " must be a CUDA tensor")
#define CHECK_CONTIGUOUS(x) TORCH_CHECK(x.is_contiguous(), #x " must be contiguous")
#define CHECK_INPUT(x) CHECK_CUDA(x); CHECK_CONTIGUOUS(x)
""")

ext = load_inline(
    name="l2_normalize",
    cpp_sources="torch::Tensor l2_normalize(torch::Tensor x, double eps);",
    cuda_sources=cuda_source,
    functions=["l2_normalize"],
)


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.l2_normalize(x.contiguous(), 1e-6)

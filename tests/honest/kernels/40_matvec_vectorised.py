"""Matrix times vector: a warp a row, float4 loads when the row length allows them, a generic loop otherwise."""
import torch
import torch.nn as nn

CATEGORY = "matmul"
M = 40
K = 256


class Model(nn.Module):
    def forward(self, A, x):
        return torch.matmul(A, x)


def get_inputs():
    return [torch.randn(M, K), torch.randn(K, 1)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#include <cstdint>

template <bool VECTOR>
__global__ void matvec(const float* __restrict__ A, const float* __restrict__ x, float* __restrict__ y, int M, int K) {
    const int row = (blockIdx.x * blockDim.x + threadIdx.x) >> 5;
    const int lane = threadIdx.x & 31;
    if (row >= M) return;
    const float* a = A + (size_t)row * K;
    float sum = 0.f;
    if constexpr (VECTOR) {
        const float4* a4 = (const float4*)a;
        const float4* x4 = (const float4*)x;
        for (int k = lane; k < K / 4; k += 32) {
            const float4 u = a4[k], v = x4[k];
            sum += u.x * v.x + u.y * v.y + u.z * v.z + u.w * v.w;
        }
    } else {
        for (int k = lane; k < K; k += 32) sum += a[k] * x[k];
    }
    for (int offset = 16; offset > 0; offset >>= 1) sum += __shfl_down_sync(0xffffffff, sum, offset);
    if (lane == 0) y[row] = sum;
}

torch::Tensor matvec_cuda(torch::Tensor A, torch::Tensor x) {
    TORCH_CHECK(A.size(1) == x.size(0) && x.size(1) == 1, "shapes do not fit");
    const int M = A.size(0), K = A.size(1);
    auto y = torch::empty({M, 1}, A.options());
    const bool aligned = K % 4 == 0 && reinterpret_cast<uintptr_t>(A.data_ptr<float>()) % 16 == 0 &&
                         reinterpret_cast<uintptr_t>(x.data_ptr<float>()) % 16 == 0;
    const int threads = 128, blocks = (M * 32 + threads - 1) / threads;
    if (aligned)
        matvec<true><<<blocks, threads>>>(A.data_ptr<float>(), x.data_ptr<float>(), y.data_ptr<float>(), M, K);
    else
        matvec<false><<<blocks, threads>>>(A.data_ptr<float>(), x.data_ptr<float>(), y.data_ptr<float>(), M, K);
    return y;
}
"""

ext = load_inline(
    name="matvec",
    cpp_sources="torch::Tensor matvec_cuda(torch::Tensor A, torch::Tensor x);",
    cuda_sources=cuda_source,
    functions=["matvec_cuda"],
)


class ModelNew(nn.Module):
    def forward(self, A, x):
        return ext.matvec_cuda(A.contiguous(), x.contiguous())

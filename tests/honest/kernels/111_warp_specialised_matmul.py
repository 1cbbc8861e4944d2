"""Producer warps fill one half of a double buffer while consumer warps compute on the other."""
import torch
import torch.nn as nn

CATEGORY = "matmul"
M = 40
N = 50
K = 70


class Model(nn.Module):
    def forward(self, a, b):
        return a @ b


def get_inputs():
    return [torch.randn(M, K), torch.randn(K, N)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

src = r"""
#include <torch/extension.h>
#include <cuda_runtime.h>
// Four producer warps fill one half of a double buffer while four consumer warps compute on the other half.
constexpr int BM = 16, BN = 16, BK = 16;
struct __align__(16) Stage { float a[BM][BK + 1]; float b[BK][BN + 1]; };

__device__ __forceinline__ void produce(Stage& st, const float* A, const float* B, int M, int N, int K, int k0, int t) {
    for (int e = t; e < BM * BK; e += 128) {
        int r = e / BK, c = e % BK, gr = blockIdx.y * BM + r, gc = k0 + c;
        st.a[r][c] = (gr < M && gc < K) ? A[gr * K + gc] : 0.f;
    }
    for (int e = t; e < BK * BN; e += 128) {
        int r = e / BN, c = e % BN, gr = k0 + r, gc = blockIdx.x * BN + c;
        st.b[r][c] = (gr < K && gc < N) ? B[gr * N + gc] : 0.f;
    }
}

__global__ __launch_bounds__(256) void specialised(const float* __restrict__ A, const float* __restrict__ B, float* __restrict__ C, int M, int N, int K) {
    __shared__ Stage stage[2];
    const bool producer = threadIdx.x < 128;
    const int t = threadIdx.x & 127;
    float acc[2] = {0.f, 0.f};
    const int steps = (K + BK - 1) / BK;
    if (producer) produce(stage[0], A, B, M, N, K, 0, t);
    __syncthreads();
    for (int s = 0; s < steps; ++s) {
        if (producer) {
            if (s + 1 < steps) produce(stage[(s + 1) & 1], A, B, M, N, K, (s + 1) * BK, t);
        } else {
            const Stage& st = stage[s & 1];
            const int r = t / 8, c = (t % 8) * 2;
            #pragma unroll
            for (int k = 0; k < BK; ++k) { acc[0] = fmaf(st.a[r][k], st.b[k][c], acc[0]); acc[1] = fmaf(st.a[r][k], st.b[k][c + 1], acc[1]); }
        }
        __syncthreads();
    }
    if (!producer) {
        const int r = blockIdx.y * BM + t / 8, c = blockIdx.x * BN + (t % 8) * 2;
        #pragma unroll
        for (int j = 0; j < 2; ++j) if (r < M && c + j < N) C[r * N + c + j] = acc[j];
    }
}

at::Tensor matmul(at::Tensor a, at::Tensor b) {
    TORCH_CHECK(a.is_cuda() && b.is_cuda(), "CUDA tensors expected");
    TORCH_CHECK(a.size(1) == b.size(0), "inner sizes differ: ", a.size(1), " and ", b.size(0));
    auto c = at::empty({a.size(0), b.size(1)}, a.options());
    dim3 grid((b.size(1) + BN - 1) / BN, (a.size(0) + BM - 1) / BM);
    specialised<<<grid, 256>>>(a.data_ptr<float>(), b.data_ptr<float>(), c.data_ptr<float>(), a.size(0), b.size(1), a.size(1));
    return c;
}
"""
ext = load_inline(name="warpspec", cpp_sources="at::Tensor matmul(at::Tensor a, at::Tensor b);", cuda_sources=src, functions=["matmul"])


class ModelNew(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return ext.matmul(a.contiguous(), b.contiguous())
